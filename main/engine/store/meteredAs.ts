import { AsyncLocalStorage } from 'node:async_hooks';
import type { FolderId } from '../../../shared/ids.ts';

/**
 * One HTTP request that left for a store, told when it has ended. `answered`: the store said something, `status` what. `unanswered`: it went out on a connection that was
 * there, and nothing came back: the store may have done it. A request that found no connection is none.
 */
export interface MeteredRequest {
  readonly folderId: FolderId | null;
  readonly operation: string;
  readonly status: number | null;
  /** Bytes of a file in its body. */
  readonly bodyBytes: number;
}
export type OnMetered = (request: MeteredRequest) => void;

const folder = new AsyncLocalStorage<FolderId>();

/** What `work` asks of a store is charged to this folder. */
export const meteredAs = <T>(folderId: FolderId | null, work: () => T): T =>
  folderId === null ? folder.exit(work) : folder.run(folderId, work);
export const meteredFolder = (): FolderId | null => folder.getStore() ?? null;

/** Errors of requests that never had a connection to leave by: the pool marks them, whoever meters asks. */
const neverLeft = new WeakSet<object>();
export const markNeverLeft = (error: Error): void => void neverLeft.add(error);
export const hasLeft = (error: unknown): boolean =>
  !(typeof error === 'object' && error !== null && neverLeft.has(error));
