import { createHash, type Hash } from 'node:crypto';
import { createRequire } from 'node:module';
import { crc32 } from 'node:zlib';
import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import type { Checksum } from '../store/store.ts';

/** A running checksum; `result` ends it. */
export interface Digest {
  update(bytes: Uint8Array): void;
  result(): Checksum;
}

/** Native code for every algorithm: zlib's CRC32, OpenSSL's SHA-256, aws-crt's CRC64NVME. */
export function createDigest(algorithm: ChecksumAlgorithm): Digest {
  switch (algorithm) {
    case 'crc32': {
      let value = 0;
      return {
        update: (bytes) => {
          value = crc32(bytes, value);
        },
        result: () => ({ algorithm, value: crc32Text(value) }),
      };
    }
    case 'crc64nvme': {
      const crc64 = nativeCrc64();
      let value: DataView | undefined;
      return {
        update: (bytes) => {
          value = crc64(bytes, value);
        },
        result: () => ({ algorithm, value: bytesOf(value ?? new DataView(new ArrayBuffer(8))).toString('base64') }),
      };
    }
    case 'sha256': {
      const hash: Hash = createHash('sha256');
      return {
        update: (bytes) => void hash.update(bytes),
        result: () => ({ algorithm, value: hash.digest('base64') }),
      };
    }
  }
}

export function crc32Text(value: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString('base64');
}

type Crc64 = (bytes: Uint8Array, previous?: DataView) => DataView;
let crc64: Crc64 | undefined;

/** Loaded when first asked for: aws-crt takes 75 ms and 40 MiB that a CRC32 user needn't pay. */
function nativeCrc64(): Crc64 {
  crc64 ??= (createRequire(import.meta.url)('aws-crt') as { checksums: { crc64nvme: Crc64 } }).checksums.crc64nvme;
  return crc64;
}

const bytesOf = (view: DataView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
