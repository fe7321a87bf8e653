import { expect, it } from 'vitest';
import { startBandwidthSchedule } from '../../../main/engine/transfer/bandwidthSchedule.ts';
import { defaultEngineSettings, type EngineSettings } from '../../../shared/settings.ts';
import { ManualClock } from './manualClock.ts';

const monday = (hours: number, minutes = 0): number => new Date(2026, 0, 5, hours, minutes).getTime();

it('the limit changes by the clock within a second, with the settings at once, and not any more after the end', async () => {
  const clock = new ManualClock();
  clock.time = monday(7, 58);
  let settings: EngineSettings = {
    ...defaultEngineSettings,
    bandwidthSchedule: [{ days: [1], fromMinute: 8 * 60, toMinute: 9 * 60, bytesPerSecond: 1000 }],
  };
  const set: (number | null)[] = [];
  const schedule = startBandwidthSchedule({
    clock,
    settings: () => settings,
    pool: { setBandwidth: (bytesPerSecond) => set.push(bytesPerSecond) },
  });
  expect(set).toEqual([null]);
  await clock.pass(monday(8) - clock.now() - 1_000);
  expect(set).toEqual([null]);
  await clock.pass(2_000);
  expect(set).toEqual([null, 1000]);
  settings = { ...settings, maxBandwidthBytesPerSecond: 5000 };
  schedule.apply();
  expect(schedule.limit()).toBe(1000);
  await clock.pass(3_600_000);
  expect(set).toEqual([null, 1000, 5000]);
  schedule.stop();
  await clock.pass(8 * 24 * 3_600_000);
  expect(set).toHaveLength(3);
});
