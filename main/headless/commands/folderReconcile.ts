import type { Command } from 'commander';
import { z } from 'zod';
import { formatBytes, formatCount, formatDuration } from '../../../shared/units.ts';
import { dataDirOf } from '../dataDir.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { addDataDirFlag } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { printable } from '../printable.ts';
import { say, sayJson } from '../say.ts';
import { findFolder, withApi } from '../withApi.ts';

const Flags = z.object({ dataDir: z.string().optional(), json: z.boolean().default(false) });

export function addReconcileCommand(folder: Command, host: CommandHost, done: (code: number) => void): void {
  const command = folder
    .command('reconcile')
    .description(
      "Holds the bucket's listing against what was uploaded: what is missing is queued again, what others changed becomes an issue. Writes nothing into the bucket. The daemon and the app do it once a week.",
    )
    .argument('<folder|id>', 'path, s3:// address or id (sluice folder list)')
    .option('--json', 'one JSON line');
  addDataDirFlag(command);
  command.action(async (name: string, raw: unknown) => {
    const flags = parseFlags(Flags, raw);
    const { view, report } = await withApi(
      host,
      { dataDir: dataDirOf(host, flags.dataDir), holder: 'sluice folder' },
      async (api) => {
        const found = findFolder((await api.snapshot({})).folders, name, host.cwd);
        return { view: found, report: await api.reconcileFolder({ folderId: found.id }) };
      },
    );
    const line = { type: 'reconcile', id: view.id, path: view.path, ...report };
    if (flags.json) sayJson(host, line);
    else {
      for (const { path, problem, detail } of report.problems)
        say(host.stdout, `${problem}  ${printable(path)}: ${printable(detail)}`);
      const others =
        report.otherObjects === 0
          ? ''
          : `, ${formatCount(report.otherObjects)} other objects (${formatBytes(report.otherBytes)})`;
      say(
        host.stdout,
        `${formatCount(report.filesChecked)} files held against the bucket: ${formatCount(report.missing)} missing, ${formatCount(report.changed)} changed by others${others}; ${formatCount(report.requests)} requests, ${formatDuration(report.durationMs)}`,
      );
      if (!report.complete) say(host.stdout, 'The budget of requests ended before the listing did.');
    }
    done(report.missing + report.changed > 0 || !report.complete ? 1 : 0);
  });
}
