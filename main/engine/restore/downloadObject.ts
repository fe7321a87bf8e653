import { SluiceError } from '../../../shared/errors.ts';
import type { ObjectKey } from '../../../shared/ids.ts';
import { downloadSlices, type PlannedSlice, type Proving, provingOf, singleGetBytes } from '../plan/downloadPlan.ts';
import type { ObjectAnswer, ObjectHead } from '../store/store.ts';
import { combineChecksums, compositeChecksum } from '../transfer/combineChecksums.ts';
import { eachLimited } from '../transfer/eachLimited.ts';
import { type FetchContext, type FetchedSlice, fetchSlice } from './fetchSlice.ts';
import type { FinishedSlice, PartialFile } from './partialFile.ts';
import { digestOfRange, type Hashing } from './runningDigest.ts';

export interface WantedObject {
  readonly key: ObjectKey;
  /** As listed: an object that is another one by now is `precondition-failed`. */
  readonly etag: string;
  readonly sizeBytes: number;
}

/** How the bytes that are here were proved to be the object's. */
export type Proved = 'checksum' | 'etag' | 'none';

export interface Downloaded {
  readonly head: ObjectHead;
  readonly proved: Proved;
  /** Not fetched: an earlier run had them. */
  readonly resumedBytes: number;
}

const slicesAtOnce = 8;
/** Times that a large object is fetched anew because the whole of it was wrong though no piece was. */
const wholeTries = 3;

/** The object's bytes in the partial file, proved by what the store keeps of it. Throws the store's errors, `checksum-mismatch`, `target-*`. */
export async function downloadObject(
  context: FetchContext,
  wanted: WantedObject,
  partial: PartialFile,
  signal: AbortSignal,
): Promise<Downloaded> {
  const mayBeComposite = /-\d+$/.test(wanted.etag);
  if (wanted.sizeBytes <= singleGetBytes && !mayBeComposite) {
    const small = await downloadWhole(context, wanted, partial, signal);
    if (small !== null) return small;
  }
  return downloadSliced(context, wanted, partial, signal);
}

/** null: it turned out to be a composite, which only its parts can prove. */
async function downloadWhole(
  context: FetchContext,
  { key, etag }: WantedObject,
  partial: PartialFile,
  signal: AbortSignal,
): Promise<Downloaded | null> {
  await partial.restart();
  const proving = (answer: ObjectAnswer): Proving => provingOf(answer);
  const fetched = await fetchSlice(context, {
    key,
    slice: { kind: 'whole' },
    ifMatch: etag,
    file: partial.file,
    hashing: (answer) => hashingOf(proving(answer)),
    prove: ({ answer, checksum }) => {
      const expected = proving(answer);
      if (expected.kind === 'full' && expected.value !== checksum) throw mismatch(key, expected.algorithm);
      if (expected.kind === 'md5' && expected.hex !== checksum) throw mismatch(key, 'ETag');
    },
    signal,
  });
  const { kind } = proving(fetched.answer);
  if (kind === 'composite') return null;
  await partial.file.truncate(fetched.answer.sizeBytes);
  return { head: fetched.answer, proved: provedBy(kind), resumedBytes: 0 };
}

async function downloadSliced(
  context: FetchContext,
  { key, etag }: WantedObject,
  partial: PartialFile,
  signal: AbortSignal,
): Promise<Downloaded> {
  const head = await context.store.headObject(key);
  if (head === null) throw new SluiceError('no-such-key', `${key} is no longer in the bucket`);
  if (head.etag !== etag) throw new SluiceError('precondition-failed', `${key} was written anew meanwhile`);
  const proving = provingOf(head);
  const layout = /-\d+$/.test(etag) ? await context.store.partLayout({ key, ifMatch: etag }) : null;
  const planned = downloadSlices(head.sizeBytes, proving, layout);
  // What can't be combined from pieces is hashed at the end; pieces need a checksum all the same, for whoever goes on.
  const hashing =
    proving.kind === 'composite' || (proving.kind === 'full' && combines(proving.algorithm))
      ? proving.algorithm
      : 'crc32';
  const identity = { key, etag, sizeBytes: head.sizeBytes, hashing, slices: planned.length };
  const finished = new Map((await partial.resume(identity, signal)).map((slice) => [slice.number, slice]));
  const resumedBytes = [...finished.values()].reduce((sum, { length }) => sum + length, 0);

  for (let tries = 1; ; tries++) {
    const missing = planned.filter(({ number }) => !finished.has(number));
    const tasks = missing.map((slice) => async (within: AbortSignal) => {
      const fetched = await fetchSlice(context, {
        key,
        slice: slice.kind === 'part' ? { kind: 'part', partNumber: slice.number } : slice,
        ifMatch: etag,
        file: partial.file,
        hashing: () => hashing,
        prove: (one) => provePart(key, slice, one, head),
        signal: within,
      });
      const { offset, length } = fetched.answer;
      const done = { number: slice.number, offset, length, checksum: fetched.checksum };
      await partial.record(done);
      return done;
    });
    await eachLimited(slicesAtOnce, tasks, signal, (slice) => finished.set(slice.number, slice));
    const slices = inOrder(key, [...finished.values()], head.sizeBytes);
    await partial.file.truncate(head.sizeBytes);
    if (await isProved(proving, slices, partial, head.sizeBytes, signal))
      return { head, proved: provedBy(proving.kind), resumedBytes };
    await partial.restart();
    finished.clear();
    if (tries >= wholeTries) throw mismatch(key, 'whole');
    context.counts.retries++;
  }
}

/** A part that says its own checksum proves itself; some stores repeat the whole object's instead, which says nothing of a part. */
function provePart(key: ObjectKey, slice: PlannedSlice, fetched: FetchedSlice, head: ObjectHead): void {
  const theirs = fetched.answer.checksum;
  if (slice.kind !== 'part' || theirs === null || theirs.algorithm !== fetched.hashing) return;
  if (fetched.answer.checksumType === 'composite' || theirs.value === head.checksum?.value) return;
  if (theirs.value !== fetched.checksum) throw mismatch(key, `part ${slice.number}`);
}

async function isProved(
  proving: Proving,
  slices: readonly FinishedSlice[],
  partial: PartialFile,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<boolean> {
  const parts = slices.map(({ length, checksum }) => ({ length, value: checksum }));
  switch (proving.kind) {
    case 'none':
      return true;
    case 'md5':
      return (await digestOfRange(partial.file, 'md5', 0, sizeBytes, signal)) === proving.hex;
    case 'composite':
      return compositeChecksum(proving.algorithm, parts).value === proving.value;
    case 'full':
      return combines(proving.algorithm)
        ? combineChecksums(proving.algorithm, parts).value === proving.value
        : (await digestOfRange(partial.file, proving.algorithm, 0, sizeBytes, signal)) === proving.value;
  }
}

/** Of the whole from those of its pieces: CRCs do, SHA-256 doesn't. */
const combines = (algorithm: Hashing): boolean => algorithm !== 'sha256' && algorithm !== 'md5';

/** Without a gap and to the end; a store whose parts don't add up must not give a file with a hole. */
function inOrder(key: ObjectKey, slices: FinishedSlice[], sizeBytes: number): readonly FinishedSlice[] {
  slices.sort((a, b) => a.number - b.number);
  let end = 0;
  for (const { offset, length } of slices) {
    if (offset !== end) throw new SluiceError('store-refused', `The parts of ${key} don't follow each other`);
    end += length;
  }
  if (end !== sizeBytes) throw new SluiceError('store-refused', `The parts of ${key} are not its ${sizeBytes} bytes`);
  return slices;
}

function hashingOf(proving: Proving): Hashing | null {
  if (proving.kind === 'full') return proving.algorithm;
  return proving.kind === 'md5' ? 'md5' : null;
}

const provedBy = (kind: Proving['kind']): Proved => (kind === 'none' ? 'none' : kind === 'md5' ? 'etag' : 'checksum');

const mismatch = (key: ObjectKey, what: string): SluiceError =>
  new SluiceError('checksum-mismatch', `What came of ${key} is not what the store keeps (${what})`, {
    remedy:
      "It was fetched several times. Something on the way changes bytes, or the store's copy is damaged: check the network and the bucket's versions.",
  });
