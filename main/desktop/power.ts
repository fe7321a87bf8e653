import { powerMonitor } from 'electron';
import { errorView } from '../../shared/errors.ts';
import type { SyncApi } from '../../shared/syncApi.ts';

/** Networks and mounts come back a little after the machine does. */
const settleMs = 5_000;

export interface PowerOptions {
  readonly api: SyncApi;
  readonly quit: () => void;
  readonly report: (line: string) => void;
}

/** After sleep, what changed in the meantime is looked for: watchers miss it. At shutdown the system waits for our checkpoint. */
export function followPower({ api, quit, report }: PowerOptions): void {
  let timer: NodeJS.Timeout | undefined;
  powerMonitor.on('resume', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      rescan(api).catch((error: unknown) => report(`After sleep: ${errorView(error).message}`));
    }, settleMs);
  });
  powerMonitor.on('suspend', () => clearTimeout(timer));
  // Linux and macOS; Windows ends the session through the window's own events
  powerMonitor.on('shutdown', (event?: { preventDefault(): void }) => {
    event?.preventDefault();
    quit();
  });
}

async function rescan(api: SyncApi): Promise<void> {
  const { folders } = await api.snapshot({});
  await Promise.all(
    folders.filter((folder) => !folder.paused).map((folder) => api.rescanFolder({ folderId: folder.id })),
  );
}
