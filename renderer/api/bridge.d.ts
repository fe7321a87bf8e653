import type { SluiceBridge } from '../../shared/bridge.ts';

declare global {
  interface Window {
    /** Only in Electron: put there by the preload. */
    readonly sluiceBridge?: SluiceBridge;
  }
}
