import type { Command } from 'commander';
import { z } from 'zod';
import type { FolderView, SyncApi, VerifyProgress, VerifyReport } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount, formatDuration } from '../../../shared/units.ts';
import { dataDirOf } from '../dataDir.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { addDataDirFlag } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { say, sayJson } from '../say.ts';
import { findFolder, withApi } from '../withApi.ts';

export function addVerifyCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const command = program
    .command('verify')
    .summary('compare disk, ledger and bucket; changes nothing')
    .description(
      'Compares every file with the ledger and its object in the bucket: sizes and checksums. Changes nothing. Interrupted, it goes on where it stopped when it is run again within an hour.\nExit code 0: all agree; 1: problems, each listed.',
    )
    .argument('<folder|id>', 'path, s3:// address or id of a synced folder (sluice folder list)')
    .option('--deep', 'reread the local bytes and compare their checksums')
    .option('--fresh', 'compare everything anew, whatever a run that was interrupted within the hour had compared')
    .option('--no-progress', 'no progress on a terminal')
    .option('--json', 'NDJSON: a problem a line, then verify with the figures');
  addDataDirFlag(command).addHelpText('after', '\nExample:\n  sluice verify ~/Photos --deep');
  command.action(async (name: string, raw: unknown) => {
    done(await runVerify(host, name, raw));
  });
}

const VerifyFlags = z.object({
  deep: z.boolean().default(false),
  fresh: z.boolean().default(false),
  progress: z.boolean().default(true),
  json: z.boolean().default(false),
  dataDir: z.string().optional(),
});

async function runVerify(host: CommandHost, name: string, raw: unknown): Promise<number> {
  const flags = parseFlags(VerifyFlags, raw);
  const where = { dataDir: dataDirOf(host, flags.dataDir), holder: 'sluice verify' };
  const { folder, report } = await withApi(host, where, async (api) => {
    const found = findFolder((await api.snapshot({})).folders, name, host.cwd);
    const { deep, fresh } = flags;
    const stop = flags.progress && !flags.json ? await showProgress(host, api, found) : () => undefined;
    try {
      return { folder: found, report: await api.verifyFolder({ folderId: found.id, deep, fresh }) };
    } finally {
      stop();
    }
  });
  const exitCode = report.ok ? 0 : 1;
  if (flags.json) {
    for (const problem of report.problems) sayJson(host, { type: 'problem', ...problem });
    const { problems, ...figures } = report;
    sayJson(host, { type: 'verify', ...{ ...figures, problems: problems.length, exitCode } });
    return exitCode;
  }
  for (const { path, key, detail } of report.problems) say(host.stdout, `${path || key}: ${detail}`);
  say(host.stdout, verifySentence(folder, report));
  return exitCode;
}

const drawEveryMs = 500;

/** A line that is drawn over and over, on a terminal only. Returns what ends it. */
async function showProgress(host: CommandHost, api: SyncApi, folder: FolderView): Promise<() => void> {
  if (host.stderr.isTTY !== true || host.env.TERM === 'dumb') return () => undefined;
  const live = await (await import('../report/liveArea.ts')).openLiveArea(host.stderr);
  let open = true;
  const draw = async (): Promise<void> => {
    const now = await api.verifyProgress({ folderId: folder.id });
    if (now !== null && open) live.draw([progressText(now, folder)]);
  };
  // Where it can't be had there is nothing to draw: what is wrong is the verification's own to say.
  const timer = setInterval(() => void draw().catch(() => undefined), drawEveryMs);
  return () => {
    open = false;
    clearInterval(timer);
    live.close();
  };
}

function progressText(
  { filesChecked, bytesChecked, bytesReread, problems }: VerifyProgress,
  folder: FolderView,
): string {
  const reread = bytesReread > 0 ? ` · ${formatBytes(bytesReread)} read again` : '';
  const found = problems > 0 ? ` · ${formatCount(problems)} ${problems === 1 ? 'problem' : 'problems'}` : '';
  return `${formatCount(filesChecked)} of ${formatCount(folder.filesTotal)} files · ${formatBytes(bytesChecked)}${reread}${found}`;
}

function verifySentence(folder: FolderView, report: VerifyReport): string {
  const checked = `${formatCount(report.filesChecked)} ${report.filesChecked === 1 ? 'file' : 'files'}, ${formatBytes(report.bytesChecked)}`;
  const reread = report.deep ? `, ${formatBytes(report.bytesReread)} read again` : '';
  const before = report.filesFromBefore
    ? `, ${formatCount(report.filesFromBefore)} of them by the run that was interrupted`
    : '';
  const took = `(${checked}${before}${reread}, ${formatDuration(report.durationMs)})`;
  if (report.ok && report.filesChecked === 0) return `Nothing to compare: ${folder.path} has no files`;
  if (report.ok) return `Disk, ledger and ${folder.uri} agree ${took}`;
  const count = report.problems.length;
  return `${formatCount(count)} ${count === 1 ? 'problem' : 'problems'} between disk, ledger and ${folder.uri} ${took}`;
}
