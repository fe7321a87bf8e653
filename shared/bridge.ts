/*
 * What Electron's preload puts on `window.sluiceBridge`. Structured-clone values only: nothing else crosses the context
 * bridge. Without it the page talks to the daemon it was loaded from.
 */

export interface SluiceBridge {
  /** Hands one ClientMessage (shared/wire.ts) to the engine. */
  send(message: unknown): void;
  /** ServerMessages and BridgeNotices, in order. Returns the function that stops listening. */
  onMessage(listener: (message: unknown) => void): () => void;
  /** The system's own folder dialog; null: cancelled. */
  pickFolder(): Promise<string | null>;
  /** Shows a local folder in the system's file manager. */
  openPath?(path: string): void;
  /** `process.platform` of the host. */
  platform: string;
}

/**
 * The link between window and engine, told by the main process. After `down` no answer to an earlier call may come any
 * more; the page asks again by itself, and at once when it hears `up`.
 */
export interface BridgeNotice {
  readonly type: 'link';
  readonly state: 'up' | 'down';
}

export function isBridgeNotice(message: unknown): message is BridgeNotice {
  return typeof message === 'object' && message !== null && (message as { type?: unknown }).type === 'link';
}
