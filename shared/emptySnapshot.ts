import type { Snapshot } from './syncApi.ts';

/** What is known of an engine that keeps no folder, or hasn't said yet. */
export function emptySnapshot(known: Pick<Snapshot, 'seq' | 'at' | 'sentence' | 'about'>): Snapshot {
  return {
    ...known,
    folders: [],
    transfers: [],
    rate: [],
    totals: {
      filesQueued: 0,
      bytesQueued: 0,
      filesInFlight: 0,
      connections: 0,
      bytesPerSecond: 0,
      etaMs: null,
      filesToday: 0,
      bytesToday: 0,
      retriesToday: 0,
    },
    pause: { kind: 'running' },
    maxBandwidthBytesPerSecond: null,
    issueCount: 0,
  };
}
