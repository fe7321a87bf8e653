import type { Command } from 'commander';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import { DeletePolicy } from '../../../shared/settings.ts';
import type { FolderView, PendingDeletes, SyncApi } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount, formatDuration } from '../../../shared/units.ts';
import { dataDirOf } from '../dataDir.ts';
import { deleteLimitFlag } from '../flags/folderFlags.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { choiceFlag, countFlag } from '../flags/quantities.ts';
import { addDataDirFlag } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { printable } from '../printable.ts';
import { say, sayJson } from '../say.ts';
import { findFolder, withApi } from '../withApi.ts';

const Flags = z.object({
  dataDir: z.string().optional(),
  json: z.boolean().default(false),
  approve: z.boolean().default(false),
  keep: z.boolean().default(false),
  policy: choiceFlag('never', 'mirror').optional(),
  maxDelete: deleteLimitFlag.optional(),
  holdHours: countFlag(0, 8_760).optional(),
});
type Flags = z.infer<typeof Flags>;

/** What would be deleted of a kept folder, and the user's word on it. */
export function addDeletesCommand(folder: Command, host: CommandHost, done: (code: number) => void): void {
  const command = folder
    .command('deletes')
    .description(
      'Lists the objects whose files are gone, and when they are deleted. With --policy mirror the daemon and the app delete them after a time; a guard holds them when they are many.',
    )
    .argument('<folder|id>', 'path, s3:// address or id (sluice folder list)')
    .option('--approve', 'delete all that are listed, with the next look at the folder')
    .option('--keep', 'keep all that are listed in the bucket, for good')
    .option('--policy <policy>', 'never, or mirror')
    .option('--max-delete <n|p%>', 'with --policy mirror: hold all when there are more (default: 10%)')
    .option('--hold-hours <hours>', 'with --policy mirror: wait this long before a delete (default: 24)')
    .option('--json', 'one JSON line');
  addDataDirFlag(command);
  command.action(async (name: string, raw: unknown) => {
    const flags = parseFlags(Flags, raw);
    if (flags.approve && flags.keep) throw new SluiceError('usage', '--approve and --keep exclude each other');
    const { view, pending, decided } = await withApi(
      host,
      { dataDir: dataDirOf(host, flags.dataDir), holder: 'sluice folder' },
      async (api) => decide(api, findFolder((await api.snapshot({})).folders, name, host.cwd), flags),
    );
    const line = { type: 'deletes', id: view.id, path: view.path, decided, ...pending };
    if (flags.json) sayJson(host, line);
    else for (const text of linesOf(pending, flags, decided)) say(host.stdout, text);
    done(0);
  });
}

async function decide(api: SyncApi, view: FolderView, flags: Flags) {
  const folderId = view.id;
  if (flags.policy !== undefined) {
    const hold = flags.holdHours === undefined ? {} : { holdMs: flags.holdHours * 3_600_000 };
    const deletes = DeletePolicy.parse({ kind: flags.policy, limit: flags.maxDelete, ...hold });
    await api.setDeletePolicy({ folderId, deletes });
  } else if (flags.maxDelete !== undefined || flags.holdHours !== undefined)
    throw new SluiceError('usage', '--max-delete and --hold-hours belong to --policy mirror');
  const pending = await api.pendingDeletes({ folderId });
  const { asOf } = pending;
  if (flags.approve) return { view, pending, decided: (await api.approveDeletes({ folderId, asOf })).files };
  if (flags.keep) return { view, pending, decided: (await api.keepDeletes({ folderId, asOf })).files };
  return { view, pending, decided: null };
}

function linesOf(pending: PendingDeletes, flags: Flags, decided: number | null): string[] {
  const { policy, held, heldBytes, approved, kept, rows, asOf } = pending;
  const lines = [
    policy.kind === 'never'
      ? 'Deletes: never'
      : `Deletes: mirror, after ${formatDuration(policy.holdMs)}, held when more than ${policy.limit.kind === 'count' ? formatCount(policy.limit.count) : `${policy.limit.percent} %`}`,
    versioningText[pending.versioning],
    `${formatCount(held)} held (${formatBytes(heldBytes)}), ${formatCount(approved)} approved, ${formatCount(kept)} kept`,
  ];
  for (const row of rows) {
    const when =
      row.decision === 'approved'
        ? 'approved'
        : row.dueAt === null
          ? 'waits for you'
          : row.dueAt <= asOf
            ? 'due'
            : `in ${formatDuration(row.dueAt - asOf)}`;
    lines.push(`  ${when}  ${printable(row.path)}  ${formatBytes(row.bytes)}`);
  }
  if (decided !== null) lines.push(`${flags.approve ? 'Approved' : 'Kept'}: ${formatCount(decided)}`);
  else if (pending.needsApproval)
    lines.push('More than the guard lets through: decide with --approve or --keep. Until then nothing is deleted.');
  return lines;
}

const versioningText: Readonly<Record<PendingDeletes['versioning'], string>> = {
  enabled: 'The bucket keeps versions: a deleted object can be brought back.',
  suspended: "The bucket's versioning is suspended: a deleted object may be lost.",
  off: 'The bucket keeps no versions: a deleted object is lost.',
  unknown: 'The store does not say whether the bucket keeps versions.',
};
