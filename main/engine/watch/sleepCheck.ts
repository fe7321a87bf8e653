/** Beyond what a busy machine or a corrected clock accounts for, in ms. */
const noticeableMs = 30_000;

/**
 * Whether the computer slept between two looks that should be `everyMs` apart: the wall clock ran on while the other one stood still (Linux), or both ran on while nothing did (Windows, macOS). A clock that was
 * set forward looks the same, which costs a scan.
 */
export function createSleepCheck(everyMs: number): (wallMs: number, runningMs: number) => boolean {
  let before: { readonly wallMs: number; readonly runningMs: number } | null = null;
  return (wallMs, runningMs) => {
    const last = before;
    before = { wallMs, runningMs };
    if (last === null) return false;
    const ran = runningMs - last.runningMs;
    return wallMs - last.wallMs - ran > noticeableMs || ran > everyMs + 2 * noticeableMs;
  };
}
