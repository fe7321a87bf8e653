import { readFileSync } from 'node:fs';

/** Linux drops notifications beyond this many without a word (libuv doesn't pass the overflow on); a tenth less, as some are not seen here. */
export function notificationQueueLimit(): number {
  if (process.platform !== 'linux') return Number.POSITIVE_INFINITY;
  try {
    return Math.floor(Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8')) * 0.9) || 14_000;
  } catch {
    return 14_000;
  }
}
