/** 8 o'clock tomorrow, local time: what "until tomorrow" means to somebody who pauses for the night. */
export function tomorrowMorning(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 8);
}
