import { resolve } from 'node:path';
import { SluiceError } from '../../shared/errors.ts';
import type { FolderView, SyncApi } from '../../shared/syncApi.ts';
import { connectDaemon } from './daemon/connectDaemon.ts';
import { fileSecrets } from './fileSecrets.ts';
import type { CommandHost } from './host.ts';
import { interruption } from './interruption.ts';

/**
 * `use` with the daemon of the data directory when it runs, with an engine of our own otherwise. Throws `ledger-locked` when something
 * else than a daemon holds it, `interrupted` on a signal.
 */
export async function withApi<T>(
  host: CommandHost,
  where: { readonly dataDir: string; readonly holder: string },
  use: (api: SyncApi) => Promise<T>,
): Promise<T> {
  const interrupt = interruption(host, () => new SluiceError('interrupted', 'Interrupted'));
  try {
    const daemon = await interrupt.race(connectDaemon(where.dataDir));
    if (daemon) {
      try {
        return await interrupt.race(use(daemon.api));
      } finally {
        daemon.close();
      }
    }
    const engine = await host.createEngine({
      dataDir: where.dataDir,
      host: 'command',
      holder: where.holder,
      version: host.version,
      secrets: fileSecrets(where.dataDir),
    });
    try {
      return await interrupt.race(use(engine.api));
    } finally {
      await engine.stop();
    }
  } finally {
    interrupt.dispose();
  }
}

/** The pair named by its id, its path or its s3:// address. Throws `not-found`, or `usage` when the name fits several. */
export function findFolder(folders: readonly FolderView[], name: string, cwd: string): FolderView {
  const byId = /^\d+$/.test(name) ? folders.find((folder) => folder.id === Number(name)) : undefined;
  if (byId) return byId;
  const uri = name.startsWith('s3://') ? name.replace(/\/*$/, '/') : null;
  const path = resolve(cwd, name);
  const found = folders.filter((folder) =>
    uri === null ? folder.path === path : `${folder.uri}/`.replace(/\/+$/, '/') === uri,
  );
  const [first, second] = found;
  if (!first) throw new SluiceError('not-found', `No folder pair is called '${name}'`);
  if (second) {
    throw new SluiceError('usage', `'${name}' is synced to ${found.length} places`, {
      remedy: `Name one by its id: ${found.map((folder) => `${folder.id} (${folder.uri})`).join(', ')}.`,
    });
  }
  return first;
}
