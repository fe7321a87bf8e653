import { describe, expect, it } from 'vitest';
import {
  comparisonWith,
  type ExistingObject,
  metObject,
  type WantedObject,
} from '../../../main/engine/plan/existingObject.ts';

const existing: ExistingObject = {
  sizeBytes: 100,
  etag: 'd41d8cd98f00b204e9800998ecf8427e',
  checksum: { algorithm: 'crc32', value: 'AAAAAA==' },
  checksumType: 'full-object',
  token: null,
  origin: null,
  sse: null,
};
const wanted: WantedObject = { sizeBytes: 100, token: 'mine', origin: 'here', foreign: 'keep' };

describe('an object that a write meets', () => {
  it("is never overwritten when it is somebody else's", () => {
    expect(metObject(existing, wanted, false)).toEqual({ kind: 'foreign' });
    expect(metObject({ ...existing, token: 'theirs', origin: 'there' }, wanted, false)).toEqual({ kind: 'foreign' });
  });

  it('is ours when it bears the token of this attempt, since an answer may be lost', () => {
    expect(metObject({ ...existing, token: 'mine' }, wanted, false)).toEqual({ kind: 'stored' });
  });

  it("isn't believed to be ours when its size is another", () => {
    expect(metObject({ ...existing, token: 'mine', sizeBytes: 99 }, wanted, false)).toEqual({ kind: 'foreign' });
  });

  it('is taken over when it has the same bytes, whoever wrote it', () => {
    expect(metObject({ ...existing, origin: 'there' }, wanted, true)).toEqual({ kind: 'adopt' });
  });

  it("is overwritten, as it was seen, when this folder wrote it by an earlier ledger or may overwrite anybody's", () => {
    const overwrite = { kind: 'overwrite', etag: existing.etag };
    expect(metObject({ ...existing, origin: 'here' }, wanted, false)).toEqual(overwrite);
    expect(metObject(existing, { ...wanted, foreign: 'overwrite' }, false)).toEqual(overwrite);
  });

  it('that went away is written as if it had never been', () => {
    expect(metObject(null, wanted, false)).toEqual({ kind: 'absent' });
  });
});

describe('what the store keeps of an object', () => {
  it('is its checksum, when that is of the whole', () => {
    expect(comparisonWith(existing, wanted)).toEqual({ kind: 'checksum', algorithm: 'crc32', value: 'AAAAAA==' });
  });

  it('is its ETag when that is an MD5', () => {
    const plain = { ...existing, checksum: null, checksumType: null };
    expect(comparisonWith(plain, wanted)).toEqual({ kind: 'md5', hex: existing.etag });
    const composite: ExistingObject = { ...existing, checksumType: 'composite' };
    expect(comparisonWith(composite, wanted)).toEqual({ kind: 'md5', hex: existing.etag });
  });

  it('is nothing when it was made of parts, is encrypted with a KMS key, or has another size', () => {
    const plain = { ...existing, checksum: null, checksumType: null };
    expect(comparisonWith({ ...plain, etag: `${existing.etag}-2` }, wanted)).toBeNull();
    expect(comparisonWith({ ...plain, sse: 'aws:kms' }, wanted)).toBeNull();
    expect(comparisonWith({ ...plain, sse: 'aws:kms:dsse' }, wanted)).toBeNull();
    expect(comparisonWith({ ...existing, sizeBytes: 99 }, wanted)).toBeNull();
  });
});
