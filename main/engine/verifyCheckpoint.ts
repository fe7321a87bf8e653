import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { asRelativePath, type FolderId } from '../../shared/ids.ts';
import { VerifyProblem } from '../../shared/syncApi.ts';

/** Where a verification that was interrupted can go on. */
const Checkpoint = z.object({
  version: z.literal(1),
  /** Of the folder's path, address and rules: another pair under the same id begins anew. */
  subject: z.string(),
  startedAt: z.number(),
  /** The last directory, in the order of a scan, whose files were all compared. */
  cursor: z.string().transform(asRelativePath),
  filesChecked: z.number(),
  bytesChecked: z.number(),
  bytesReread: z.number(),
  problems: z.array(VerifyProblem),
});
export type VerifyCheckpoint = z.infer<typeof Checkpoint>;

export interface VerifyCheckpoints {
  /** null: none, or none that can be gone on from. */
  load(): Promise<VerifyCheckpoint | null>;
  save(checkpoint: VerifyCheckpoint): Promise<void>;
  clear(): Promise<void>;
}

/** What was compared longer ago is compared again. */
const goodForMs = 60 * 60_000;
/** More are found again sooner than they are written down every few seconds. */
const mostProblems = 1_000;

/** A small file in the data directory: disk, bucket and ledger stay untouched by a verification. */
export function verifyCheckpoints(options: {
  readonly dataDir: string;
  readonly folderId: FolderId;
  readonly deep: boolean;
  readonly subject: string;
  readonly now: () => number;
}): VerifyCheckpoints {
  const { dataDir, folderId, deep, subject, now } = options;
  const path = join(dataDir, `verify-${folderId}${deep ? '-deep' : ''}.json`);
  return {
    load: async () => {
      try {
        const found = Checkpoint.parse(JSON.parse(await readFile(path, 'utf8')));
        const ageMs = now() - found.startedAt;
        return found.subject === subject && ageMs >= 0 && ageMs < goodForMs ? found : null;
      } catch {
        // None, or one that can't be read: beginning anew costs time only.
        return null;
      }
    },
    save: async (checkpoint) => {
      if (checkpoint.problems.length > mostProblems) return;
      const fresh = `${path}.new`;
      await writeFile(fresh, JSON.stringify(checkpoint), { mode: 0o600 });
      await rename(fresh, path);
    },
    clear: () => rm(path, { force: true }),
  };
}
