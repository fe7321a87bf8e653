import type { PendingDeletes, SyncApi } from '../../shared/syncApi.ts';
import { MiB } from '../../shared/units.ts';
import type { Scenario } from './fixtureApi.ts';

/** Deletes and the bucket's listing, for tests of screens: in `attention` the guard has tripped. */
export function fixtureDeletes(
  scenario: Scenario,
): Pick<SyncApi, 'pendingDeletes' | 'approveDeletes' | 'keepDeletes' | 'setDeletePolicy' | 'reconcileFolder'> {
  let policy: PendingDeletes['policy'] =
    scenario === 'attention'
      ? { kind: 'mirror', limit: { kind: 'percent', percent: 10 }, holdMs: 86_400_000 }
      : { kind: 'never' };
  let held = scenario === 'attention' ? 3_120 : 0;
  const noticedAt = Date.now() - 7_200_000;
  return {
    pendingDeletes: async () => ({
      policy,
      versioning: scenario === 'attention' ? 'off' : 'enabled',
      needsApproval: held > 0,
      held,
      heldBytes: held * MiB,
      approved: 0,
      kept: 0,
      asOf: Date.now(),
      rows: Array.from({ length: Math.min(held, 40) }, (_, n) => ({
        path: `2019/Summer holidays/IMG_${1000 + n}.jpg`,
        key: `laptop/2019/Summer holidays/IMG_${1000 + n}.jpg`,
        bytes: MiB,
        noticedAt,
        dueAt: null,
        decision: 'held' as const,
      })),
    }),
    approveDeletes: async () => {
      const files = held;
      held = 0;
      return { files };
    },
    keepDeletes: async () => {
      const files = held;
      held = 0;
      return { files };
    },
    setDeletePolicy: async ({ deletes }) => {
      policy = deletes;
      return {};
    },
    reconcileFolder: async () => ({
      complete: true,
      objectsListed: 12_410,
      filesChecked: 12_408,
      missing: scenario === 'attention' ? 1 : 0,
      changed: scenario === 'attention' ? 1 : 0,
      otherObjects: 2,
      otherBytes: 4 * MiB,
      requests: 15,
      problems:
        scenario === 'attention'
          ? [{ path: 'Notes/2024/plan.md', problem: 'missing', detail: 'It is uploaded again' }]
          : [],
      durationMs: 2_100,
    }),
  };
}
