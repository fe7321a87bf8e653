import type { EngineOptions, SyncEngine } from '../engine/engine.ts';

export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** All that a command touches of its process; tests hand in their own. */
export interface CommandHost {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly version: string;
  /** Ms since the epoch. */
  readonly now: () => number;
  readonly createEngine: (options: EngineOptions) => Promise<SyncEngine>;
  /** SIGINT, SIGTERM, SIGHUP. Returns the unsubscribe function. */
  readonly onSignal: (listener: () => void) => () => void;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
  /** Asks on the terminal; null where there is none. */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
}
