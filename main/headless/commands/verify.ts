import type { Command } from 'commander';
import { z } from 'zod';
import type { FolderView, VerifyReport } from '../../../shared/syncApi.ts';
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
      'Compares every file with the ledger and its object in the bucket: sizes and checksums. Changes nothing.\nExit code 0: all agree; 1: problems, each listed.',
    )
    .argument('<folder|id>', 'path, s3:// address or id of a synced folder (sluice folder list)')
    .option('--deep', 'reread the local bytes and compare their checksums')
    .option('--json', 'NDJSON: a problem a line, then verify with the figures');
  addDataDirFlag(command).addHelpText('after', '\nExample:\n  sluice verify ~/Photos --deep');
  command.action(async (name: string, raw: unknown) => {
    done(await runVerify(host, name, raw));
  });
}

const VerifyFlags = z.object({
  deep: z.boolean().default(false),
  json: z.boolean().default(false),
  dataDir: z.string().optional(),
});

async function runVerify(host: CommandHost, name: string, raw: unknown): Promise<number> {
  const flags = parseFlags(VerifyFlags, raw);
  const where = { dataDir: dataDirOf(host, flags.dataDir), holder: 'sluice verify' };
  const { folder, report } = await withApi(host, where, async (api) => {
    const found = findFolder((await api.snapshot({})).folders, name, host.cwd);
    return { folder: found, report: await api.verifyFolder({ folderId: found.id, deep: flags.deep }) };
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

function verifySentence(folder: FolderView, report: VerifyReport): string {
  const checked = `${formatCount(report.filesChecked)} ${report.filesChecked === 1 ? 'file' : 'files'}, ${formatBytes(report.bytesChecked)}`;
  const reread = report.deep ? `, ${formatBytes(report.bytesReread)} read again` : '';
  const took = `(${checked}${reread}, ${formatDuration(report.durationMs)})`;
  if (report.ok && report.filesChecked === 0) return `Nothing to compare: ${folder.path} has no files`;
  if (report.ok) return `Disk, ledger and ${folder.uri} agree ${took}`;
  const count = report.problems.length;
  return `${formatCount(count)} ${count === 1 ? 'problem' : 'problems'} between disk, ledger and ${folder.uri} ${took}`;
}
