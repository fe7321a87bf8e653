import { join } from 'node:path';
import { errorView } from '../../shared/errors.ts';
import type { ObjectKey, RelativePath } from '../../shared/ids.ts';
import type { ChecksumAlgorithm, FolderRules } from '../../shared/settings.ts';
import { type ObservedFile, pathIn } from '../../shared/source.ts';
import type { VerifyProblem, VerifyReport } from '../../shared/syncApi.ts';
import type { FolderRow, Ledger, Proof } from './ledger/ledger.ts';
import { objectKey } from './plan/objectKey.ts';
import type { Clock } from './ports.ts';
import type { ObjectHead } from './store/store.ts';
import { compositeChecksum, type PartChecksum } from './transfer/combineChecksums.ts';
import { eachLimited } from './transfer/eachLimited.ts';
import { md5OfFile } from './transfer/md5OfFile.ts';
import type { SendPool } from './transfer/sendPool.ts';
import type { StoreKey } from './transfer/sendProtocol.ts';
import { scanFolder } from './watch/scanFolder.ts';

export interface VerifyOptions {
  readonly folder: FolderRow;
  readonly ledger: Ledger;
  readonly pool: SendPool;
  readonly storeKey: StoreKey;
  readonly clock: Clock;
  readonly deep: boolean;
  readonly rules: FolderRules;
  readonly signal: AbortSignal;
}

const askedAtOnce = 32;
const rereadAtOnce = 4;

/**
 * Compares what is on disk with what the ledger proved and what the bucket says now; `deep` rereads the local bytes and holds their checksum against the bucket's. Changes
 * nothing. Throws the root's and the store's errors; what is wrong with a file is in the report.
 */
export async function verifyFolder(options: VerifyOptions): Promise<VerifyReport> {
  const { folder, clock, deep, rules, signal } = options;
  const startedAt = clock.now();
  const problems: VerifyProblem[] = [];
  const counted = { files: 0, bytes: 0, reread: 0 };
  const check = async (files: readonly Seen[]): Promise<void> => {
    counted.files += files.length;
    const tasks = files.map((file) => () => checkFile(options, file, counted));
    await eachLimited(deep ? rereadAtOnce : askedAtOnce, tasks, signal, (problem) => {
      if (problem) problems.push(problem);
    });
  };

  const { path: root, prefix: keyPrefix } = folder;
  await scanFolder({ root, rules, keyPrefix, signal }, async (batch) => {
    for (const { path, detail } of batch.problems) {
      problems.push({ path, key: objectKey(keyPrefix, path), problem: 'unreadable', detail });
    }
    await check(
      batch.listings.flatMap(({ directory, files }) =>
        files.map((file) => {
          const path = pathIn(directory, file.name);
          return { path, key: objectKey(keyPrefix, path), file };
        }),
      ),
    );
  });
  return {
    ok: problems.length === 0,
    deep,
    filesChecked: counted.files,
    bytesChecked: counted.bytes,
    bytesReread: counted.reread,
    problems,
    durationMs: clock.now() - startedAt,
  };
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
  const { head } = await pool.send({ kind: 'head', store: storeKey, key }).result;
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
