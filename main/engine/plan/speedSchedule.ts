import type { EngineSettings } from '../../../shared/settings.ts';

/** Local time of a week. */
export interface WeekTime {
  /** 0 is Sunday, as Date.getDay. */
  readonly day: number;
  /** Since midnight, 0…1440. */
  readonly minute: number;
}

export interface SpeedNow {
  /** Bytes per second; null: no limit. */
  readonly bytesPerSecond: number | null;
  /** Minutes until a rule begins or ends, > 0; null: never. */
  readonly changesInMinutes: number | null;
}

type Rules = Pick<EngineSettings, 'maxBandwidthBytesPerSecond' | 'bandwidthSchedule'>;
type Rule = EngineSettings['bandwidthSchedule'][number];

/** The limit at a time of the week: of the first rule that holds, else the general one. */
export function speedAt(settings: Rules, at: WeekTime): SpeedNow {
  const { bandwidthSchedule, maxBandwidthBytesPerSecond } = settings;
  const now = at.day * minutesOfDay + at.minute;
  const rule = bandwidthSchedule.find((one) => spans(one).some(({ from, to }) => now >= from && now < to));
  const bytesPerSecond = rule === undefined ? maxBandwidthBytesPerSecond : rule.bytesPerSecond;
  let changesInMinutes: number | null = null;
  for (const edge of bandwidthSchedule.flatMap((one) => spans(one).flatMap(({ from, to }) => [from, to]))) {
    const inMinutes = (((edge - now) % week) + week) % week || week;
    if (changesInMinutes === null || inMinutes < changesInMinutes) changesInMinutes = inMinutes;
  }
  return { bytesPerSecond, changesInMinutes };
}

export const weekTimeOf = (date: Date): WeekTime => ({
  day: date.getDay(),
  minute: date.getHours() * 60 + date.getMinutes() + date.getSeconds() / 60 + date.getMilliseconds() / 60_000,
});

const minutesOfDay = 1440;
const week = 7 * minutesOfDay;

/** In minutes of the week; one that goes past midnight belongs to the day it begins on, and past Saturday's it goes on on Sunday. */
function spans({ days, fromMinute, toMinute }: Rule): { from: number; to: number }[] {
  return days.flatMap((day) => {
    const from = day * minutesOfDay + fromMinute;
    const to = day * minutesOfDay + toMinute + (toMinute <= fromMinute ? minutesOfDay : 0);
    if (to <= week) return [{ from, to }];
    return [
      { from, to: week },
      { from: 0, to: to - week },
    ];
  });
}
