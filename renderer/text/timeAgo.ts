const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const short = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

const steps = [
  { unit: 'day', ms: 86_400_000 },
  { unit: 'hour', ms: 3_600_000 },
  { unit: 'minute', ms: 60_000 },
] as const;

/** "5 minutes ago"; below a minute "just now". Both in ms since the epoch. */
export function timeAgo(at: number, now: number): string {
  const age = Math.max(0, now - at);
  const step = steps.find(({ ms }) => age >= ms);
  return step ? relative.format(-Math.floor(age / step.ms), step.unit) : 'just now';
}

export const clockTime = (at: number): string => clock.format(at);
export const hourAndMinute = (at: number): string => short.format(at);
export const fullTime = (at: number): string => full.format(at);
