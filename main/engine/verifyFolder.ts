import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { errorView } from '../../shared/errors.ts';
import { asRelativePath, type ObjectKey, type RelativePath } from '../../shared/ids.ts';
import type { ChecksumAlgorithm, FolderRules } from '../../shared/settings.ts';
import { type ObservedFile, pathIn } from '../../shared/source.ts';
import type { VerifyProblem, VerifyProgress, VerifyReport } from '../../shared/syncApi.ts';
import type { FolderRow, Ledger, Proof } from './ledger/ledger.ts';
import { objectKey } from './plan/objectKey.ts';
import { isScannedBy } from './plan/scanOrder.ts';
import type { Clock, Random } from './ports.ts';
import type { ObjectHead } from './store/store.ts';
import { compositeChecksum, type PartChecksum } from './transfer/combineChecksums.ts';
import { eachLimited } from './transfer/eachLimited.ts';
import { md5OfFile } from './transfer/md5OfFile.ts';
import type { SendPool } from './transfer/sendPool.ts';
import type { StoreKey } from './transfer/sendProtocol.ts';
import { tryAgain } from './transfer/tryAgain.ts';
import type { VerifyCheckpoints } from './verifyCheckpoint.ts';
import { observeFile } from './watch/observeFile.ts';
import { scanFolder } from './watch/scanFolder.ts';

export interface VerifyOptions {
  readonly folder: FolderRow;
  readonly ledger: Ledger;
  readonly pool: SendPool;
  readonly storeKey: StoreKey;
  readonly clock: Clock;
  readonly random: Random;
  readonly deep: boolean;
  /** Begin anew, whatever an interrupted run had compared. */
  readonly fresh: boolean;
  readonly checkpoints: VerifyCheckpoints;
  readonly rules: FolderRules;
  readonly signal: AbortSignal;
  /** Seen from now on, as it grows. */
  readonly onStarted: (figures: () => VerifyProgress) => void;
}

const askedAtOnce = 64;
const rereadAtOnce = Math.max(4, Math.min(16, availableParallelism()));
const checkpointEveryMs = 2_000;

/**
 * Compares what is on disk with what the ledger proved and what the bucket says now; `deep` rereads the local bytes and holds their checksum against the bucket's. Changes
 * nothing. Interrupted, the next one of its kind goes on for an hour: what was wrong is looked at again, what agreed is not. Throws the root's and the store's errors; what
 * is wrong with a file is in the report.
 */
export async function verifyFolder(options: VerifyOptions): Promise<VerifyReport> {
  const { folder, clock, deep, rules, signal, checkpoints } = options;
  const before = options.fresh ? null : await checkpoints.load();
  const began = clock.now();
  const startedAt = before?.startedAt ?? began;
  const problems: VerifyProblem[] = [];
  const counted = {
    files: before?.filesChecked ?? 0,
    bytes: before?.bytesChecked ?? 0,
    reread: before?.bytesReread ?? 0,
  };
  let cursor = before?.cursor ?? null;
  let savedAt = clock.now();
  options.onStarted(() => ({
    filesChecked: counted.files,
    bytesChecked: counted.bytes,
    bytesReread: counted.reread,
    problems: problems.length,
  }));

  const check = (files: readonly Seen[]): Promise<void> => {
    const tasks = files.map((file) => async () => {
      const problem = await checkFile(options, file, counted);
      counted.files++;
      return problem;
    });
    return eachLimited(deep ? rereadAtOnce : askedAtOnce, tasks, signal, (problem) => {
      if (problem) problems.push(problem);
    });
  };
  const save = async (): Promise<void> => {
    if (cursor === null || clock.now() - savedAt < checkpointEveryMs) return;
    savedAt = clock.now();
    const { files: filesChecked, bytes: bytesChecked, reread: bytesReread } = counted;
    await checkpoints.save({
      version: 1,
      subject: verifySubject(folder),
      ...{ startedAt, cursor, filesChecked, bytesChecked, bytesReread, problems },
    });
  };

  for (const problem of before?.problems ?? []) await lookAgain(options, problem, problems);
  const { path: root, prefix: keyPrefix } = folder;
  await scanFolder({ root, rules, keyPrefix, signal }, async (batch) => {
    const isNew = (directory: RelativePath) => before === null || !isScannedBy(directory, before.cursor);
    for (const { path, detail } of batch.problems) {
      const problem = { path, key: objectKey(keyPrefix, path), problem: 'unreadable', detail } as const;
      if (!problems.some((known) => known.path === path && known.problem === 'unreadable')) problems.push(problem);
    }
    const listings = batch.listings.filter(({ directory }) => isNew(directory));
    await check(
      listings.flatMap(({ directory, files }) =>
        files.map((file) => {
          const path = pathIn(directory, file.name);
          return { path, key: objectKey(keyPrefix, path), file };
        }),
      ),
    );
    cursor = listings.at(-1)?.directory ?? cursor;
    await save();
  });
  await checkpoints.clear();
  return {
    ok: problems.length === 0,
    deep,
    filesChecked: counted.files,
    bytesChecked: counted.bytes,
    bytesReread: counted.reread,
    problems,
    durationMs: clock.now() - began,
    ...(before !== null && { filesFromBefore: before.filesChecked, startedAt }),
  };
}

/** What a checkpoint is of. */
export const verifySubject = ({ path, bucket, prefix, connection, rules }: FolderRow): string =>
  JSON.stringify([path, bucket, prefix, connection.endpointUrl, rules]);

/** A problem of the interrupted run may be over. */
async function lookAgain(options: VerifyOptions, problem: VerifyProblem, problems: VerifyProblem[]): Promise<void> {
  const { folder, signal } = options;
  signal.throwIfAborted();
  const path = asRelativePath(problem.path);
  const file = await observeFile(folder.path, path);
  // Gone: the scan would not have come upon it. What the scan itself could not read, it says again.
  if (file === 'gone' || 'code' in file || problem.problem === 'unreadable') return;
  const found = await checkFile(options, { path, key: objectKey(folder.prefix, path), file }, { bytes: 0, reread: 0 });
  if (found) problems.push(found);
}

interface Seen {
  readonly path: RelativePath;
  readonly key: ObjectKey;
  readonly file: ObservedFile;
}

async function checkFile(
  options: VerifyOptions,
  seen: Seen,
  counted: { bytes: number; reread: number },
): Promise<VerifyProblem | null> {
  const { folder, ledger, pool, storeKey, deep } = options;
  const { path, key, file } = seen;
  const wrong = (problem: VerifyProblem['problem'], detail: string): VerifyProblem => ({ path, key, problem, detail });
  const known = ledger.file(folder.id, path);
  if (!known?.proof) return wrong('not-uploaded', 'It has not been uploaded yet');
  if (known.proof.identity !== file.identity) return wrong('changed-since', 'It changed after it was uploaded');
  const { head } = await tryAgain(options, () => pool.send({ kind: 'head', store: storeKey, key }).result);
  const atStore = compareWithBucket(known.proof, file, head);
  if (atStore) return wrong(...atStore);
  counted.bytes += file.sizeBytes;
  if (!deep || known.proof.checksum === null) return null;
  try {
    const local = await localChecksum(pool, join(folder.path, path), file, known.proof.checksum);
    counted.reread += file.sizeBytes;
    return local === known.proof.checksum
      ? null
      : wrong('local-differs', `On disk ${local}, in the bucket ${known.proof.checksum}`);
  } catch (error) {
    const { code, message } = errorView(error);
    return wrong(code === 'source-changed' ? 'changed-since' : 'unreadable', message);
  }
}

function compareWithBucket(
  proof: Proof,
  file: ObservedFile,
  head: ObjectHead | null,
): [VerifyProblem['problem'], string] | null {
  if (!head) return ['object-missing', 'The bucket has no such object'];
  if (head.sizeBytes !== file.sizeBytes)
    return ['size-differs', `${head.sizeBytes} bytes in the bucket, ${file.sizeBytes} on disk`];
  if (proof.checksum === null) return ['not-confirmed', 'This store confirmed only its size'];
  const [text] = proof.checksum.split('@');
  if (!head.checksum) {
    return head.etag === proof.etag
      ? null
      : ['checksum-differs', `Another object: ETag ${head.etag} instead of ${proof.etag}`];
  }
  // The store kept no checksum when it was taken over as it was: its ETag is what can be held against it.
  if (text?.startsWith('md5:')) {
    return head.etag === proof.etag
      ? null
      : ['checksum-differs', `Another object: ETag ${head.etag} instead of ${proof.etag}`];
  }
  const says = `${head.checksum.algorithm}:${head.checksum.value}`;
  return says === text ? null : ['checksum-differs', `${says} in the bucket, ${text} when it was uploaded`];
}

/** Rereads the file the way its proof was made: whole, or part by part for a composite. */
async function localChecksum(pool: SendPool, path: string, file: ObservedFile, proven: string): Promise<string> {
  const [text = '', partSizeText] = proven.split('@');
  if (text.startsWith('md5:')) return `md5:${await md5OfFile(path, file.identity)}`;
  const algorithm = text.slice(0, text.indexOf(':')) as ChecksumAlgorithm;
  const digest = async (offset: number, length: number): Promise<string> => {
    const source = { path, identity: file.identity, offset, length };
    return (await pool.send({ kind: 'digest', source, algorithm }).result).checksum.value;
  };
  if (partSizeText === undefined) return `${algorithm}:${await digest(0, file.sizeBytes)}`;
  const partSize = Number(partSizeText);
  const parts: PartChecksum[] = [];
  for (let offset = 0; offset < file.sizeBytes; offset += partSize) {
    const length = Math.min(partSize, file.sizeBytes - offset);
    parts.push({ length, value: await digest(offset, length) });
  }
  return `${algorithm}:${compositeChecksum(algorithm, parts).value}@${partSizeText}`;
}
