import type { Carrier, ClientMessage } from '../../shared/wire.ts';

/** One attempt to reach the engine. `onClose` is also called when it never opened. */
export interface EngineLink extends Carrier<unknown, ClientMessage> {
  close(): void;
}

export interface EngineRoute {
  open(): EngineLink;
  /** Whether the engine refused us, rather than being away; asked after a link was lost. */
  refused(): Promise<boolean>;
  /** Tells when trying again at once makes sense. */
  onReachable(listener: () => void): void;
}
