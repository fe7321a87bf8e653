import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { speedAt } from '../../../main/engine/plan/speedSchedule.ts';
import { BandwidthRule, EngineSettings, EngineSettingsChange } from '../../../shared/settings.ts';

const [sunday, monday, tuesday, saturday] = [0, 1, 2, 6];
const work = { days: [1, 2, 3, 4, 5], fromMinute: 8 * 60, toMinute: 18 * 60, bytesPerSecond: 1_000_000 };
const night = { days: [6], fromMinute: 22 * 60, toMinute: 6 * 60, bytesPerSecond: null };
const settings = { maxBandwidthBytesPerSecond: 5_000_000, bandwidthSchedule: [work, night] };
const at = (day: number, hours: number, minutes = 0) => speedAt(settings, { day, minute: hours * 60 + minutes });

describe('the weekly schedule', () => {
  it('holds from its first minute until before its last, else the general limit does', () => {
    expect(at(monday, 7, 59)).toEqual({ bytesPerSecond: 5_000_000, changesInMinutes: 1 });
    expect(at(monday, 8)).toEqual({ bytesPerSecond: 1_000_000, changesInMinutes: 600 });
    expect(at(tuesday, 17, 59)).toEqual({ bytesPerSecond: 1_000_000, changesInMinutes: 1 });
    expect(at(tuesday, 18)).toEqual({ bytesPerSecond: 5_000_000, changesInMinutes: 14 * 60 });
  });

  it('goes past midnight, and from Saturday into Sunday', () => {
    expect(at(saturday, 23).bytesPerSecond).toBeNull();
    expect(at(sunday, 5, 59)).toEqual({ bytesPerSecond: null, changesInMinutes: 1 });
    expect(at(sunday, 6).bytesPerSecond).toBe(5_000_000);
  });

  it('changes never when there is none', () => {
    const none = { maxBandwidthBytesPerSecond: null, bandwidthSchedule: [] };
    expect(speedAt(none, { day: 3, minute: 600.5 })).toEqual({ bytesPerSecond: null, changesInMinutes: null });
  });

  it('says when it changes, and does not change before', () => {
    const rule = fc.record({
      days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
      fromMinute: fc.integer({ min: 0, max: 1439 }),
      toMinute: fc.integer({ min: 0, max: 1440 }),
      bytesPerSecond: fc.option(fc.integer({ min: 1, max: 1e9 })),
    });
    const time = fc.record({ day: fc.integer({ min: 0, max: 6 }), minute: fc.integer({ min: 0, max: 1439 }) });
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 5 }), time, (bandwidthSchedule, now) => {
        for (const one of bandwidthSchedule) expect(BandwidthRule.safeParse(one).success).toBe(true);
        const given = { maxBandwidthBytesPerSecond: 7, bandwidthSchedule };
        const { bytesPerSecond, changesInMinutes } = speedAt(given, now);
        const until = Math.min(changesInMinutes ?? 10_080, 10_080);
        expect(until).toBeGreaterThan(0);
        for (let minutes = 0; minutes < until; minutes += 7) {
          const later = now.day * 1440 + now.minute + minutes;
          const then = { day: Math.floor(later / 1440) % 7, minute: later % 1440 };
          expect(speedAt(given, then).bytesPerSecond).toBe(bytesPerSecond);
        }
      }),
    );
  });

  it('is empty in settings of before, and not filled in by a change of something else', () => {
    expect(EngineSettings.parse({ maxConnections: 5 }).bandwidthSchedule).toEqual([]);
    expect(EngineSettingsChange.parse({ maxConnections: 5 })).toEqual({ maxConnections: 5 });
    expect(EngineSettings.safeParse({ bandwidthSchedule: [{ ...work, days: [7] }] }).success).toBe(false);
  });
});
