import type { Command } from 'commander';
import { z } from 'zod';
import type { StoreConnection } from '../../../shared/settings.ts';
import type { ConnectionInput, FolderView, SyncApi } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount } from '../../../shared/units.ts';
import { dataDirOf } from '../dataDir.ts';
import { addFolderFlags, parseFolderFlags } from '../flags/folderFlags.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { addDataDirFlag, addStoreFlags, checkCaBundle } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { checkLocalFolder } from '../localFolder.ts';
import { say, sayJson } from '../say.ts';
import { findFolder, withApi } from '../withApi.ts';
import { addDeletesCommand } from './folderDeletes.ts';
import { addReconcileCommand } from './folderReconcile.ts';
import { addFolderWhy } from './folderWhy.ts';

type Done = (code: number) => void;

export function addFolderCommand(program: Command, host: CommandHost, done: Done): void {
  const folder = program
    .command('folder')
    .summary('add, list, remove, pause and resume the folders kept in S3, decide their deletes')
    .description(
      'Folder pairs of the data directory: what `sluice daemon` and the app keep in S3. Works through the daemon while it runs.',
    );
  addAdd(folder, host, done);
  addList(folder, host, done);
  for (const action of actions) addAction(folder, host, done, action);
  addDeletesCommand(folder, host, done);
  addReconcileCommand(folder, host, done);
  addFolderWhy(folder, host, done);
}

const Common = z.object({ dataDir: z.string().optional(), json: z.boolean().default(false) });

function addAdd(folder: Command, host: CommandHost, done: Done): void {
  const command = folder
    .command('add')
    .description('Keeps a folder in S3 from now on; a running daemon starts at once.')
    .argument('<folder>', 'local folder')
    .argument('<s3-uri>', 's3://bucket or s3://bucket/prefix')
    .option('--json', 'one JSON line: the folder');
  addDataDirFlag(command);
  addFolderFlags(command);
  addStoreFlags(command).addHelpText(
    'after',
    '\nExample:\n  sluice folder add ~/Photos s3://my-bucket/photos --exclude "*.tmp"',
  );
  command.action(async (path: string, uri: string, raw: unknown) => {
    const flags = parseFlags(Common, raw);
    const absolute = await checkLocalFolder(path, host.cwd);
    const parsed = parseFolderFlags(raw, host, { path: absolute, uri, kind: 'kept' });
    await checkCaBundle(parsed.connection);
    const input = { ...parsed, connection: asTyped(parsed.connection) };
    const added = await withApi(
      host,
      { dataDir: dataDirOf(host, flags.dataDir), holder: 'sluice folder' },
      async (api) => {
        const { folderId } = await api.addFolder(input);
        return (await foldersOf(api)).find((view) => view.id === folderId);
      },
    );
    if (added && flags.json) sayJson(host, { type: 'folder', ...added });
    else if (added) say(host.stdout, `Added ${added.id}: ${added.path} → ${added.uri}`);
    done(0);
  });
}

/** The command line takes no keys: they come from the standard chain. */
function asTyped(connection: StoreConnection): ConnectionInput {
  const profile = connection.credentials.kind === 'chain' ? connection.credentials.profile : null;
  return { ...connection, credentials: { kind: 'chain', profile } };
}

function addList(folder: Command, host: CommandHost, done: Done): void {
  const command = folder
    .command('list')
    .description('Lists the folder pairs.')
    .option('--json', 'one JSON line a folder');
  addDataDirFlag(command);
  command.action(async (raw: unknown) => {
    const flags = parseFlags(Common, raw);
    const views = await withApi(host, { dataDir: dataDirOf(host, flags.dataDir), holder: 'sluice folder' }, foldersOf);
    if (flags.json) for (const view of views) sayJson(host, { type: 'folder', ...view });
    else if (views.length === 0) say(host.stdout, 'No folder is kept in S3 yet: sluice folder add <folder> <s3-uri>');
    else for (const view of views) say(host.stdout, folderLine(view));
    done(0);
  });
}

/** `3  /home/a/Photos → s3://b/p/  Safe · 12 files, 3.2 MiB` */
export function folderLine(view: FolderView): string {
  const atLeast = view.totalsAtLeast ? 'at least ' : '';
  const total = `${atLeast}${formatCount(view.filesTotal)} ${view.filesTotal === 1 ? 'file' : 'files'}, ${formatBytes(view.bytesTotal)}`;
  const kind = view.kind === 'manual' ? ' · only with sluice sync' : '';
  return `${view.id}  ${view.path} → ${view.uri}  ${view.phaseText} · ${total}${kind}`;
}

interface FolderAction {
  readonly name: string;
  readonly description: string;
  readonly done: string;
  readonly run: (api: SyncApi, view: FolderView) => Promise<unknown>;
}

const actions: readonly FolderAction[] = [
  {
    name: 'remove',
    description: 'Forgets the pair. Files and objects stay as they are.',
    done: 'Removed',
    run: (api, { id }) => api.removeFolder({ folderId: id }),
  },
  {
    name: 'pause',
    description: 'Uploads nothing of this folder until it is resumed.',
    done: 'Paused',
    run: (api, { id }) => api.pauseFolder({ folderId: id }),
  },
  {
    name: 'resume',
    description: 'Goes on with a paused folder.',
    done: 'Resumed',
    run: (api, { id }) => api.resumeFolder({ folderId: id }),
  },
];

function addAction(folder: Command, host: CommandHost, done: Done, action: FolderAction): void {
  const command = folder
    .command(action.name)
    .description(action.description)
    .argument('<folder|id>', 'path, s3:// address or id (sluice folder list)')
    .option('--json', 'one JSON line');
  addDataDirFlag(command);
  command.action(async (name: string, raw: unknown) => {
    const flags = parseFlags(Common, raw);
    const view = await withApi(
      host,
      { dataDir: dataDirOf(host, flags.dataDir), holder: 'sluice folder' },
      async (api) => {
        const found = findFolder(await foldersOf(api), name, host.cwd);
        await action.run(api, found);
        return found;
      },
    );
    if (flags.json)
      sayJson(host, { type: 'folder', action: action.name, id: view.id, path: view.path, uri: view.uri } as {
        type: string;
      });
    else say(host.stdout, `${action.done} ${view.id}: ${view.path} → ${view.uri}`);
    done(0);
  });
}

const foldersOf = async (api: SyncApi): Promise<readonly FolderView[]> => (await api.snapshot({})).folders;
