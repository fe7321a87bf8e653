import { errorView, SluiceError } from '../../shared/errors.ts';
import { type Carrier, type ServerMessage, serveSyncApi } from '../../shared/wire.ts';
import type { EngineOptions, SecretStore, SyncEngine } from '../engine/engine.ts';
import { type FromEngine, ToEngine } from './engineMessages.ts';

/** The engine process' side of the channel to the main process. */
export interface HostPort {
  send(message: FromEngine): void;
  onMessage(listener: (message: unknown) => void): void;
  /** The main process is gone. */
  onClose(listener: () => void): void;
}

/** Parts in flight get this long when the main process vanished. */
const orphanGraceMs = 2_000;
/** How long a finished process waits to be ended, so that its last message surely arrives. */
const lingerMs = 1_000;

/**
 * Runs one engine for the main process behind `port`: created on `start`, served until `stop` or until the main process is gone. `exit` ends the
 * process.
 */
export function serveEngine(
  port: HostPort,
  create: (options: EngineOptions) => Promise<SyncEngine>,
  exit: (code: number) => void,
): void {
  const secrets = askedSecrets(port);
  const apiListeners: ((message: unknown) => void)[] = [];
  const closeListeners: (() => void)[] = [];
  let running: Promise<SyncEngine> | undefined;
  let ending = false;

  const carrier: Carrier<unknown, ServerMessage> = {
    send: (message) => port.send({ kind: 'api', message }),
    onMessage: (listener) => apiListeners.push(listener),
    onClose: (listener) => closeListeners.push(listener),
  };
  const start = async (dataDir: string, version: string): Promise<SyncEngine> => {
    const engine = await create({
      dataDir,
      version,
      host: 'electron',
      holder: 'the Sluice app',
      secrets: secrets.store,
    });
    serveSyncApi(engine.api, carrier);
    // before the folders are looked at: one on a slow disk must not keep the window waiting
    port.send({ kind: 'ready' });
    if (!ending) engine.start().catch(fail);
    return engine;
  };
  const fail = (error: unknown): void => {
    process.exitCode = 1;
    port.send({ kind: 'failed', error: errorView(error) });
    setTimeout(() => exit(1), lingerMs);
  };
  const end = async (graceMs: number): Promise<void> => {
    if (ending) return;
    ending = true;
    try {
      await (await running)?.stop({ graceMs });
      for (const listener of closeListeners) listener();
      port.send({ kind: 'stopped' });
      setTimeout(() => exit(0), lingerMs);
    } catch (error) {
      fail(error);
    }
  };

  port.onMessage((raw) => {
    const parsed = ToEngine.safeParse(raw);
    if (!parsed.success) return;
    const message = parsed.data;
    if (message.kind === 'api') for (const listener of apiListeners) listener(message.message);
    else if (message.kind === 'secret') secrets.answer(message);
    else if (message.kind === 'stop') void end(message.graceMs);
    else if (!running) {
      running = start(message.dataDir, message.version);
      running.catch(fail);
    }
  });
  port.onClose(() => {
    void end(orphanGraceMs).finally(() => exit(0));
  });
}

function askedSecrets(port: HostPort): { store: SecretStore; answer(message: ToEngine & { kind: 'secret' }): void } {
  const open = new Map<number, (message: ToEngine & { kind: 'secret' }) => void>();
  let lastId = 0;
  const ask = (request: (FromEngine & { kind: 'secret' })['request']) =>
    new Promise<ToEngine & { kind: 'secret' }>((resolve, reject) => {
      const id = ++lastId;
      open.set(id, (answer) => (answer.error ? reject(SluiceError.fromView(answer.error)) : resolve(answer)));
      port.send({ kind: 'secret', id, request });
    });
  return {
    store: {
      get: async (ref) => (await ask({ verb: 'get', ref })).keys,
      set: async (ref, keys) => void (await ask({ verb: 'set', ref, keys: { ...keys } })),
      delete: async (ref) => void (await ask({ verb: 'delete', ref })),
    },
    answer: (message) => {
      open.get(message.id)?.(message);
      open.delete(message.id);
    },
  };
}
