import { describe, expect, it } from 'vitest';
import type { Ledger, QueuedFile, UploadIntent } from '../../../main/engine/ledger/ledger.ts';
import { asObjectKey, asRelativePath, asS3UploadId, asUploadToken, type FolderId } from '../../../shared/ids.ts';
import { addFolder, open, proof, proofFor, sees, states, tempDataDir } from './ledgerFixture.ts';

const intent = (queued: QueuedFile, change: Partial<UploadIntent> = {}): UploadIntent => ({
  fileId: queued.id,
  folderId: queued.folderId,
  key: asObjectKey(`prefix/${queued.path}`),
  token: asUploadToken('token'),
  identity: queued.identity,
  sizeBytes: queued.sizeBytes,
  partSizeBytes: 100,
  partCount: Math.ceil(queued.sizeBytes / 100),
  algorithm: 'crc64nvme',
  intendedAt: 7,
  ...change,
});

const part = (partNumber: number) => ({ partNumber, sizeBytes: 100, etag: `"p${partNumber}"`, checksum: 'AAAAAA==' });

function claimed(ledger: Ledger, path = 'big'): { readonly folderId: FolderId; readonly file: QueuedFile } {
  const folderId = addFolder(ledger).id;
  ledger.observePaths(folderId, [sees(path, 9)]);
  return { folderId, file: ledger.claimNext(folderId, 'large', 1)[0]! };
}

describe('a multipart upload', () => {
  it('is found again after a restart with its plan, its id and the parts S3 has', () => {
    const dataDir = tempDataDir();
    const ledger = open(dataDir);
    const { file } = claimed(ledger);
    const upload = ledger.intendUpload(intent(file));
    expect(upload).toEqual({ ...intent(file), id: upload.id, uploadId: null, state: 'open', bucket: upload.bucket });
    expect(JSON.parse(upload.bucket)).toMatchObject({ bucket: 'bucket', connection: { endpointUrl: null } });
    ledger.uploadCreated(upload.id, asS3UploadId('s3'));
    ledger.recordParts([3, 1, 2].map((number) => ({ uploadRowId: upload.id, part: part(number) })));
    ledger.recordParts([{ uploadRowId: upload.id, part: { ...part(2), etag: '"again"' } }]);
    ledger.dropParts(upload.id, [3]);
    ledger.close();
    const reopened = open(dataDir);
    expect(reopened.openUpload(file.id)).toEqual({ ...upload, uploadId: 's3' });
    expect(reopened.parts(upload.id)).toEqual([part(1), { ...part(2), etag: '"again"' }]);
  });

  it('leaves with its parts when it is proven', () => {
    const ledger = open();
    const { folderId, file } = claimed(ledger);
    const upload = ledger.intendUpload(intent(file));
    ledger.recordParts([{ uploadRowId: upload.id, part: part(1) }]);
    ledger.uploadProven(upload.id, proofFor(file));
    expect(states(ledger, folderId)).toEqual({ big: 'proven' });
    expect([
      ledger.openUpload(file.id),
      ledger.parts(upload.id),
      ledger.uploads('open'),
      ledger.uploads('aborting'),
    ]).toEqual([null, [], [], []]);
    ledger.recordParts([{ uploadRowId: upload.id, part: part(2) }]);
    expect(ledger.parts(upload.id)).toEqual([]);
    expect(ledger.check()).toEqual([]);
  });

  it('that another one replaces waits to be aborted, across restarts and its folder, until it is gone', () => {
    const dataDir = tempDataDir();
    const ledger = open(dataDir);
    const { folderId, file } = claimed(ledger);
    const first = ledger.intendUpload(intent(file));
    const second = ledger.intendUpload(intent(file, { token: asUploadToken('second') }));
    expect(ledger.uploads('aborting').map((upload) => upload.id)).toEqual([first.id]);
    expect(ledger.openUpload(file.id)!.id).toBe(second.id);
    ledger.removeFolder(folderId);
    ledger.close();
    const reopened = open(dataDir);
    expect(reopened.uploads('aborting').map((upload) => [upload.id, JSON.parse(upload.bucket).bucket])).toEqual([
      [first.id, 'bucket'],
      [second.id, 'bucket'],
    ]);
    reopened.uploadGone(first.id);
    reopened.uploadGone(second.id);
    expect(reopened.uploads('aborting')).toEqual([]);
    expect(reopened.folders()).toEqual([]);
    expect(reopened.check()).toEqual([]);
  });

  it('of a file that goes from disk is aborted: at once, or when its worker lets go', () => {
    const ledger = open();
    const { folderId, file } = claimed(ledger);
    const upload = ledger.intendUpload(intent(file));
    ledger.observePaths(folderId, [{ kind: 'gone', path: asRelativePath('big') }]);
    expect(ledger.uploads('open')).toHaveLength(1);
    ledger.releaseClaim(file.id);
    expect(ledger.uploads('aborting').map((row) => row.id)).toEqual([upload.id]);
    ledger.observePaths(folderId, [sees('big', 9)]);
    const again = ledger.claimNext(folderId, 'large', 1)[0]!;
    expect(again.id).not.toBe(file.id);
    ledger.intendUpload(intent(again));
    ledger.releaseClaim(again.id);
    ledger.observePaths(folderId, [{ kind: 'gone', path: asRelativePath('big') }]);
    expect(ledger.uploads('aborting')).toHaveLength(2);
  });

  it('is aborted when the file was proven by other means', () => {
    const ledger = open();
    const { folderId, file } = claimed(ledger);
    ledger.intendUpload(intent(file));
    ledger.observePaths(folderId, [sees('big', 1)]);
    ledger.releaseClaim(file.id);
    const small = ledger.claimNext(folderId, 'small', 1)[0]!;
    ledger.recordProofs([{ fileId: small.id, proof: proof(1) }]);
    expect(ledger.uploads('open')).toEqual([]);
    expect(ledger.uploads('aborting')).toHaveLength(1);
  });

  it('whose parts do not cover the file exactly is refused before S3 hears of it', () => {
    const ledger = open();
    const { file } = claimed(ledger);
    for (const wrong of [
      { partCount: 4 },
      { partCount: 6 },
      { partSizeBytes: 0 },
      { partCount: 0 },
      { sizeBytes: 1_000_001 },
      { partSizeBytes: 0.5, partCount: 900 },
    ]) {
      expect(() => ledger.intendUpload(intent(file, wrong)), JSON.stringify(wrong)).toThrow(/not one for/);
    }
    expect(() => ledger.intendUpload(intent(file, { folderId: 99 as FolderId }))).toThrow(
      expect.objectContaining({ code: 'not-found' }),
    );
    expect(ledger.uploads('open')).toEqual([]);
    expect(ledger.intendUpload(intent(file, { sizeBytes: 0, partCount: 1 })).partCount).toBe(1);
  });

  it('whose id comes too late is not lost silently', () => {
    const ledger = open();
    const { file } = claimed(ledger);
    const upload = ledger.intendUpload(intent(file));
    ledger.abandonUpload(upload.id);
    ledger.uploadCreated(upload.id, asS3UploadId('s3'));
    expect(ledger.uploads('aborting')[0]!.uploadId).toBe('s3');
    ledger.uploadGone(upload.id);
    expect(() => ledger.uploadCreated(upload.id, asS3UploadId('s3'))).toThrow(/abort that one/);
  });
});
