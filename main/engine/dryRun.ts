import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RelativePath } from '../../shared/ids.ts';
import type { EngineSettings, FolderRules } from '../../shared/settings.ts';
import { pathIn } from '../../shared/source.ts';
import type { DryRunFile } from './engine.ts';
import type { FolderRow, Ledger } from './ledger/ledger.ts';
import { deletesAllowed } from './plan/deleteGuard.ts';
import { objectKey } from './plan/objectKey.ts';
import { planUpload } from './plan/partPlan.ts';
import { sameRoot } from './watch/rootIdentity.ts';
import { scanFolder } from './watch/scanFolder.ts';

/** What a run would do, found by the same scan, told and not done: the ledger isn't written. Throws what the run's guards would throw. */
export async function dryRun(options: {
  readonly folder: FolderRow;
  readonly ledger: Ledger;
  readonly settings: EngineSettings;
  readonly rules: FolderRules;
  readonly signal: AbortSignal;
  readonly onPlanned: (file: DryRunFile) => void;
}): Promise<{ readonly filesScanned: number; readonly filesUnchanged: number }> {
  const { folder, ledger, settings, rules, signal, onPlanned } = options;
  let filesScanned = 0;
  let filesUnchanged = 0;
  const seen = new Set<number>();
  let complete = true;
  const { path: root, prefix: keyPrefix } = folder;
  const found = await scanFolder({ root, rules, keyPrefix, signal }, (batch) => {
    if (batch.unreadable.length > 0) complete = false;
    for (const { directory, files } of batch.listings) {
      for (const file of files) {
        filesScanned++;
        const path = pathIn(directory, file.name);
        const known = ledger.file(folder.id, path);
        if (known) seen.add(known.id);
        if (known?.proof && known.proof.identity === file.identity) {
          filesUnchanged++;
          continue;
        }
        const plan = planUpload({
          sizeBytes: file.sizeBytes,
          bandwidthBytesPerSecond: settings.maxBandwidthBytesPerSecond,
          memoryBytes: settings.memoryBytes,
          maxConnections: settings.maxConnections,
          partSizeBytes: settings.partSizeBytes,
        });
        const unfinished = known !== null && ledger.openUpload(known.id)?.identity === file.identity;
        const reason = unfinished ? 'unfinished' : known?.proof ? 'changed' : 'new';
        onPlanned({
          path,
          key: objectKey(keyPrefix, path),
          action: plan.strategy,
          bytes: file.sizeBytes,
          parts: plan.partCount,
          reason,
        });
      }
    }
  });
  if (folder.deletes.kind === 'never') return { filesScanned, filesUnchanged };
  const gone: { path: RelativePath; sizeBytes: number }[] = [];
  // Without an ETag it was left to others: a pass doesn't delete it either.
  for (const { id, path, sizeBytes, proof } of ledger.files(folder.id))
    if (proof !== null && proof.etag !== '' && !seen.has(id) && (await isMissing(join(root, path))))
      gone.push({ path, sizeBytes });
  const facts = {
    candidates: gone.length,
    known: filesScanned + gone.length,
    sameRoot: !folder.root || sameRoot(found.root, folder.root),
    scanComplete: complete,
  };
  // Listed even where the guard then stops: the list is what one needs to judge.
  for (const { path, sizeBytes } of complete && facts.sameRoot ? gone : []) {
    const key = objectKey(keyPrefix, path);
    onPlanned({ path, key, action: 'delete', bytes: sizeBytes, parts: 0, reason: 'gone' });
  }
  deletesAllowed(folder.deletes, facts);
  return { filesScanned, filesUnchanged };
}

async function isMissing(path: string): Promise<boolean> {
  return lstat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT' || error.code === 'ENOTDIR',
  );
}
