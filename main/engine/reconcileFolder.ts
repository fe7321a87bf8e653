import { SluiceError } from '../../shared/errors.ts';
import type { ObjectKey } from '../../shared/ids.ts';
import type { ReconcileProblem, ReconcileReport } from '../../shared/syncApi.ts';
import type { FolderRow, KnownFile, Ledger } from './ledger/ledger.ts';
import { objectKey } from './plan/objectKey.ts';
import { compareUtf8 } from './plan/utf8Order.ts';
import type { Clock } from './ports.ts';
import type { ListedObject, ObjectHead, Store } from './store/store.ts';

export interface ReconcileOptions {
  readonly folder: FolderRow;
  readonly ledger: Ledger;
  readonly store: Store;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** LIST and HEAD requests that this pass may cost. */
  readonly maxRequests: number;
}

const listedAtOnce = 1_000;
const problemsTold = 200;

/**
 * Compares what the ledger proved with what the bucket lists, object by object in the byte order that both have, so memory doesn't grow with the folder. What is missing is queued again; what others
 * changed becomes a conflict for the user; nothing in the bucket is touched. Objects that the ledger doesn't know are only counted. Throws the store's errors.
 */
export async function reconcileFolder(options: ReconcileOptions): Promise<ReconcileReport> {
  const { folder, ledger, store, clock, signal, maxRequests } = options;
  const startedAt = clock.now();
  const counted = { objects: 0, heads: 0, checked: 0, missing: 0, changed: 0, others: 0, othersBytes: 0 };
  const problems: ReconcileProblem[] = [];
  const requests = (): number => Math.ceil(counted.objects / listedAtOnce) + 1 + counted.heads;
  const tell = (file: KnownFile, problem: ReconcileProblem['problem'], detail: string): void => {
    if (problems.length < problemsTold) problems.push({ path: file.path, problem, detail });
  };

  const missing = (file: KnownFile): void => {
    const { proof } = file;
    if (!settled(file, startedAt) || proof?.etag === '') return;
    counted.checked++;
    counted.missing++;
    tell(file, 'missing', file.state === 'gone' ? 'Its file is gone as well' : 'It is uploaded again');
    ledger.forgetFile(file.id);
  };

  const present = async (file: KnownFile, object: ListedObject): Promise<void> => {
    if (!settled(file, startedAt) || file.proof?.etag === '') return;
    counted.checked++;
    if (object.etag === file.proof?.etag && object.sizeBytes === file.proof.sizeBytes) return;
    // The mirror's deletes ask for the ETag by themselves.
    if (file.state === 'gone') return;
    counted.heads++;
    const head = await store.headObject(object.key);
    // Only what is so now, with the ledger's newest word: hours may lie between the two.
    const now = ledger.file(folder.id, file.path);
    if (!now || now.proof?.etag !== file.proof?.etag || now.state !== 'proven' || head?.etag === now.proof?.etag)
      return;
    if (head === null) return missing(now);
    if (sameBytes(head, now)) {
      const { proof } = now;
      if (proof) ledger.recordProofs([{ fileId: now.id, proof: { ...proof, etag: head.etag } }]);
      return;
    }
    counted.changed++;
    ledger.disputeObject(now.id, { kind: 'conflict' });
    const error = changedByOthers(object.key, head, now);
    ledger.raiseIssue({ folderId: folder.id, path: now.path, error: error.view(), atMs: clock.now() });
    tell(now, 'changed', error.message);
  };

  const files = ledger.files(folder.id);
  let file = files.next();
  let complete = true;
  for await (const object of store.listObjects(folder.prefix)) {
    signal.throwIfAborted();
    counted.objects++;
    if (requests() > maxRequests) {
      complete = false;
      break;
    }
    while (!file.done && compareUtf8(objectKey(folder.prefix, file.value.path), object.key) < 0) {
      missing(file.value);
      file = files.next();
    }
    if (!file.done && objectKey(folder.prefix, file.value.path) === object.key) {
      await present(file.value, object);
      file = files.next();
    } else {
      counted.others++;
      counted.othersBytes += object.sizeBytes;
    }
  }
  for (; complete && !file.done; file = files.next()) {
    signal.throwIfAborted();
    missing(file.value);
  }
  return {
    complete,
    objectsListed: counted.objects,
    filesChecked: counted.checked,
    missing: counted.missing,
    changed: counted.changed,
    otherObjects: counted.others,
    otherBytes: counted.othersBytes,
    requests: requests(),
    problems,
    durationMs: clock.now() - startedAt,
  };
}

/** Something can be said of it: it isn't on its way, and what is known of it is older than the listing. */
const settled = ({ state, proof }: KnownFile, startedAt: number): boolean =>
  (state === 'proven' || state === 'gone') && proof !== null && proof.provenAt < startedAt;

/** Written anew without being changed, as a change of its storage class does. */
const sameBytes = (head: ObjectHead, { proof }: KnownFile): boolean =>
  head.checksum !== null &&
  head.sizeBytes === proof?.sizeBytes &&
  `${head.checksum.algorithm}:${head.checksum.value}` === proof.checksum;

function changedByOthers(key: ObjectKey, head: ObjectHead, file: KnownFile): SluiceError {
  const when = head.lastModifiedMs === null ? '' : ` at ${new Date(head.lastModifiedMs).toISOString()}`;
  return new SluiceError(
    'foreign-object',
    `The object ${key} was changed by others${when}, after it was uploaded from here`,
    {
      path: file.path,
    },
  );
}
