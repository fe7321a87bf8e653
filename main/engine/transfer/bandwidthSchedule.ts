import type { EngineSettings } from '../../../shared/settings.ts';
import { speedAt, weekTimeOf } from '../plan/speedSchedule.ts';
import type { Clock } from '../ports.ts';
import type { SendPool } from './sendPool.ts';

/** Keeps the pool's limit as the settings and the clock say. */
export interface BandwidthSchedule {
  /** The settings changed. */
  apply(): void;
  /** Bytes per second now; null: no limit. */
  limit(): number | null;
  stop(): void;
}

/** The system's clock may be set, and a computer may sleep: look at least so often. */
const lookAtLeastMs = 60_000;

export function startBandwidthSchedule(options: {
  readonly clock: Clock;
  readonly settings: () => EngineSettings;
  readonly pool: Pick<SendPool, 'setBandwidth'>;
  /** The limit is another one now (screens show it). */
  readonly onChange?: (bytesPerSecond: number | null) => void;
}): BandwidthSchedule {
  const { clock, settings, pool, onChange } = options;
  let current: number | null | undefined;
  let cancelTimer: () => void = () => undefined;
  let stopped = false;

  const apply = (): void => {
    cancelTimer();
    if (stopped) return;
    const { bytesPerSecond, changesInMinutes } = speedAt(settings(), weekTimeOf(new Date(clock.now())));
    if (bytesPerSecond !== current) {
      current = bytesPerSecond;
      pool.setBandwidth(bytesPerSecond);
      onChange?.(bytesPerSecond);
    }
    if (changesInMinutes === null) return;
    cancelTimer = clock.after(Math.min(lookAtLeastMs, Math.max(1, Math.ceil(changesInMinutes * 60_000))), apply);
  };
  apply();
  return {
    apply,
    limit: () => current ?? null,
    stop: () => {
      stopped = true;
      cancelTimer();
    },
  };
}
