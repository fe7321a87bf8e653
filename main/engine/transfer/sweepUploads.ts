import { type ErrorView, errorView } from '../../../shared/errors.ts';
import { asRelativePath, type FolderId } from '../../../shared/ids.ts';
import type { FolderRow, Ledger, UploadRow } from '../ledger/ledger.ts';
import type { Store } from '../store/store.ts';

export interface SweepOptions {
  readonly ledger: Ledger;
  /** The store an upload lives in, by the `bucket` of its row; an abort outlives its folder. */
  readonly storeFor: (bucket: string) => Store;
  readonly folders: readonly FolderRow[];
  /** Files being uploaded right now: their uploads are left alone. */
  readonly isActive: (upload: UploadRow) => boolean;
}

export interface SweepResult {
  readonly aborted: number;
  /** Still in the queue: the store could not be asked. */
  readonly left: number;
  readonly error: ErrorView | null;
}

/** Clocks may differ by what S3 tolerates. */
const skewMs = 15 * 60_000;
/** CreateMultipartUpload, tried three times with a minute of silence each, and some backoff. */
const createMs = 5 * 60_000;

/**
 * Ends what we began and won't finish: the durable abort queue, uploads of files that need none any more, and uploads that S3 created without its answer reaching the
 * ledger. Foreign uploads are never touched. Never throws for one store's sake.
 */
export async function sweepUploads(options: SweepOptions): Promise<SweepResult> {
  const { ledger } = options;
  abandonNeedless(options);
  let aborted = 0;
  let left = 0;
  let error: ErrorView | null = null;
  for (const upload of ledger.uploads('aborting')) {
    try {
      aborted += await endUpload(options, upload);
    } catch (thrown) {
      error = errorView(thrown);
      left++;
    }
  }
  return { aborted, left, error };
}

function abandonNeedless({ ledger, folders, isActive }: SweepOptions): void {
  const prefixes = new Map<FolderId, string>(folders.map((folder) => [folder.id, folder.prefix]));
  for (const upload of ledger.uploads('open')) {
    if (isActive(upload)) continue;
    const prefix = prefixes.get(upload.folderId);
    const file =
      prefix === undefined ? null : ledger.file(upload.folderId, asRelativePath(upload.key.slice(prefix.length)));
    const wanted =
      file !== null && file.state !== 'gone' && file.state !== 'proven' && file.identity === upload.identity;
    if (!wanted || upload.uploadId === null) ledger.abandonUpload(upload.id);
  }
}

async function endUpload({ ledger, storeFor }: SweepOptions, upload: UploadRow): Promise<number> {
  const store = storeFor(upload.bucket);
  if (upload.uploadId !== null) {
    await store.abortMultipartUpload({ key: upload.key, uploadId: upload.uploadId });
    ledger.uploadGone(upload.id);
    return 1;
  }
  // CreateMultipartUpload may have gone through. Ours is what began for this very key while we asked, isn't known, and has no part: we never sent one to it.
  if (beingCreated(ledger, upload)) return 0;
  let aborted = 0;
  for await (const { key, uploadId, initiatedAtMs } of store.listMultipartUploads(upload.key)) {
    const sinceAskedMs = initiatedAtMs - upload.intendedAt;
    if (key !== upload.key || sinceAskedMs < -skewMs || sinceAskedMs > createMs + skewMs) continue;
    if (isKnown(ledger, uploadId) || (await hasParts(store, { key, uploadId }))) continue;
    if (beingCreated(ledger, upload)) return aborted;
    await store.abortMultipartUpload({ key, uploadId });
    aborted++;
  }
  ledger.uploadGone(upload.id);
  return aborted;
}

async function hasParts(store: Store, upload: Parameters<Store['listParts']>[0]): Promise<boolean> {
  try {
    for await (const _ of store.listParts(upload)) return true;
    return false;
  } catch (error) {
    // Somebody ended it meanwhile: nothing of ours to end.
    if (errorView(error).code === 'no-such-upload') return true;
    throw error;
  }
}

/** Another one for the same key is on its way: what is listed might be that one. */
const beingCreated = (ledger: Ledger, upload: UploadRow): boolean =>
  ledger.uploads('open').some((other) => other.key === upload.key && other.uploadId === null);

const isKnown = (ledger: Ledger, uploadId: string): boolean =>
  [...ledger.uploads('open'), ...ledger.uploads('aborting')].some((other) => other.uploadId === uploadId);
