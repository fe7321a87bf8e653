import { SluiceError } from '../../shared/errors.ts';
import type { FileId, ObjectKey, RelativePath } from '../../shared/ids.ts';
import type { FolderRules } from '../../shared/settings.ts';
import type { FolderRow, KnownFile, Ledger, Proof } from './ledger/ledger.ts';
import { objectKey } from './plan/objectKey.ts';
import { rebuiltProof } from './plan/rebuiltProof.ts';
import type { Clock, Random } from './ports.ts';
import type { DataStore, ListedObject } from './store/store.ts';
import { eachLimited } from './transfer/eachLimited.ts';
import { originOf, sourceOf } from './transfer/originOf.ts';
import { tryAgain } from './transfer/tryAgain.ts';
import { rootIdentity, sameRoot } from './watch/rootIdentity.ts';
import { scanFolder } from './watch/scanFolder.ts';

export interface RebuildOptions {
  readonly folder: FolderRow;
  readonly ledger: Ledger;
  readonly store: Pick<DataStore, 'headObject' | 'partLayout'>;
  /** Below the folder's prefix, in the byte order of their keys, as S3 lists them. */
  readonly objects: AsyncIterable<ListedObject>;
  readonly rules: FolderRules;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly onStarted?: (figures: Readonly<RebuildFigures>) => void;
}

export interface RebuildFigures {
  filesScanned: number;
  /** The ledger knew them already; they were left as they were. */
  filesKnown: number;
  /** The object was read from the very file that is here now. */
  filesProven: number;
  /** To be read, and sent if the bytes differ. */
  filesToCompare: number;
  /** No object, or one that tells nothing: a pass looks at the bucket before it writes. */
  filesToUpload: number;
  /** The object under their key was not written by this folder. */
  filesForeign: number;
  /** Objects that no file belongs to. They are not taken into the ledger, so that no delete can follow from a rebuild. */
  objectsWithoutFile: number;
}

const headsAtOnce = 64;
const batchFiles = 1_024;

/**
 * Makes what the ledger knows of a folder again from the disk (listed, not read), the bucket's listing and its objects' metadata (one HeadObject a file, no data). Nothing
 * is called proven unless the object names the very file, untouched, that is on disk. Run again it goes on with what has no proof yet. Throws the root's, the store's
 * and the ledger's errors, `interrupted`.
 */
export async function rebuildLedger(options: RebuildOptions): Promise<RebuildFigures> {
  const figures: RebuildFigures = {
    filesScanned: 0,
    filesKnown: 0,
    filesProven: 0,
    filesToCompare: 0,
    filesToUpload: 0,
    filesForeign: 0,
    objectsWithoutFile: 0,
  };
  options.onStarted?.(figures);
  await observe(options, figures);
  await joinWithBucket(options, figures);
  return figures;
}

async function observe(
  { folder, ledger, rules, clock, signal }: RebuildOptions,
  figures: RebuildFigures,
): Promise<void> {
  const { path: root, prefix: keyPrefix } = folder;
  const now = await rootIdentity(root);
  const scanId = ledger.beginScan(folder.id, clock.now());
  const unreadable: RelativePath[] = [];
  await scanFolder({ root, rules, keyPrefix, signal }, (batch) => {
    if (!sameRoot(batch.root, now))
      throw new SluiceError('root-changed', `Another folder took the place of ${root} while it was read`);
    for (const { files } of batch.listings) figures.filesScanned += files.length;
    ledger.observeDirectories(scanId, batch.listings);
    if (batch.observations.length > 0) ledger.observePaths(folder.id, batch.observations);
    unreadable.push(...batch.unreadable);
  });
  ledger.finishScan(scanId, { complete: true, atMs: clock.now(), unreadable });
  ledger.updateFolder(folder.id, { root: now });
}

/** Files and objects side by side, both in the byte order of their keys: memory doesn't grow with either. */
async function joinWithBucket(options: RebuildOptions, figures: RebuildFigures): Promise<void> {
  const { folder, ledger, objects, signal } = options;
  const listing = objects[Symbol.asyncIterator]();
  let object = await listing.next();
  let batch: Pair[] = [];
  const flush = async (): Promise<void> => {
    const pairs = batch;
    batch = [];
    await proveBatch(options, pairs, figures);
  };
  for (const file of ledger.files(folder.id)) {
    signal.throwIfAborted();
    if (file.state === 'gone') continue;
    const key = objectKey(folder.prefix, file.path);
    while (!object.done && compareBytes(object.value.key, key) < 0) {
      figures.objectsWithoutFile++;
      object = await listing.next();
    }
    const isThere = !object.done && object.value.key === key;
    if (isThere) object = await listing.next();
    if (file.proof !== null) figures.filesKnown++;
    else if (!isThere) figures.filesToUpload++;
    else if (batch.push({ file, key }) >= batchFiles) await flush();
  }
  await flush();
  for (; !object.done; object = await listing.next()) figures.objectsWithoutFile++;
}

interface Pair {
  readonly file: KnownFile;
  readonly key: ObjectKey;
}

async function proveBatch(options: RebuildOptions, pairs: readonly Pair[], figures: RebuildFigures): Promise<void> {
  const { ledger, folder, store, clock, random, signal } = options;
  const how = { clock, random, signal };
  const origin = originOf(folder.path);
  const proofs: { readonly fileId: FileId; readonly proof: Proof }[] = [];
  const tasks = pairs.map(({ file, key }) => async (): Promise<void> => {
    const head = await tryAgain(how, () => store.headObject(key));
    if (head === null) return void figures.filesToUpload++;
    const layout =
      head.checksumType === 'composite'
        ? await tryAgain(how, () => store.partLayout({ key, ifMatch: head.etag }))
        : null;
    const { identity, sizeBytes } = file;
    const now = { identity, sizeBytes, origin, source: sourceOf(identity) };
    const rebuilt = rebuiltProof(head, now, layout?.firstPartBytes ?? null);
    if (rebuilt.kind === 'foreign') return void figures.filesForeign++;
    if (rebuilt.kind === 'look') return void figures.filesToUpload++;
    figures[rebuilt.kind === 'proven' ? 'filesProven' : 'filesToCompare']++;
    const { checksum } = rebuilt;
    const proof = {
      identity: rebuilt.identity,
      sizeBytes: head.sizeBytes,
      etag: head.etag,
      checksum,
      provenAt: clock.now(),
    };
    proofs.push({ fileId: file.id, proof });
  });
  try {
    await eachLimited(headsAtOnce, tasks, signal, () => undefined);
  } finally {
    // What was learnt before an error needn't be asked again.
    if (proofs.length > 0) ledger.recordProofs(proofs);
  }
}

/** UTF-8's order, which UTF-16's is not above U+FFFF. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
