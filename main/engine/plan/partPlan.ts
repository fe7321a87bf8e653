import { SluiceError } from '../../../shared/errors.ts';
import { formatBytes, formatCount, formatDuration, formatRate, GiB, MiB } from '../../../shared/units.ts';

export interface PartPlanInput {
  /** Bytes, ≥ 0. */
  readonly sizeBytes: number;
  /** Of the whole link as measured or given; null: not known yet. */
  readonly bandwidthBytesPerSecond: number | null;
  /** Budget for parts in flight, bytes. */
  readonly memoryBytes: number;
  /** 1…250. */
  readonly maxConnections: number;
  /** Bytes as ordered by the user, or planned. */
  readonly partSizeBytes: number | 'auto';
  /** A limit that the user set: fewer parts at once then, so that each ends soon and a kill loses little. Bytes per second; null: none. */
  readonly limitBytesPerSecond?: number | null;
  /** What the tuner found better than the table (plan/tuner.ts), with its sentence; a slow link and S3's limits go before it. */
  readonly tuned?: { readonly partSizeBytes: number; readonly reason: string } | null;
  /** Largest object this store takes; AWS: 48.8 TiB. */
  readonly maxObjectBytes?: number;
}

export interface PartPlan {
  readonly strategy: 'put' | 'multipart';
  /** The file's size for a put. */
  readonly partSizeBytes: number;
  /** 1 for a put. */
  readonly partCount: number;
  /** Parts in flight at most. */
  readonly concurrency: number;
  /** Each a sentence, in the order they were weighed. */
  readonly reasons: readonly string[];
}

/** S3's limits (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html). */
export const s3Limits = {
  minPartBytes: 5 * MiB,
  maxPartBytes: 5 * GiB,
  maxParts: 10_000,
  maxPutBytes: 5 * GiB,
  maxObjectBytes: 50_000_000_000_000,
} as const;

/** Below this one PutObject is enough (M2). */
export const multipartThresholdBytes = 100 * MiB;

/** Preferred part sizes (M2). */
const tunedRange = { min: 16 * MiB };
/** Pump buffers and what the socket holds; a part is never in memory as a whole. */
export const bytesHeldPerPart = 4 * MiB;
/** Where even the smallest preferred part takes this long, S3's own minimum is used. */
const crawlSeconds = 30;
/** More in flight gains nothing on one link and costs memory (M2: 20 for 1 Gbit/s). */
const maxPartsInFlight = 20;
/** A part that takes longer loses too much when it fails (M2). */
const partSecondsTarget = 5;

/**
 * How a file travels: one PutObject or parts of one size, and how many at a time. Pure; the result is frozen in the ledger when the
 * upload is created. Throws `file-too-large`.
 */
export function planUpload(input: PartPlanInput): PartPlan {
  const { sizeBytes } = input;
  const maxObjectBytes = input.maxObjectBytes ?? s3Limits.maxObjectBytes;
  if (sizeBytes > maxObjectBytes) {
    throw new SluiceError(
      'file-too-large',
      `${formatBytes(sizeBytes)} is more than the ${formatBytes(maxObjectBytes)} this store takes`,
    );
  }
  const putLimit =
    input.partSizeBytes === 'auto' ? multipartThresholdBytes - 1 : Math.min(input.partSizeBytes, s3Limits.maxPutBytes);
  if (sizeBytes <= putLimit) {
    const reason =
      input.partSizeBytes === 'auto'
        ? `under ${formatBytes(multipartThresholdBytes)}: one PutObject`
        : `no more than one part of ${formatBytes(input.partSizeBytes)}: one PutObject`;
    return { strategy: 'put', partSizeBytes: sizeBytes, partCount: 1, concurrency: 1, reasons: [reason] };
  }
  const reasons: string[] = [];
  const wanted =
    input.partSizeBytes === 'auto' ? autoPartSize(input, reasons) : orderedPartSize(input.partSizeBytes, reasons);
  const partSizeBytes = withinLimits(wanted, sizeBytes, reasons);
  const partCount = Math.max(1, Math.ceil(sizeBytes / partSizeBytes));
  return {
    strategy: 'multipart',
    partSizeBytes,
    partCount,
    concurrency: concurrencyFor(input, partSizeBytes, partCount, reasons),
    reasons,
  };
}

/** M2's table. */
export const tablePartSize = (sizeBytes: number): number => (sizeBytes <= 5 * GiB ? 64 * MiB : 128 * MiB);

function autoPartSize({ sizeBytes, bandwidthBytesPerSecond, tuned }: PartPlanInput, reasons: string[]): number {
  const byTable = tablePartSize(sizeBytes);
  reasons.push(`${sizeBytes <= 5 * GiB ? 'up to' : 'above'} 5 GiB: ${formatBytes(byTable)} parts`);
  const wanted = tuned?.partSizeBytes ?? byTable;
  if (tuned) reasons.push(tuned.reason);
  if (bandwidthBytesPerSecond === null) return wanted;
  const inTime = roundDownToPowerOfTwo(bandwidthBytesPerSecond * partSecondsTarget);
  if (inTime >= wanted) return wanted;
  const crawls = tunedRange.min / bandwidthBytesPerSecond > crawlSeconds;
  const size = crawls ? s3Limits.minPartBytes : Math.max(tunedRange.min, inTime);
  reasons.push(
    `${formatRate(bandwidthBytesPerSecond)}: ${formatBytes(size)}, so that a part takes about ${partSecondsTarget} s, or as little as S3 allows`,
  );
  return size;
}

function orderedPartSize(ordered: number, reasons: string[]): number {
  reasons.push(`part size set to ${formatBytes(ordered)}`);
  return ordered;
}

function withinLimits(wanted: number, sizeBytes: number, reasons: string[]): number {
  const needed = Math.ceil(sizeBytes / s3Limits.maxParts);
  if (wanted >= needed) return Math.min(Math.max(wanted, s3Limits.minPartBytes), s3Limits.maxPartBytes);
  const size = Math.min(Math.ceil(needed / MiB) * MiB, s3Limits.maxPartBytes);
  reasons.push(`at most ${formatCount(s3Limits.maxParts)} parts: ${formatBytes(size)}`);
  return size;
}

function concurrencyFor(input: PartPlanInput, partSizeBytes: number, partCount: number, reasons: string[]): number {
  const byMemory = Math.floor(input.memoryBytes / bytesHeldPerPart);
  const concurrency = Math.max(1, Math.min(maxPartsInFlight, input.maxConnections, byMemory, partCount));
  reasons.push(
    `${concurrency} in flight: parts are streamed through ${formatBytes(bytesHeldPerPart)} each, ${formatBytes(concurrency * bytesHeldPerPart)} of the ${formatBytes(input.memoryBytes)} memory budget; at most ${input.maxConnections} connections`,
  );
  const limited = underLimit(input.limitBytesPerSecond ?? null, partSizeBytes, concurrency);
  if (limited < concurrency)
    reasons.push(`${limited} in flight while limited to ${formatRate(input.limitBytesPerSecond ?? 0)}`);
  if (input.bandwidthBytesPerSecond !== null) {
    const ms = (input.sizeBytes / input.bandwidthBytesPerSecond) * 1000;
    reasons.push(`about ${formatDuration(ms)} at ${formatRate(input.bandwidthBytesPerSecond)}`);
  }
  return limited;
}

/** As many parts as the limit carries in the time a part should take, and enough that one slow connection doesn't hold it up. */
function underLimit(limitBytesPerSecond: number | null, partSizeBytes: number, concurrency: number): number {
  if (limitBytesPerSecond === null) return concurrency;
  const carried = Math.ceil((limitBytesPerSecond * partSecondsTarget) / partSizeBytes);
  return Math.min(concurrency, Math.max(fewestUnderLimit, carried));
}
const fewestUnderLimit = 4;

function roundDownToPowerOfTwo(bytes: number): number {
  return bytes < 1 ? 0 : 2 ** Math.floor(Math.log2(bytes));
}
