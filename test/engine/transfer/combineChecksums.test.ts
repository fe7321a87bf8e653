import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combineChecksums } from '../../../main/engine/transfer/combineChecksums.ts';
import { crc32Text, createDigest } from '../../../main/engine/transfer/digest.ts';
import { hasNativeChecksums } from '../../../main/engine/transfer/nativeChecksums.ts';
import { crc32c } from '../../../main/engine/transfer/tableCrc32c.ts';
import type { ChecksumAlgorithm } from '../../../shared/settings.ts';

const digest = (algorithm: ChecksumAlgorithm, ...chunks: Uint8Array[]): string => {
  const running = createDigest(algorithm);
  for (const chunk of chunks) running.update(chunk);
  return running.result().value;
};

describe("the whole object's checksum", () => {
  it.each(['crc32', 'crc32c', 'crc64nvme'] as const)(
    'of %s parts combined is that of the whole, without reading it again',
    (algorithm) => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 }), (parts) => {
          const combined = combineChecksums(
            algorithm,
            parts.map((bytes) => ({ length: bytes.length, value: digest(algorithm, bytes) })),
          );
          expect(combined.value).toBe(digest(algorithm, ...parts));
        }),
        { numRuns: 60 },
      );
    },
  );

  it("is S3's composite for sha256: the hash of the parts' hashes, and how many", () => {
    const parts = [Buffer.from('one'), Buffer.from('two')];
    const inner = parts.map((bytes) => createHash('sha256').update(bytes).digest());
    const expected = `${createHash('sha256').update(Buffer.concat(inner)).digest('base64')}-2`;
    const given = parts.map((bytes) => ({ length: bytes.length, value: digest('sha256', bytes) }));
    expect(combineChecksums('sha256', given)).toEqual({ algorithm: 'sha256', value: expected });
  });

  it('agrees with the published check values of "123456789"', () => {
    const nine = Buffer.from('123456789');
    expect(Buffer.from(digest('crc32', nine), 'base64').toString('hex')).toBe('cbf43926');
    expect(Buffer.from(digest('crc32c', nine), 'base64').toString('hex')).toBe('e3069283');
    expect(Buffer.from(digest('crc64nvme', nine), 'base64').toString('hex')).toBe('ae8b14860a799888');
  });

  it('of CRC-32C is the same where the machine has no native one', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }), (chunks) => {
        const slow = chunks.reduce((crc, bytes) => crc32c(bytes, crc), 0);
        expect(crc32Text(slow)).toBe(digest('crc32c', ...chunks));
      }),
    );
    expect(hasNativeChecksums()).toBe(true);
  });
});
