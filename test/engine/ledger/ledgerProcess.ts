import { writeSync } from 'node:fs';
import { openLedger } from '../../../main/engine/ledger/openLedger.ts';
import { asObjectKey, asRelativePath, asS3UploadId, asUploadToken } from '../../../shared/ids.ts';
import { FolderInput } from '../../../shared/settings.ts';
import type { SourceIdentity } from '../../../shared/source.ts';

/*
 * A process of its own that holds a ledger, to be killed: `node ledgerProcess.ts hold|write <dataDir>`. Says `ready` once it has it; `write` then works without end and
 * says the number of each round after the round was committed.
 */
const [, , mode, dataDir = ''] = process.argv;
const ledger = openLedger({ dataDir, smallFileLimitBytes: 100, holder: 'sluice daemon' });
writeSync(1, 'ready\n');
if (mode === 'hold') setInterval(() => ledger.counts(ledger.folders()[0]!.id), 1_000);
else write();

function write(): never {
  const folder =
    ledger.folders()[0] ?? ledger.addFolder(FolderInput.parse({ path: '/data', bucket: 'bucket', connection: {} }));
  for (let round = 0; ; round++) {
    const scan = ledger.beginScan(folder.id, round);
    for (let directory = 0; directory < 5; directory++) {
      const files = Array.from({ length: 200 }, (_, at) => ({
        name: `file-${at}`,
        sizeBytes: at,
        mtimeMs: round,
        identity: `${round}.${at % 3 === 0 ? round : 0}` as SourceIdentity,
      }));
      ledger.observeDirectories(scan, [
        { directory: asRelativePath(`directory-${directory}`), files: round % 2 ? files : files.slice(50) },
      ]);
    }
    ledger.finishScan(scan, { complete: true, atMs: round, unreadable: [] });
    const claimed = ledger.claimNext(folder.id, 'small', 100);
    const proofs = claimed.map((queued) => ({
      fileId: queued.id,
      proof: {
        identity: queued.identity,
        sizeBytes: queued.sizeBytes,
        etag: '"e"',
        checksum: 'crc32:AAAAAA==',
        provenAt: round,
      },
    }));
    ledger.recordProofs(proofs.slice(0, 50));
    for (const queued of claimed.slice(50, 60)) ledger.postpone(queued.id, round + 5);
    ledger.wakeDue(round);
    for (const queued of ledger.claimNext(folder.id, 'large', 2)) {
      const upload = ledger.intendUpload({
        fileId: queued.id,
        folderId: folder.id,
        key: asObjectKey(queued.path),
        token: asUploadToken(`${round}`),
        identity: queued.identity,
        sizeBytes: queued.sizeBytes,
        partSizeBytes: 50,
        partCount: Math.ceil(queued.sizeBytes / 50),
        algorithm: 'crc32',
        intendedAt: round,
      });
      ledger.uploadCreated(upload.id, asS3UploadId(`s3-${round}`));
      ledger.recordParts([
        { uploadRowId: upload.id, part: { partNumber: 1, sizeBytes: 50, etag: '"p"', checksum: 'AAAAAA==' } },
      ]);
      if (round % 3 === 0) ledger.releaseClaim(queued.id);
      else
        ledger.uploadProven(upload.id, {
          identity: queued.identity,
          sizeBytes: queued.sizeBytes,
          etag: '"m"',
          checksum: 'crc32:AAAAAA==',
          provenAt: round,
        });
    }
    ledger.setSetting('round', round);
    writeSync(1, `${round}\n`);
  }
}
