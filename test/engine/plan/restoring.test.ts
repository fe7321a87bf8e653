import { join, resolve, sep, win32 } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { downloadSlices, provingOf } from '../../../main/engine/plan/downloadPlan.ts';
import {
  type FileNow,
  forgottenIdentity,
  type RememberedObject,
  rebuiltProof,
} from '../../../main/engine/plan/rebuiltProof.ts';
import { restoreTarget } from '../../../main/engine/plan/restoreTarget.ts';
import { asObjectKey } from '../../../shared/ids.ts';
import type { SourceIdentity } from '../../../shared/source.ts';

const hostileKey = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(fc.constantFrom('..', '.', '', 'a', '/', '\\', 'C:', 'CON', 'nul.txt', '\0', '...', 'x ', '\u202e'), {
      maxLength: 8,
    })
    .map((parts) => parts.join('/')),
);

describe('where an object is restored to', () => {
  it('is below the folder, whatever the key, on any platform', () => {
    fc.assert(
      fc.property(hostileKey, fc.constantFrom('', 'kept/', 'a/b/'), (rest, prefix) => {
        for (const platform of ['linux', 'darwin', 'win32']) {
          const target = restoreTarget(prefix, asObjectKey(prefix + rest), platform);
          if (target.kind === 'refused' || target.path === '') continue;
          const root = resolve('/target');
          expect(join(root, target.path).startsWith(root + sep)).toBe(true);
          expect(target.path).not.toContain('\0');
          if (platform !== 'win32') continue;
          const onWindows = win32.resolve('T:\\target', target.path);
          expect(onWindows.startsWith('T:\\target\\')).toBe(true);
          expect(onWindows.slice('T:\\target\\'.length).replaceAll('\\', '/')).toBe(target.path);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('is the name that the file had, for every name that a file can have', () => {
    const segment = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter(
        (name) =>
          !/[/\0]/.test(name) &&
          name !== '.' &&
          name !== '..' &&
          name.isWellFormed() &&
          !name.startsWith('.sluice-restore-'),
      );
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
        const path = segments.join('/');
        expect(restoreTarget('kept/', asObjectKey(`kept/${path}`), 'linux')).toEqual({ kind: 'file', path });
      }),
    );
  });
});

describe('how an object is fetched', () => {
  it('covers every byte once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (sizeBytes) => {
        const slices = downloadSlices(sizeBytes, { kind: 'none' }, null);
        let end = 0;
        for (const slice of slices) {
          if (slice.kind !== 'range') throw new Error('no parts are known');
          expect(slice.offset).toBe(end);
          end += slice.length;
        }
        expect(end).toBe(sizeBytes);
      }),
    );
  });

  it('is by parts where only they can prove it, however large they are', () => {
    const layout = { partCount: 3, firstPartBytes: 5 * 2 ** 30 };
    const composite = { kind: 'composite', algorithm: 'sha256', value: 'x-3' } as const;
    expect(downloadSlices(2 ** 34, composite, layout).map(({ kind }) => kind)).toEqual(['part', 'part', 'part']);
    const whole = { kind: 'full', algorithm: 'crc32', value: 'x' } as const;
    expect(downloadSlices(2 ** 34, whole, layout)[0]?.kind).toBe('range');
  });

  it('takes an ETag for an MD5 only where it can be one', () => {
    const head = { sizeBytes: 1, checksum: null, checksumType: null, sse: null };
    const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
    expect(provingOf({ ...head, etag: md5 })).toEqual({ kind: 'md5', hex: md5 });
    expect(provingOf({ ...head, etag: md5, sse: 'aws:kms' })).toEqual({ kind: 'none' });
    expect(provingOf({ ...head, etag: `${md5}-3` })).toEqual({ kind: 'none' });
  });
});

describe('what a ledger made anew believes', () => {
  const identity = 'a.b.c' as SourceIdentity;
  const file: FileNow = { identity, sizeBytes: 5, origin: 'here', source: 'this' };
  const object: RememberedObject = {
    sizeBytes: 5,
    etag: 'e',
    checksum: { algorithm: 'crc32', value: 'x' },
    checksumType: 'full-object',
    origin: 'here',
    source: 'this',
  };

  it('is proven only if origin, source, size and checksum all say so', () => {
    expect(rebuiltProof(object, file, null)).toEqual({ kind: 'proven', identity, checksum: 'crc32:x' });
    const change: fc.Arbitrary<Partial<RememberedObject>> = fc.constantFrom<Partial<RememberedObject>>(
      { sizeBytes: 6 },
      { checksum: null, checksumType: null },
      { origin: 'elsewhere' },
      { origin: null },
      { source: 'another' },
      { source: null },
    );
    fc.assert(
      fc.property(change, (changed) => {
        expect(rebuiltProof({ ...object, ...changed }, file, null).kind).not.toBe('proven');
      }),
    );
  });

  it('of a file touched since is a proof of the file as it was, which it cannot be taken for', () => {
    expect(rebuiltProof({ ...object, source: 'before' }, file, null)).toEqual({
      kind: 'compare',
      identity: forgottenIdentity,
      checksum: 'crc32:x',
    });
  });

  it('of a composite names the size of its parts, or is left to the next pass', () => {
    const composite: RememberedObject = {
      ...object,
      checksum: { algorithm: 'sha256', value: 'x-2' },
      checksumType: 'composite',
    };
    expect(rebuiltProof(composite, file, 3)).toMatchObject({ kind: 'proven', checksum: 'sha256:x-2@3' });
    expect(rebuiltProof(composite, file, null)).toEqual({ kind: 'look' });
    expect(rebuiltProof({ ...composite, source: 'before' }, file, 3)).toEqual({ kind: 'look' });
  });
});
