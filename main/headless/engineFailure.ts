import { SluiceError } from '../../shared/errors.ts';
import type { SyncEngine } from '../engine/engine.ts';

/** Rejects when the engine has stopped for good (a full disk under the ledger, say): waiting on would keep a process that does nothing. */
export function engineFailure(engine: SyncEngine): { readonly failed: Promise<never>; dispose(): void } {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const dispose = engine.onEvent((event) => {
    if (event.type !== 'issue' || event.folderId !== null || engine.sentence().state !== 'error') return;
    reject(SluiceError.fromView(event.error));
  });
  // Whoever has stopped waiting doesn't hear of it any more.
  failed.catch(() => {});
  return { failed, dispose };
}
