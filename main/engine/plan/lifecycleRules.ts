import { GiB, KiB, MiB } from '../../../shared/units.ts';

/** One rule of a bucket's lifecycle policy, as S3 has them (docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html). Days are since the object was made. */
export interface LifecycleRule {
  readonly id: string;
  readonly enabled: boolean;
  readonly filter: LifecycleFilter;
  readonly transitions: readonly LifecycleTransition[];
  readonly expireAfterDays: number | null;
  readonly noncurrentTransitions: readonly LifecycleTransition[];
  readonly noncurrentExpireAfterDays: number | null;
  readonly abortAfterDays: number | null;
  /** What else it says that we don't reckon with: dates, delete markers, kept versions, elements of a newer S3. Empty: it is understood. */
  readonly beyond: readonly string[];
}

export interface LifecycleFilter {
  readonly prefix: string;
  readonly tags: readonly (readonly [key: string, value: string])[];
  /** Bytes, exclusive; null: any. */
  readonly largerThan: number | null;
  readonly smallerThan: number | null;
}

export interface LifecycleTransition {
  readonly days: number;
  readonly storageClass: string;
}

/** S3 moves no object below this by its default, and the infrequent classes charge smaller ones as this much. */
export const smallestMovedBytes = 128 * 1024;

/**
 * The recommended policy (M13) for what is below a prefix. Infrequent access is no place for what is younger than 30 days (S3 refuses it), so logs and
 * noncurrent versions go to the archives directly.
 */
export function recommendedRules(prefix: string): readonly LifecycleRule[] {
  const rule = (name: string, at: string, acts: Partial<LifecycleRule>, largerThan: number | null): LifecycleRule => ({
    ...{ id: ruleId(name, prefix), enabled: true, filter: { prefix: at, tags: [], largerThan, smallerThan: null } },
    ...{ transitions: [], expireAfterDays: null, noncurrentTransitions: [], noncurrentExpireAfterDays: null },
    ...{ abortAfterDays: null, beyond: [] },
    ...acts,
  });
  const moved = smallestMovedBytes - 1;
  return [
    rule(
      'tiers',
      prefix,
      {
        transitions: [
          { days: 30, storageClass: 'STANDARD_IA' },
          { days: 90, storageClass: 'GLACIER' },
          { days: 365, storageClass: 'DEEP_ARCHIVE' },
        ],
      },
      moved,
    ),
    rule('noncurrent-archive', prefix, { noncurrentTransitions: [{ days: 7, storageClass: 'GLACIER' }] }, moved),
    rule('noncurrent-expire', prefix, { noncurrentExpireAfterDays: 30 }, null),
    rule('abort-incomplete', prefix, { abortAfterDays: 7 }, null),
    rule(
      'logs-tiers',
      `${prefix}logs/`,
      {
        transitions: [
          { days: 7, storageClass: 'GLACIER_IR' },
          { days: 30, storageClass: 'GLACIER' },
        ],
        expireAfterDays: 90,
      },
      moved,
    ),
    rule('logs-expire', `${prefix}logs/`, { expireAfterDays: 90 }, null),
    rule('temp-expire', `${prefix}temp/`, { expireAfterDays: 1 }, null),
  ];
}

/** Ours by its name. S3 takes 255 characters: a long prefix is told by its hash. */
function ruleId(name: string, prefix: string): string {
  const id = prefix === '' ? `sluice-${name}` : `sluice-${name}: ${prefix}`;
  return id.length <= 200 ? id : `sluice-${name}: #${fnv1a(prefix)}`;
}

function fnv1a(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** A rule as a sentence. */
export function ruleText(rule: LifecycleRule): string {
  const { filter } = rule;
  const acts = [
    ...rule.transitions.map(({ days, storageClass }) => `${storageClass} after ${daysText(days)}`),
    ...(rule.expireAfterDays === null ? [] : [`deleted after ${daysText(rule.expireAfterDays)}`]),
    ...rule.noncurrentTransitions.map(
      ({ days, storageClass }) => `old versions to ${storageClass} after ${daysText(days)}`,
    ),
    ...(rule.noncurrentExpireAfterDays === null
      ? []
      : [`old versions deleted after ${daysText(rule.noncurrentExpireAfterDays)}`]),
    ...(rule.abortAfterDays === null ? [] : [`unfinished uploads aborted after ${daysText(rule.abortAfterDays)}`]),
    ...rule.beyond.map((what) => `also ${what}`),
  ];
  const where = [
    filter.prefix === '' ? 'everything' : `${filter.prefix}*`,
    ...(filter.largerThan === null ? [] : [`from ${sizeText(filter.largerThan + 1)}`]),
    ...(filter.smallerThan === null ? [] : [`below ${sizeText(filter.smallerThan)}`]),
    ...filter.tags.map(([key, value]) => `tagged ${key}=${value}`),
  ].join(', ');
  return `${where}: ${acts.join('; ') || 'does nothing'}${rule.enabled ? '' : ' (disabled)'}`;
}

/** Exact: a rule must not be told to be another than it is. */
const sizeText = (bytes: number): string => {
  const unit = ([GiB, MiB, KiB] as const).find((size) => bytes >= size && bytes % size === 0);
  return unit === undefined
    ? `${bytes} bytes`
    : `${bytes / unit} ${unit === GiB ? 'GiB' : unit === MiB ? 'MiB' : 'KiB'}`;
};

const daysText = (days: number): string => `${days} ${days === 1 ? 'day' : 'days'}`;
