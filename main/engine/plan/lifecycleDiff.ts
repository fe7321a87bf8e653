import type { LifecycleLine } from '../../../shared/cost.ts';
import { type LifecycleRule, recommendedRules, ruleText } from './lifecycleRules.ts';

/** S3 takes so many rules a bucket. */
const mostRules = 1000;

export interface LifecycleMerge {
  readonly lines: readonly LifecycleLine[];
  /** Rules of ours to write, by id; all others stay as they are. */
  readonly write: readonly LifecycleRule[];
  readonly changes: boolean;
  /** Why it can't be applied; null: it can. */
  readonly refusal: string | null;
}

/**
 * The recommended rules merged into the live ones. A live rule is ours only if it has exactly the id of one that we recommend for this prefix: every other is kept, whatever it says.
 */
export function mergeLifecycle(live: readonly LifecycleRule[], prefix: string, oldStyle: boolean): LifecycleMerge {
  const wanted = recommendedRules(prefix);
  const liveById = new Map(live.map((rule) => [rule.id, rule]));
  const ours = new Set(wanted.map(({ id }) => id));
  const lines: LifecycleLine[] = [];
  const write: LifecycleRule[] = [];
  for (const rule of wanted) {
    const now = liveById.get(rule.id);
    const text = ruleText(rule);
    if (!now && rule.abortAfterDays !== null && abortsAlready(live, rule)) continue;
    if (now && sameRule(now, rule)) lines.push({ change: 'same', id: rule.id, text, before: null });
    else {
      lines.push({ change: now ? 'change' : 'add', id: rule.id, text, before: now ? ruleText(now) : null });
      write.push(rule);
    }
  }
  for (const rule of live)
    if (!ours.has(rule.id)) lines.push({ change: 'keep', id: rule.id, text: ruleText(rule), before: null });
  return { lines, write, changes: write.length > 0, refusal: refusalOf(live, write, oldStyle) };
}

const abortsAlready = (live: readonly LifecycleRule[], wanted: LifecycleRule): boolean =>
  live.some(
    ({ enabled, abortAfterDays, filter }) =>
      enabled && abortAfterDays !== null && wanted.filter.prefix.startsWith(filter.prefix) && filter.tags.length === 0,
  );

/** Whether the bucket has a rule that clears unfinished uploads below the prefix. */
export const clearsUploads = (rules: readonly LifecycleRule[], prefix: string): boolean =>
  rules.some(
    ({ enabled, abortAfterDays, filter }) => enabled && abortAfterDays !== null && prefix.startsWith(filter.prefix),
  );

export function sameRule(a: LifecycleRule, b: LifecycleRule): boolean {
  return canonical(a) === canonical(b);
}

function canonical(rule: LifecycleRule): string {
  const byDays = (list: LifecycleRule['transitions']) =>
    list.map(({ days, storageClass }) => [days, storageClass]).sort((x, y) => Number(x[0]) - Number(y[0]));
  const { id, enabled, filter, expireAfterDays, noncurrentExpireAfterDays, abortAfterDays, beyond } = rule;
  return JSON.stringify([
    ...[id, enabled, filter.prefix, [...filter.tags].map(String).sort(), filter.largerThan, filter.smallerThan],
    ...[byDays(rule.transitions), expireAfterDays, byDays(rule.noncurrentTransitions), noncurrentExpireAfterDays],
    ...[abortAfterDays, [...beyond].sort()],
  ]);
}

function refusalOf(live: readonly LifecycleRule[], write: readonly LifecycleRule[], oldStyle: boolean): string | null {
  if (oldStyle)
    return 'The policy has rules in the old form (a Prefix outside of a Filter); S3 takes no new ones beside them, and rewriting them would be changing what others made';
  const added = write.filter(({ id }) => !live.some((rule) => rule.id === id)).length;
  if (live.length + added > mostRules)
    return `The policy would have ${live.length + added} rules; S3 takes ${mostRules}`;
  return null;
}
