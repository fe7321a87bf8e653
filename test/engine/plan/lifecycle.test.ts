import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeLifecycle } from '../../../main/engine/plan/lifecycleDiff.ts';
import { openLifecycleEffect, stepsOf } from '../../../main/engine/plan/lifecycleEffect.ts';
import { type LifecycleRule, recommendedRules, ruleText } from '../../../main/engine/plan/lifecycleRules.ts';
import { noPriceFile, pricesFor } from '../../../shared/prices.ts';
import { GiB, KiB, MiB } from '../../../shared/units.ts';

const prices = pricesFor({ endpointUrl: null, region: 'us-east-1' }, noPriceFile);
const rules = recommendedRules('');
const object = (key: string, sizeBytes: number, ageDays = 0) => ({ key, sizeBytes, ageDays, storageClass: null });
const foreign = (id: string, more: Partial<LifecycleRule> = {}): LifecycleRule => ({
  ...{ id, enabled: true, filter: { prefix: 'theirs/', tags: [], largerThan: null, smallerThan: null } },
  ...{ transitions: [], expireAfterDays: 3650, noncurrentTransitions: [], noncurrentExpireAfterDays: null },
  ...{ abortAfterDays: null, beyond: [] },
  ...more,
});

describe('the recommended policy', () => {
  it('is M13’s', () => {
    expect(rules.map(ruleText)).toEqual([
      'everything, from 128 KiB: STANDARD_IA after 30 days; GLACIER after 90 days; DEEP_ARCHIVE after 365 days',
      'everything, from 128 KiB: old versions to GLACIER after 7 days',
      'everything: old versions deleted after 30 days',
      'everything: unfinished uploads aborted after 7 days',
      'logs/*, from 128 KiB: GLACIER_IR after 7 days; GLACIER after 30 days; deleted after 90 days',
      'logs/*: deleted after 90 days',
      'temp/*: deleted after 1 day',
    ]);
  });

  it('stays below its prefix, under names of its own, however long the prefix is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 900 }), (name) => {
        const prefix = `${name}/`;
        for (const rule of recommendedRules(prefix)) {
          expect(rule.filter.prefix.startsWith(prefix)).toBe(true);
          expect(rule.id.length).toBeLessThanOrEqual(255);
        }
      }),
    );
  });
});

describe('the merge', () => {
  it('adds what is missing, changes only what bears our name, keeps all else', () => {
    const theirs = foreign('sluice-like-but-theirs', { transitions: [{ days: 5, storageClass: 'GLACIER' }] });
    const changed = { ...rules[6]!, expireAfterDays: 3 };
    const merge = mergeLifecycle([theirs, rules[0]!, changed], '', false);
    expect(merge.lines.map(({ change, id }) => [change, id])).toEqual([
      ['same', 'sluice-tiers'],
      ['add', 'sluice-noncurrent-archive'],
      ['add', 'sluice-noncurrent-expire'],
      ['add', 'sluice-abort-incomplete'],
      ['add', 'sluice-logs-tiers'],
      ['add', 'sluice-logs-expire'],
      ['change', 'sluice-temp-expire'],
      ['keep', 'sluice-like-but-theirs'],
    ]);
    expect(merge.write.map(({ id }) => id)).not.toContain(theirs.id);
    expect(merge.refusal).toBeNull();
  });

  it('makes no second rule where one aborts unfinished uploads already', () => {
    const theirs = foreign('cleanup', {
      filter: { prefix: '', tags: [], largerThan: null, smallerThan: null },
      abortAfterDays: 3,
      expireAfterDays: null,
    });
    expect(mergeLifecycle([theirs], '', false).write.some(({ abortAfterDays }) => abortAfterDays !== null)).toBe(false);
  });

  it('is refused beside rules of the old form, and beyond a thousand', () => {
    expect(mergeLifecycle([foreign('old')], '', true).refusal).toContain('old form');
    const many = Array.from({ length: 995 }, (_, at) => foreign(`r${at}`));
    expect(mergeLifecycle(many, '', false).refusal).toContain('1000');
  });

  it('applied once changes nothing the second time', () => {
    const once = mergeLifecycle([foreign('a')], 'p/', false);
    const twice = mergeLifecycle([foreign('a'), ...once.write], 'p/', false);
    expect(twice.changes).toBe(false);
  });
});

describe('the effect', () => {
  it('moves a photograph through the classes and deletes a log', () => {
    expect(stepsOf(object('photo', 5 * MiB), rules, 'STANDARD')).toEqual([
      { days: 30, to: 'STANDARD_IA' },
      { days: 90, to: 'GLACIER' },
      { days: 365, to: 'DEEP_ARCHIVE' },
    ]);
    expect(stepsOf(object('logs/a', 5 * MiB), rules, 'STANDARD')).toEqual([
      { days: 7, to: 'GLACIER_IR' },
      { days: 30, to: 'GLACIER' },
      { days: 90, to: 'delete' },
    ]);
    expect(stepsOf(object('temp/a', 5 * MiB), rules, 'STANDARD')).toEqual([{ days: 1, to: 'delete' }]);
    expect(stepsOf(object('note', 5 * KiB), rules, 'STANDARD')).toEqual([]);
    // Never back to a warmer class.
    expect(stepsOf(object('photo', 5 * MiB), rules, 'GLACIER')).toEqual([{ days: 365, to: 'DEEP_ARCHIVE' }]);
  });

  it('adds up what moves when, what it saves, and what is paid for nothing', () => {
    const effect = openLifecycleEffect(rules, prices);
    for (let i = 0; i < 10; i++) effect.add(object(`photo ${i}`, GiB, i * 10));
    effect.add(object('logs/big', GiB, 3));
    effect.add(object('tiny', KiB, 500));
    const total = effect.total();
    expect(total.objectsKnown).toBe(12);
    const ia = total.effects.find(({ step }) => step === 'STANDARD_IA');
    expect(ia).toMatchObject({ objects: 10, bytes: 10 * GiB });
    expect(ia?.due.map(({ days, objects }) => [days, objects])).toEqual([
      [0, 7],
      [30, 10],
      [90, 10],
      [365, 10],
    ]);
    expect(total.tooSmall).toEqual({ objects: 1, bytes: KiB });
    expect(total.usdPerMonthThen).toBeLessThan(total.usdPerMonthNow / 15);
    expect(total.traps.join('\n')).toContain(
      'GLACIER is charged for 90 days, but what is moved there is deleted after 60',
    );
    expect(total.traps.join('\n')).toContain('DEEP_ARCHIVE must be restored');
    expect(total.traps.join('\n')).toContain('1 known objects would be deleted from the bucket');
  });

  it('never leaves an object in a warmer class, nor moves it after it is deleted', () => {
    const rule = fc.record({
      days: fc.integer({ min: 0, max: 400 }),
      to: fc.constantFrom('STANDARD_IA', 'GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'),
      expire: fc.option(fc.integer({ min: 1, max: 400 })),
      prefix: fc.constantFrom('', 'a', 'ab'),
    });
    const order = ['STANDARD_IA', 'GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE', 'delete'];
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 6 }), fc.integer({ min: 0, max: GiB }), (made, size) => {
        const live = made.map(({ days, to, expire, prefix }, at) =>
          foreign(`${at}`, {
            filter: { prefix, tags: [], largerThan: null, smallerThan: null },
            transitions: [{ days, storageClass: to }],
            expireAfterDays: expire,
          }),
        );
        const steps = stepsOf(object('abc', size), live, 'STANDARD');
        for (const [at, step] of steps.entries()) {
          const next = steps[at + 1];
          if (next)
            expect([next.days >= step.days, order.indexOf(next.to) > order.indexOf(step.to)]).toEqual([true, true]);
        }
      }),
    );
  });
});
