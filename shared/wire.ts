import { z } from 'zod';
import { ErrorView } from './errorSchema.ts';
import { errorView, SluiceError } from './errors.ts';
import { type SyncApi, type SyncApiMethod, syncApiMethods, Update } from './syncApi.ts';

/*
 * SyncApi as messages: one protocol for IPC, WebSocket and the engine's own process. Messages are plain JSON values.
 */

const methodNames = Object.keys(syncApiMethods) as [SyncApiMethod, ...SyncApiMethod[]];

export const ClientMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('call'), id: z.number().int(), method: z.enum(methodNames), params: z.unknown() }),
  /** A hidden window unsubscribes; on return it asks for a snapshot. */
  z.object({ type: z.literal('subscribe') }),
  z.object({ type: z.literal('unsubscribe') }),
]);
export type ClientMessage = z.infer<typeof ClientMessage>;

export const ServerMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('result'), id: z.number().int(), result: z.unknown() }),
  z.object({ type: z.literal('error'), id: z.number().int(), error: ErrorView }),
  z.object({ type: z.literal('update'), update: Update }),
]);
export type ServerMessage = z.infer<typeof ServerMessage>;

/** One side of a message channel that keeps order. */
export interface Carrier<In, Out> {
  send(message: Out): void;
  onMessage(listener: (message: In) => void): void;
  /** Called once; calls still open are rejected. */
  onClose(listener: () => void): void;
}

/** A SyncApi whose calls travel over `carrier`. Results are validated: a screen never sees half a value. */
export function createSyncApiClient(carrier: Carrier<unknown, ClientMessage>): SyncApi {
  const open = new Map<
    number,
    { method: SyncApiMethod; resolve: (value: never) => void; reject: (error: Error) => void }
  >();
  const listeners = new Set<(update: Update) => void>();
  let lastId = 0;
  let closed = false;

  carrier.onMessage((raw) => {
    const message = ServerMessage.parse(raw);
    if (message.type === 'update') {
      for (const listener of listeners) listener(message.update);
      return;
    }
    const call = open.get(message.id);
    open.delete(message.id);
    if (!call) return;
    if (message.type === 'error') return call.reject(SluiceError.fromView(message.error));
    const parsed = syncApiMethods[call.method].result.safeParse(message.result);
    if (parsed.success) call.resolve(parsed.data as never);
    else
      call.reject(
        new SluiceError('internal', `The engine's answer to ${call.method} is malformed`, { cause: parsed.error }),
      );
  });
  carrier.onClose(() => {
    closed = true;
    for (const call of open.values()) call.reject(engineGone());
    open.clear();
  });

  const call = (method: SyncApiMethod) => (params: unknown) =>
    new Promise<never>((resolve, reject) => {
      if (closed) return reject(engineGone());
      const id = ++lastId;
      open.set(id, { method, resolve, reject });
      carrier.send({ type: 'call', id, method, params });
    });

  const methods = Object.fromEntries(methodNames.map((name) => [name, call(name)]));
  const subscribe: SyncApi['subscribe'] = (listener) => {
    if (listeners.size === 0 && !closed) carrier.send({ type: 'subscribe' });
    listeners.add(listener);
    return () => {
      if (listeners.delete(listener) && listeners.size === 0 && !closed) carrier.send({ type: 'unsubscribe' });
    };
  };
  return { ...methods, subscribe } as unknown as SyncApi;
}

/** Answers `carrier`'s calls with `api`. Messages come from outside: each is parsed before anything is done. */
export function serveSyncApi(api: SyncApi, carrier: Carrier<unknown, ServerMessage>): void {
  let unsubscribe: (() => void) | undefined;
  const stop = () => {
    unsubscribe?.();
    unsubscribe = undefined;
  };
  carrier.onClose(stop);
  carrier.onMessage((raw) => {
    const parsed = ClientMessage.safeParse(raw);
    if (!parsed.success) return;
    const message = parsed.data;
    if (message.type === 'subscribe')
      unsubscribe ??= api.subscribe((update) => carrier.send({ type: 'update', update }));
    else if (message.type === 'unsubscribe') stop();
    else void answer(api, message).then((reply) => carrier.send(reply));
  });
}

async function answer(api: SyncApi, { id, method, params }: ClientMessage & { type: 'call' }): Promise<ServerMessage> {
  const parsed = syncApiMethods[method].params.safeParse(params);
  if (!parsed.success) {
    return { type: 'error', id, error: new SluiceError('usage', `${method}: ${z.prettifyError(parsed.error)}`).view() };
  }
  try {
    const result = await (api[method] as (params: unknown) => Promise<unknown>)(parsed.data);
    return { type: 'result', id, result };
  } catch (error) {
    return { type: 'error', id, error: errorView(error) };
  }
}

const engineGone = (): SluiceError =>
  new SluiceError('internal', 'The engine is not running', {
    remedy: 'It is started again by itself; try once more in a moment.',
  });
