import { z } from 'zod';
import { GiB, MiB } from './units.ts';

export const ChecksumAlgorithm = z.enum(['crc32', 'crc32c', 'crc64nvme', 'sha256']);
export type ChecksumAlgorithm = z.infer<typeof ChecksumAlgorithm>;

/** A limit for some hours of some days, local time. */
export const BandwidthRule = z.object({
  /** 0 is Sunday. */
  days: z.array(z.number().int().min(0).max(6)).min(1),
  /** Minutes since midnight. */
  fromMinute: z.number().int().min(0).max(1439),
  /** Not after `fromMinute`: of the next day. */
  toMinute: z.number().int().min(0).max(1440),
  /** null: no limit then. */
  bytesPerSecond: z.number().positive().nullable(),
});
export type BandwidthRule = z.infer<typeof BandwidthRule>;

/** Transfer Acceleration (M9, M10). Prices in USD; a GB is 2^30 bytes, as S3 bills. */
export const AccelerationSettings = z.object({
  /** `auto`: where its value beats its premium; `on`: wherever it is possible. What is never accelerated isn't by either. */
  mode: z.enum(['auto', 'on', 'off']).default('auto'),
  /** 0.04 through edges in the US, Europe and Japan, 0.08 elsewhere (aws.amazon.com/s3/pricing). */
  premiumUsdPerGb: z.number().min(0).default(0.04),
  timeValueUsdPerHour: z.number().min(0).default(100),
  /** How many times as fast, until it was measured: just beyond the neighbouring regions, and from 10,000 km. */
  assumedGainFrom: z.number().min(1).max(10).default(2),
  assumedGainTo: z.number().min(1).max(10).default(2.3),
  /** What may be spent on it in a calendar month (UTC). */
  monthlyCapUsd: z.number().min(0).default(10),
  /** Where this machine is: a region of AWS, or found. */
  clientRegion: z
    .string()
    .regex(/^(auto|[a-z]{2}(-[a-z]+)+-\d+)$/, 'auto or a region such as eu-central-1')
    .default('auto'),
  dualStack: z.boolean().default(false),
});
export type AccelerationSettings = z.infer<typeof AccelerationSettings>;

/** Settings of one engine; every field has the default a new user gets. */
export const EngineSettings = z.object({
  /** Connections to all stores together, 1…250 (M3). */
  maxConnections: z.number().int().min(1).max(250).default(100),
  /** Bytes of part buffers and in-flight bodies the engine may hold, at least 32 MiB. */
  memoryBytes: z
    .number()
    .int()
    .min(32 * MiB)
    .default(512 * MiB),
  /** Bytes per second over all lanes; null: no limit. */
  maxBandwidthBytesPerSecond: z.number().positive().nullable().default(null),
  /** By the clock, the first rule that holds; outside of all of them `maxBandwidthBytesPerSecond`. */
  bandwidthSchedule: z.array(BandwidthRule).max(50).default([]),
  /** Bytes, or `auto` to plan it (M2). 5 MiB…5 GiB. */
  partSizeBytes: z
    .union([
      z.literal('auto'),
      z
        .number()
        .int()
        .min(5 * MiB)
        .max(5 * GiB),
    ])
    .default('auto'),
  checksum: z.union([z.literal('auto'), ChecksumAlgorithm]).default('auto'),
  /** A watched file is taken once it was quiet this long. */
  settleMs: z.number().int().min(0).max(600_000).default(2_000),
  /** A full rescan this often, however good the watcher is. */
  rescanIntervalMs: z.number().int().min(10_000).default(3_600_000),
  /** The bucket's listing is held against the ledger this often; null: only when asked. */
  reconcileIntervalMs: z.number().int().min(3_600_000).nullable().default(604_800_000),
  /** USD a month (UTC) for requests and for a month's storage of what goes up; uploads stop when it is used up. null: no budget. */
  monthlyBudgetUsd: z.number().positive().max(1_000_000_000).nullable().default(null),
  acceleration: AccelerationSettings.prefault({}),
});
export type EngineSettings = z.infer<typeof EngineSettings>;

const { shape } = EngineSettings;
/** Some settings to be changed; what isn't named stays as it is, so there are no defaults here (`partial()` alone would fill them in). */
export const EngineSettingsChange = z
  .object({
    maxConnections: shape.maxConnections.unwrap(),
    memoryBytes: shape.memoryBytes.unwrap(),
    maxBandwidthBytesPerSecond: shape.maxBandwidthBytesPerSecond.unwrap(),
    bandwidthSchedule: shape.bandwidthSchedule.unwrap(),
    partSizeBytes: shape.partSizeBytes.unwrap(),
    checksum: shape.checksum.unwrap(),
    settleMs: shape.settleMs.unwrap(),
    rescanIntervalMs: shape.rescanIntervalMs.unwrap(),
    reconcileIntervalMs: shape.reconcileIntervalMs.unwrap(),
    monthlyBudgetUsd: shape.monthlyBudgetUsd.unwrap(),
    acceleration: shape.acceleration.unwrap(),
  } satisfies Record<keyof EngineSettings, z.ZodType>)
  .partial();
export type EngineSettingsChange = z.infer<typeof EngineSettingsChange>;

/** The keys never leave the secret store; `ref` names them there. */
export const CredentialsSource = z.discriminatedUnion('kind', [
  /** The standard AWS chain: environment, profiles, SSO, IMDS… */
  z.object({ kind: z.literal('chain'), profile: z.string().min(1).nullable().default(null) }),
  z.object({ kind: z.literal('secret'), ref: z.string().min(1) }),
]);
export type CredentialsSource = z.infer<typeof CredentialsSource>;

export const StoreConnection = z.object({
  /** null: AWS itself. */
  endpointUrl: z
    .url({ protocol: /^https?$/ })
    .nullable()
    .default(null),
  /** null: found by asking (AWS), or us-east-1. */
  region: z.string().min(1).nullable().default(null),
  pathStyle: z.boolean().default(false),
  verifyTls: z.boolean().default(true),
  caBundlePath: z.string().nullable().default(null),
  /** Takes the place of AWS's accelerated endpoint: only for stores under test. */
  accelerateUrl: z.url({ protocol: /^https?$/ }).optional(),
  credentials: CredentialsSource.default({ kind: 'chain', profile: null }),
});
export type StoreConnection = z.infer<typeof StoreConnection>;

/** S3's naming rules, plus the upper case and underscores of old and foreign buckets. */
export const BucketName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/, 'not a bucket name');

export const ObjectPolicy = z.object({
  storageClass: z.string().min(1).nullable().default(null),
  sse: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('bucket-default') }),
      z.object({ kind: z.literal('AES256') }),
      z.object({ kind: z.literal('aws:kms'), keyId: z.string().nullable() }),
    ])
    .default({ kind: 'bucket-default' }),
  /** An object of the same name that this folder didn't write: left alone, the file is then an issue; or overwritten. */
  foreign: z.enum(['keep', 'overwrite']).default('keep'),
});
export type ObjectPolicy = z.infer<typeof ObjectPolicy>;

/** Deleting is never a surprise: off unless asked, and guarded by a count or a percentage. */
export const DeletePolicy = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('never') }),
  z.object({
    kind: z.literal('mirror'),
    limit: z
      .discriminatedUnion('kind', [
        z.object({ kind: z.literal('count'), count: z.number().int().min(0) }),
        z.object({ kind: z.literal('percent'), percent: z.number().min(0).max(100) }),
      ])
      .default({ kind: 'percent', percent: 10 }),
    /** The daemon and the app delete an object this long after its file was seen gone; `sluice sync` at the end of its pass. */
    holdMs: z
      .number()
      .min(0)
      .default(24 * 3_600_000),
  }),
]);
export type DeletePolicy = z.infer<typeof DeletePolicy>;

/** Lists of patterns that a folder can leave out by name: what systems leave behind, packages, version control's own data, editors' temporary files. */
export const IgnorePreset = z.enum(['litter', 'node-modules', 'vcs', 'editor-temp']);
export type IgnorePreset = z.infer<typeof IgnorePreset>;

export const FolderRules = z.object({
  /** gitignore syntax; empty: everything. */
  include: z.array(z.string()).default([]),
  exclude: z.array(z.string()).default([]),
  /** `litter` unless given. */
  presets: z.array(IgnorePreset).optional(),
});
export type FolderRules = z.infer<typeof FolderRules>;

/** `kept` folders belong to the daemon and the app; `manual` ones were made by `sluice sync` and run only there. */
export const FolderKind = z.enum(['kept', 'manual']);

/** What it takes to add a folder pair. */
export const FolderInput = z.object({
  /** Absolute path. */
  path: z.string().min(1),
  bucket: BucketName,
  /** Without a leading slash; ends with `/` unless empty. */
  prefix: z
    .string()
    .refine(
      (prefix) => !prefix.startsWith('/') && (prefix === '' || prefix.endsWith('/')),
      'ends with / and does not start with it',
    )
    .default(''),
  connection: StoreConnection,
  rules: FolderRules.default({ include: [], exclude: [] }),
  objects: ObjectPolicy.default({ storageClass: null, sse: { kind: 'bucket-default' }, foreign: 'keep' }),
  deletes: DeletePolicy.default({ kind: 'never' }),
  kind: FolderKind.default('kept'),
});
export type FolderInput = z.infer<typeof FolderInput>;

export const defaultEngineSettings: EngineSettings = EngineSettings.parse({});
