import type { WatchTuning } from './watch.ts';

export const defaultWatchTuning: WatchTuning = { pollMs: 30_000, rootCheckMs: 5_000, maxPending: 50_000 };
