import { z } from 'zod';
import { storageClasses } from './prices.ts';

/*
 * What screens and commands are told about money. USD unless said otherwise; sizes are bytes; a "GB" is 2^30 bytes, as S3 bills it.
 */

export const PriceNote = z.object({
  /** `us-east-1`, or the host of an endpoint. */
  name: z.string(),
  asOf: z.string(),
  source: z.string(),
  /** null: these are this store's own prices; else why they are only a comparison. */
  assumed: z.string().nullable(),
});
export type PriceNote = z.infer<typeof PriceNote>;

export const Forecast = z.object({
  files: z.number(),
  bytes: z.number(),
  /** Files of this size class that are there already and cost nothing. */
  filesUnchanged: z.number(),
  /** By S3's operation name. */
  requests: z.record(z.string(), z.number()),
  writes: z.number(),
  reads: z.number(),
  requestUsd: z.number(),
  /** A month of keeping what is uploaded. */
  storageUsdPerMonth: z.number(),
  /** Requests and a month's storage over the volume; null: nothing to upload. */
  usdPerGb: z.number().nullable(),
  targetUsdPerGb: z.number(),
  storageClass: z.string(),
  /** Objects that this class charges as more than they are, and by how many bytes. */
  padded: z.object({ files: z.number(), bytes: z.number() }),
  minimumDays: z.number(),
  prices: PriceNote,
});
export type Forecast = z.infer<typeof Forecast>;

export const MeterLine = z.object({
  /** null: of the bucket as a whole, or of a folder that is no longer kept. */
  folderId: z.number().nullable(),
  path: z.string().nullable(),
  bucket: z.string(),
  endpointUrl: z.string().nullable(),
  storageClass: z.string(),
  requests: z.record(z.string(), z.number()),
  writes: z.number(),
  reads: z.number(),
  free: z.number(),
  /** Sent, but no answer came: S3 may have charged them, so they are charged here. */
  unanswered: z.number(),
  /** Refused by the store with 5xx: not charged. */
  refused: z.number(),
  /** Of files, taken by the store. */
  bytes: z.number(),
  unansweredBytes: z.number(),
  requestUsd: z.number(),
  /** A month of keeping the bytes that went up in this time. */
  addedStorageUsd: z.number(),
  usdPerGb: z.number().nullable(),
  prices: PriceNote,
});
export type MeterLine = z.infer<typeof MeterLine>;

export const BudgetState = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.enum(['within', 'near', 'reached']), limitUsd: z.number(), spentUsd: z.number() }),
]);
export type BudgetState = z.infer<typeof BudgetState>;

export const MeterReport = z.object({
  /** `2026-11`, UTC. */
  month: z.string(),
  lines: z.array(MeterLine),
  /** One a day that something happened, UTC. */
  days: z.array(z.object({ day: z.string(), requestUsd: z.number(), addedStorageUsd: z.number(), bytes: z.number() })),
  writes: z.number(),
  reads: z.number(),
  bytes: z.number(),
  requestUsd: z.number(),
  addedStorageUsd: z.number(),
  usdPerGb: z.number().nullable(),
  targetUsdPerGb: z.number(),
  /** What all objects that are known cost to keep for a month. */
  keptUsdPerMonth: z.number(),
  budget: BudgetState,
});
export type MeterReport = z.infer<typeof MeterReport>;

export const ClassUsage = z.object({
  storageClass: z.string(),
  bytes: z.number(),
  /** null: the source doesn't tell them apart. */
  objects: z.number().nullable(),
  usdPerMonth: z.number(),
});
export type ClassUsage = z.infer<typeof ClassUsage>;

export const Saving = z.object({
  from: z.enum(storageClasses),
  to: z.enum(storageClasses),
  objects: z.number(),
  bytes: z.number(),
  /** Of storage, each month; negative: it would cost more. */
  usdPerMonth: z.number(),
  /** Once, for moving them. */
  transitionUsd: z.number(),
  /** null: never. */
  paysBackAfterMonths: z.number().nullable(),
  /** Reading all of it back once. */
  retrievalUsd: z.number(),
  /** Each a sentence. */
  traps: z.array(z.string()),
});
export type Saving = z.infer<typeof Saving>;

export const StorageAnalysis = z.object({
  source: z.enum(['cloudwatch', 'list']),
  /** Why CloudWatch wasn't used; null: it was. */
  fallbackReason: z.string().nullable(),
  /** ms since the epoch: CloudWatch's figures are a day old. */
  measuredAt: z.number(),
  classes: z.array(ClassUsage),
  bytes: z.number(),
  objects: z.number(),
  usdPerMonth: z.number(),
  savings: z.array(Saving),
  /** By size of object; only where objects were listed. */
  bySize: z.array(
    z.object({
      label: z.string(),
      objects: z.number(),
      bytes: z.number(),
      advice: z.string(),
      usdPerMonth: z.number(),
    }),
  ),
  prices: PriceNote,
});
export type StorageAnalysis = z.infer<typeof StorageAnalysis>;

export const StorageAlarm = z.object({
  name: z.string(),
  metric: z.string(),
  threshold: z.number(),
  state: z.string(),
  notifies: z.array(z.string()),
});
export type StorageAlarm = z.infer<typeof StorageAlarm>;

export const LifecycleLine = z.object({
  change: z.enum(['same', 'add', 'change', 'keep']),
  id: z.string(),
  text: z.string(),
  /** As it is now, of a rule that would change. */
  before: z.string().nullable(),
});
export type LifecycleLine = z.infer<typeof LifecycleLine>;

export const LifecycleEffect = z.object({
  step: z.string(),
  objects: z.number(),
  bytes: z.number(),
  /** Of these, how many within so many days from now. */
  due: z.array(z.object({ days: z.number(), objects: z.number(), bytes: z.number() })),
  transitionUsd: z.number(),
});
export type LifecycleEffect = z.infer<typeof LifecycleEffect>;

export const LifecyclePreview = z.object({
  /** Of the live policy as it was read: given back when applying, so that nothing is written over a newer one. */
  revision: z.string(),
  lines: z.array(LifecycleLine),
  changes: z.boolean(),
  /** null: it can be applied. */
  refusal: z.string().nullable(),
  objectsKnown: z.number(),
  effects: z.array(LifecycleEffect),
  /** When every object has reached its last class. */
  usdPerMonthNow: z.number(),
  usdPerMonthThen: z.number(),
  transitionUsd: z.number(),
  tooSmall: z.object({ objects: z.number(), bytes: z.number() }),
  traps: z.array(z.string()),
  strays: z.object({ uploads: z.number(), withoutRule: z.boolean() }),
  bucket: z.array(z.object({ name: z.string(), state: z.string(), detail: z.string() })),
  prices: PriceNote,
});
export type LifecyclePreview = z.infer<typeof LifecyclePreview>;
