const daySeconds = 86_400;

/** From the first to the last day, never less than one: both in seconds since the epoch, as `at` is, at midnight UTC. */
export function dayRange(at: ArrayLike<number>): [number, number] {
  const first = at[0] ?? 0;
  return [first, Math.max(at[at.length - 1] ?? 0, first + daySeconds)];
}

/** Midnights (UTC) from `from` to `to`, evenly apart, `most` of them or fewer. */
export function daySplits(from: number, to: number, most: number): number[] {
  const days = Math.floor((to - from) / daySeconds) + 1;
  const apart = Math.ceil(days / Math.max(1, most));
  return Array.from({ length: Math.ceil(days / apart) }, (_, index) => from + index * apart * daySeconds);
}
