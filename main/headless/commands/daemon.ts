import type { Command } from 'commander';
import { z } from 'zod';
import { dataDirOf } from '../dataDir.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { countFlag } from '../flags/quantities.ts';
import { addDataDirFlag } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';

const defaultPort = 8484;

export function addDaemonCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const command = program
    .command('daemon')
    .summary('keep all folders in S3, with a web page on this machine')
    .description(
      'Watches and uploads the folders added with `sluice folder add`, until SIGINT or SIGTERM.\nThe page is on 127.0.0.1 only; the printed address carries its token. GET /healthz answers the one honest sentence, GET /metrics what Prometheus scrapes (token: the file metrics-token of the data directory).',
    )
    .option('--port <n>', 'port of the page; 0: any free one', String(defaultPort));
  addDataDirFlag(command).addHelpText(
    'after',
    '\nLogs go to stderr as NDJSON.\n\nExamples:\n  sluice daemon\n  sluice daemon --port 0 --data-dir /var/lib/sluice',
  );
  command.action(async (raw: unknown) => {
    const { port, dataDir } = parseFlags(DaemonFlags, raw);
    const { runDaemon } = await import('../daemon/runDaemon.ts');
    await runDaemon(host, { port, dataDir: dataDirOf(host, dataDir) });
    done(0);
  });
}

const DaemonFlags = z.object({ port: countFlag(0, 65_535), dataDir: z.string().optional() });
