import { type ErrorView, errorView } from '../../shared/errors.ts';
import type { Snapshot, SyncApi, SyncApiMethod } from '../../shared/syncApi.ts';
import { syncApiMethods } from '../../shared/syncApi.ts';
import { createSyncApiClient } from '../../shared/wire.ts';
import type { SecretStore } from '../engine/engine.ts';
import type { EngineLauncher, EngineProcess } from './engineLauncher.ts';
import { FromEngine, type SecretRequest, type ToEngine } from './engineMessages.ts';
import { createEngineMirror } from './engineMirror.ts';
import { decideRestart, type EngineEnd, freshRestarts } from './restartPolicy.ts';

export type EngineStatus =
  | { readonly kind: 'starting' }
  | { readonly kind: 'running' }
  | { readonly kind: 'restarting'; readonly reason: string; readonly delayMs: number }
  /** Not started again until the user asks. */
  | { readonly kind: 'given-up'; readonly reason: string }
  | { readonly kind: 'stopped' };

export interface EngineSupervisor {
  /**
   * The engine as windows and tray see it, whichever process runs it now. `snapshot` always answers, with the last known state and a sentence that
   * says what happened while the engine is down; everything else is rejected then.
   */
  readonly api: SyncApi;
  status(): EngineStatus;
  /** Told before any answer of the new state. */
  onStatus(listener: (status: EngineStatus) => void): () => void;
  /** Starts the engine unless it runs; at once when it was waiting, with a fresh count of crashes when it had been given up. */
  start(): void;
  /** Asks for a checkpoint, ends the process; killed when it takes `killMarginMs` longer than `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

export interface SupervisorOptions {
  readonly launcher: EngineLauncher;
  readonly secrets: SecretStore;
  readonly dataDir: string;
  readonly version: string;
  /** For the log: what happened to the engine. */
  readonly report: (line: string) => void;
}

const killMarginMs = 5_000;

export function createEngineSupervisor(options: SupervisorOptions): EngineSupervisor {
  const mirror = createEngineMirror();
  const statusListeners = new Set<(status: EngineStatus) => void>();
  const startedAt = Date.now();
  const nobody = createSyncApiClient({ send: () => {}, onMessage: () => {}, onClose: (listener) => listener() });
  let client = nobody;
  let status: EngineStatus = { kind: 'stopped' };
  let child: EngineProcess | undefined;
  let restarts = freshRestarts;
  let restartTimer: NodeJS.Timeout | undefined;
  let stopping: Promise<void> | undefined;

  const setStatus = (next: EngineStatus): void => {
    status = next;
    for (const listener of [...statusListeners]) listener(next);
  };
  const halt = (text: string): void => {
    mirror.halt(
      { state: 'error', text },
      { version: options.version, host: 'electron', dataDir: options.dataDir, startedAt },
    );
  };

  const launch = (): void => {
    setStatus({ kind: 'starting' });
    const started = performance.now();
    const process = options.launcher.start();
    child = process;
    const onApi: ((message: unknown) => void)[] = [];
    const onGone: (() => void)[] = [];
    let refusal: ErrorView | undefined;
    const own = createSyncApiClient({
      send: (message) => process.send({ kind: 'api', message }),
      onMessage: (listener) => onApi.push(listener),
      onClose: (listener) => onGone.push(listener),
    });

    process.onMessage((raw) => {
      const parsed = FromEngine.safeParse(raw);
      if (!parsed.success || child !== process) return;
      const message = parsed.data;
      if (message.kind === 'ready') {
        client = own;
        void follow(own, process);
      } else if (message.kind === 'failed') {
        refusal = message.error;
        process.kill();
      } else if (message.kind === 'secret') {
        void answerSecret(options.secrets, message.request).then((answer) => {
          process.send({ kind: 'secret', id: message.id, ...answer });
        });
      } else if (message.kind === 'stopped') process.kill();
      else deliver(onApi, message.message, process);
    });
    process.onExit((exitCode) => {
      if (child !== process) return;
      child = undefined;
      client = nobody;
      const end: EngineEnd = refusal
        ? { kind: 'refused', error: refusal }
        : { kind: 'crash', exitCode, livedMs: performance.now() - started };
      if (stopping) setStatus({ kind: 'stopped' });
      else recover(end);
      for (const listener of onGone) listener();
    });
    process.send({ kind: 'start', dataDir: options.dataDir, version: options.version });
  };

  /** An answer that can't be parsed is an engine gone wrong: a new one is better than a half-blind window. */
  const deliver = (
    listeners: readonly ((message: unknown) => void)[],
    message: unknown,
    process: EngineProcess,
  ): void => {
    try {
      for (const listener of listeners) listener(message);
    } catch (error) {
      options.report(`The engine sent a malformed message and is restarted: ${errorView(error).message}`);
      process.kill();
    }
  };

  /** Keeps the mirror equal to this engine, from its first snapshot on. */
  const follow = async (api: SyncApi, process: EngineProcess): Promise<void> => {
    const reload = async (): Promise<void> => {
      mirror.load(await api.snapshot({}));
    };
    let reloading: Promise<void> | undefined;
    try {
      api.subscribe((update) => {
        if (reloading || mirror.apply(update)) return;
        reloading = reload()
          .catch((error: unknown) =>
            options.report(`The engine's state could not be read: ${errorView(error).message}`),
          )
          .finally(() => {
            reloading = undefined;
          });
      });
      reloading = reload();
      await reloading;
      reloading = undefined;
      if (child === process) setStatus({ kind: 'running' });
    } catch (error) {
      if (child !== process) return;
      options.report(`The engine's state could not be read: ${errorView(error).message}`);
      process.kill();
    }
  };

  const recover = (end: EngineEnd): void => {
    const decision = decideRestart(restarts, end);
    restarts = decision;
    const { delayMs, reason } = decision;
    options.report(delayMs === null ? `Sluice has stopped: ${reason}` : `${reason}; next start in ${delayMs} ms`);
    if (delayMs === null) {
      halt(`Sluice has stopped: ${reason}`);
      setStatus({ kind: 'given-up', reason });
      return;
    }
    halt(`Sluice is starting again: ${reason}`);
    restartTimer = setTimeout(launch, delayMs);
    setStatus({ kind: 'restarting', reason, delayMs });
  };

  const stop = async (graceMs: number): Promise<void> => {
    clearTimeout(restartTimer);
    const process = child;
    if (!process) return setStatus({ kind: 'stopped' });
    const gone = new Promise<void>((resolve) => {
      const unsubscribe = onStatus((next) => {
        if (next.kind !== 'stopped') return;
        unsubscribe();
        resolve();
      });
    });
    const deadline = setTimeout(() => {
      options.report('The engine did not stop in time and was ended: it resumes from its last checkpoint');
      process.kill();
    }, graceMs + killMarginMs);
    process.send({ kind: 'stop', graceMs } satisfies ToEngine);
    await gone;
    clearTimeout(deadline);
  };
  const onStatus: EngineSupervisor['onStatus'] = (listener) => {
    statusListeners.add(listener);
    return () => void statusListeners.delete(listener);
  };

  /** The first snapshot is waited for; after that there always is one. */
  const snapshot = (): Promise<Snapshot> =>
    new Promise((resolve) => {
      const known = mirror.current();
      if (known) return resolve(known);
      const unsubscribe = mirror.subscribe(() => {
        unsubscribe();
        resolve(mirror.current() as Snapshot);
      });
    });
  const forwarded = Object.keys(syncApiMethods).map((name) => {
    const method = name as SyncApiMethod;
    return [method, (params: never) => client[method](params)] as const;
  });
  const api = { ...Object.fromEntries(forwarded), snapshot, subscribe: mirror.subscribe } as unknown as SyncApi;

  return {
    api,
    status: () => status,
    onStatus,
    start: () => {
      if (child || stopping) return;
      clearTimeout(restartTimer);
      if (status.kind !== 'restarting') restarts = freshRestarts;
      launch();
    },
    stop: (graceMs) => {
      stopping ??= stop(graceMs);
      return stopping;
    },
  };
}

type SecretAnswer = Omit<ToEngine & { kind: 'secret' }, 'kind' | 'id'>;

async function answerSecret(secrets: SecretStore, request: SecretRequest): Promise<SecretAnswer> {
  try {
    if (request.verb === 'get') return { keys: await secrets.get(request.ref), error: null };
    if (request.verb === 'set') await secrets.set(request.ref, request.keys);
    else await secrets.delete(request.ref);
    return { keys: null, error: null };
  } catch (error) {
    return { keys: null, error: errorView(error) };
  }
}
