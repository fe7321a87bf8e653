import { errorView } from '../../shared/errors.ts';
import type { FolderId } from '../../shared/ids.ts';
import type { EngineSettings } from '../../shared/settings.ts';
import { reconciledKey } from './deletesApi.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Clock } from './ports.ts';

const lookEveryMs = 3_600_000;

/** Holds each kept folder's bucket against the ledger now and then, one folder at a time; a store that can't be asked is asked an hour later. */
export function createReconcileSchedule(options: {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly settings: () => EngineSettings;
  readonly reconcile: (folder: FolderId) => Promise<unknown>;
  readonly onFatal: (error: unknown) => void;
}): { start(): void; stop(): void } {
  const { ledger, clock, settings } = options;
  let stopped = false;
  let cancel: () => void = () => undefined;

  const look = async (): Promise<void> => {
    const every = settings().reconcileIntervalMs;
    for (const { id, kind, paused } of ledger.folders()) {
      if (stopped || every === null) return;
      if (kind !== 'kept' || paused) continue;
      const last = ledger.setting(reconciledKey(id));
      // A new folder was just uploaded object by object: its first time is a whole interval away.
      if (typeof last !== 'number') ledger.setSetting(reconciledKey(id), clock.now());
      else if (clock.now() - last >= every) {
        await options.reconcile(id).catch((error: unknown) => {
          const { code } = errorView(error);
          if (!stopped && (code.startsWith('ledger-') || code === 'internal')) throw error;
        });
      }
    }
  };
  const start = (): void => {
    look()
      .then(() => {
        if (!stopped) cancel = clock.after(lookEveryMs, start);
      })
      .catch((error: unknown) => {
        if (!stopped) options.onFatal(error);
      });
  };
  return {
    start,
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}
