import type { LifecycleEffect } from '../../../shared/cost.ts';
import { forRequests, sumUsd, type Usd, usd } from '../../../shared/money.ts';
import { classPrices, type PricedClass, type Prices, pricedClass } from '../../../shared/prices.ts';
import { monthOf } from './forecast.ts';
import { type LifecycleRule, smallestMovedBytes } from './lifecycleRules.ts';

export interface KnownObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly ageDays: number;
  /** null: STANDARD. */
  readonly storageClass: string | null;
}

export interface EffectTotal {
  readonly objectsKnown: number;
  readonly effects: readonly LifecycleEffect[];
  readonly usdPerMonthNow: number;
  /** When each object has come to its last class, or is deleted. */
  readonly usdPerMonthThen: number;
  readonly transitionUsd: number;
  readonly tooSmall: { readonly objects: number; readonly bytes: number };
  readonly traps: readonly string[];
}

export interface Step {
  readonly days: number;
  readonly to: PricedClass | 'delete';
}

/** From warm to cold: a rule never moves an object back. */
const coldness: readonly PricedClass[] = [
  'STANDARD',
  'INTELLIGENT_TIERING',
  'STANDARD_IA',
  'ONEZONE_IA',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
];
const horizons = [0, 30, 90, 365];

/** What a policy would do to objects, added up one by one: what moves when, what that costs and saves. Current versions only: others aren't in the ledger. */
export function openLifecycleEffect(rules: readonly LifecycleRule[], prices: Prices) {
  const active = rules.filter((rule) => rule.enabled && rule.filter.tags.length === 0 && rule.beyond.length === 0);
  const sums = new Map<
    string,
    { objects: number; bytes: number; due: { objects: number; bytes: number }[]; usd: Usd }
  >();
  let objectsKnown = 0;
  let now: Usd = usd(0);
  let then: Usd = usd(0);
  const tooSmall = { objects: 0, bytes: 0 };
  const early = new Map<string, number>();

  const noteStep = (step: Step, object: KnownObject): void => {
    const name = step.to;
    const sum = sums.get(name) ?? {
      objects: 0,
      bytes: 0,
      due: horizons.map(() => ({ objects: 0, bytes: 0 })),
      usd: usd(0),
    };
    sums.set(name, sum);
    sum.objects++;
    sum.bytes += object.sizeBytes;
    for (const [at, days] of horizons.entries()) {
      if (step.days - object.ageDays > days) continue;
      sum.due[at]!.objects++;
      sum.due[at]!.bytes += object.sizeBytes;
    }
    if (step.to !== 'delete') sum.usd = sumUsd(sum.usd, forRequests(1, prices.classes[step.to].transitions));
  };

  return {
    add: (object: KnownObject): void => {
      objectsKnown++;
      const from = pricedClass(object.storageClass);
      now = sumUsd(now, monthOf(object.sizeBytes, prices, from));
      const steps = stepsOf(object, active, from);
      for (const step of steps) noteStep(step, object);
      const last = steps.at(-1)?.to ?? from;
      if (last !== 'delete') then = sumUsd(then, monthOf(object.sizeBytes, prices, last));
      if (steps.length === 0 && wouldMove(object, active)) {
        tooSmall.objects++;
        tooSmall.bytes += object.sizeBytes;
      }
      for (const trap of earlyMoves(steps, prices)) early.set(trap, (early.get(trap) ?? 0) + 1);
    },
    total: (): EffectTotal => {
      const effects = [...sums].map(([step, sum]) => ({
        step,
        objects: sum.objects,
        bytes: sum.bytes,
        due: horizons.map((days, at) => ({ days, ...sum.due[at]! })),
        transitionUsd: sum.usd,
      }));
      return {
        objectsKnown,
        effects,
        usdPerMonthNow: now,
        usdPerMonthThen: then,
        transitionUsd: sumUsd(...effects.map((effect) => effect.transitionUsd)),
        tooSmall,
        traps: [
          ...[...early].map(([trap, objects]) => `${trap} (${objects} known objects)`),
          ...archiveTraps(sums),
          ...deleteTraps(sums.get('delete')?.objects ?? 0),
        ],
      };
    },
  };
}

/** Where an object goes: colder each time, by the earliest rule, until it is deleted. */
export function stepsOf(object: KnownObject, rules: readonly LifecycleRule[], from: PricedClass): readonly Step[] {
  const matching = rules.filter(({ filter }) => matches(filter, object));
  const expiry = Math.min(...matching.flatMap(({ expireAfterDays }) => expireAfterDays ?? []));
  const moves = matching
    .filter(
      ({ filter }) =>
        object.sizeBytes >= smallestMovedBytes || filter.largerThan !== null || filter.smallerThan !== null,
    )
    .flatMap(({ transitions }) =>
      transitions.map(({ days, storageClass }) => ({ days, to: pricedClass(storageClass) })),
    )
    .filter(({ days }) => days < expiry)
    .sort((a, b) => a.days - b.days || coldness.indexOf(b.to) - coldness.indexOf(a.to));
  const steps: Step[] = [];
  let at = coldness.indexOf(from);
  for (const move of moves) {
    if (coldness.indexOf(move.to) <= at) continue;
    at = coldness.indexOf(move.to);
    steps.push(move);
  }
  return Number.isFinite(expiry) ? [...steps, { days: expiry, to: 'delete' }] : steps;
}

function matches(filter: LifecycleRule['filter'], { key, sizeBytes }: KnownObject): boolean {
  if (!key.startsWith(filter.prefix)) return false;
  if (filter.largerThan !== null && sizeBytes <= filter.largerThan) return false;
  return filter.smallerThan === null || sizeBytes < filter.smallerThan;
}

const wouldMove = ({ key, sizeBytes }: KnownObject, rules: readonly LifecycleRule[]): boolean =>
  sizeBytes < smallestMovedBytes &&
  rules.some(({ transitions, filter }) => transitions.length > 0 && key.startsWith(filter.prefix));

/** A class that is left before its minimum is charged to the end of it. */
function earlyMoves(steps: readonly Step[], prices: Prices): readonly string[] {
  return steps.flatMap((step, at) => {
    const next = steps[at + 1];
    if (next === undefined || step.to === 'delete') return [];
    const { minimumDays } = classPrices(prices, step.to);
    const stays = next.days - step.days;
    if (stays >= minimumDays) return [];
    const end = next.to === 'delete' ? 'deleted' : `moved to ${next.to}`;
    return [
      `${step.to} is charged for ${minimumDays} days, but what is moved there is ${end} after ${stays}: ${minimumDays - stays} days are paid for nothing`,
    ];
  });
}

/** Sluice takes a proven file for safe: it doesn't see that S3 deleted the object. */
const deleteTraps = (objects: number): readonly string[] =>
  objects === 0
    ? []
    : [
        `${objects} known objects would be deleted from the bucket though Sluice uploaded them; their files are not uploaded again unless they change, and only verify misses them`,
      ];

const archiveTraps = (sums: ReadonlyMap<string, unknown>): readonly string[] =>
  ['GLACIER', 'DEEP_ARCHIVE']
    .filter((name) => sums.has(name))
    .map((name) => `${name} must be restored before it can be read, which takes hours and is charged by the GB`);
