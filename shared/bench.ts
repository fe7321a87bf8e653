import { z } from 'zod';
import { ErrorView } from './errorSchema.ts';
import { BucketName } from './settings.ts';

/* What `sluice bench` measured: the file it saves, and what a report shows. Sizes in bytes, times in ms, rates in bytes per second. */

/** One setting of the matrix that differs from all others for files of this size. */
export const BenchCell = z.object({
  /** `default`: as a new user has it, everything chosen by the engine. */
  kind: z.enum(['default', 'pinned']),
  strategy: z.enum(['put', 'multipart']),
  /** Of the plan; 0: one PutObject. */
  partSizeBytes: z.number(),
  /** Held at this many; null: the engine finds it. */
  connections: z.number().int().nullable(),
  accelerated: z.boolean(),
});
export type BenchCell = z.infer<typeof BenchCell>;

/** A mean and where the true one is with 95 % confidence; `low` and `high` null: one sample tells no spread. */
export const BenchInterval = z.object({
  count: z.number().int(),
  mean: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});
export type BenchInterval = z.infer<typeof BenchInterval>;

export const BenchCellResult = z.object({
  cell: BenchCell,
  /** Bytes per second of each measured upload, in the order they ran. */
  rates: z.array(z.number()),
  interval: BenchInterval.nullable(),
  /** Set: it wasn't measured to the end, and why. */
  stopped: z.string().nullable(),
});
export type BenchCellResult = z.infer<typeof BenchCellResult>;

export const BenchVerdict = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('better'),
    /** 0: one PutObject. */
    partSizeBytes: z.number(),
    connections: z.number().int(),
    /** Applied against default, 1.2: a fifth faster; at the bounds of 95 % confidence. */
    ratio: BenchInterval,
    sentence: z.string(),
  }),
  z.object({ kind: z.literal('keep-default'), sentence: z.string() }),
]);
export type BenchVerdict = z.infer<typeof BenchVerdict>;

/** What the tuner is given when a recommendation is applied. */
export const BenchSample = z.object({
  partSizeBytes: z.number(),
  concurrency: z.number().int().min(1),
  bytesPerSecond: z.number().positive(),
  bytes: z.number().positive(),
});
export type BenchSample = z.infer<typeof BenchSample>;

export const BenchSizeResult = z.object({
  sizeBytes: z.number(),
  sizeClass: z.enum(['small', 'medium', 'large', 'huge']),
  /** Uploaded side by side in one measurement. */
  files: z.number().int(),
  cells: z.array(BenchCellResult),
  /** Settings of the matrix that are another one for this size, each a sentence. */
  merged: z.array(z.string()),
  /** Default and recommendation applied, in turns: bytes per second. */
  confirmed: z.array(z.object({ standard: z.number(), applied: z.number() })),
  verdict: BenchVerdict,
  samples: z.array(BenchSample),
});
export type BenchSizeResult = z.infer<typeof BenchSizeResult>;

export const BenchReport = z.object({
  format: z.literal('sluice-bench'),
  version: z.literal(1),
  id: z.string(),
  sluice: z.string(),
  startedAt: z.number(),
  durationMs: z.number(),
  bucket: BucketName,
  /** null: AWS. */
  endpointUrl: z.string().nullable(),
  seed: z.number().int(),
  iterations: z.number().int(),
  budget: z.object({ bytes: z.number(), dollars: z.number().nullable(), seconds: z.number().nullable() }),
  /** `dollars` null: this store's prices aren't known. */
  spent: z.object({ bytes: z.number(), requests: z.number(), dollars: z.number().nullable() }),
  sizes: z.array(BenchSizeResult),
  /** Sizes left out, and why. */
  left: z.array(z.object({ sizeBytes: z.number(), reason: z.string() })),
  acceleration: z.object({ measured: z.boolean(), reason: z.string() }),
  end: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('finished') }),
    z.object({ kind: z.literal('stopped'), error: ErrorView }),
  ]),
});
export type BenchReport = z.infer<typeof BenchReport>;
