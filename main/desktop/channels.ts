/** The IPC channels between preload and main process. */
export const channels = {
  /** A ClientMessage from the page. */
  toEngine: 'sluice:to-engine',
  /** A ServerMessage or BridgeNotice for the page. */
  fromEngine: 'sluice:from-engine',
  /** Invoked: the folder dialog. */
  pickFolder: 'sluice:pick-folder',
  openPath: 'sluice:open-path',
} as const;
