import { pino } from 'pino';
import type { EngineEvent } from '../../../shared/events.ts';
import type { SyncEngine } from '../../engine/engine.ts';
import type { CommandHost } from '../host.ts';

export type DaemonLog = Pick<pino.Logger, 'info' | 'warn' | 'error' | 'debug'>;

/** NDJSON on stderr: whoever starts the daemon (systemd, a container) keeps and rotates it. Neither keys nor tokens are ever handed to it. */
export function daemonLog(host: Pick<CommandHost, 'stderr' | 'env'>): DaemonLog {
  return pino(
    {
      base: null,
      level: host.env.SLUICE_DEBUG === undefined ? 'info' : 'debug',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void host.stderr.write(line) },
  );
}

/** Issues, failed files and every new state; each finished file only when debugging. Returns the end of it. */
export function logEngine(engine: SyncEngine, log: DaemonLog): () => void {
  let state = engine.sentence().state;
  const tellState = () => {
    const now = engine.sentence();
    if (now.state === state) return;
    state = now.state;
    log.info({ state }, now.text);
  };
  const unlisten = engine.onEvent((event) => {
    logEvent(event, log);
    tellState();
  });
  const unsubscribe = engine.api.subscribe(tellState);
  return () => {
    unlisten();
    unsubscribe();
  };
}

function logEvent(event: EngineEvent, log: DaemonLog): void {
  if (event.type === 'issue') log.warn({ folderId: event.folderId, error: event.error }, event.error.message);
  if (event.type !== 'file') return;
  const { folderId, path, key, action, bytes, error } = event;
  if (error) log.warn({ folderId, path, key, error }, 'file failed');
  else log.debug({ folderId, path, key, action, bytes }, 'file finished');
}
