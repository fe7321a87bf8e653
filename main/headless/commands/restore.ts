import { resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { errorView, exitCodeFor, SluiceError } from '../../../shared/errors.ts';
import type { StoreConnection } from '../../../shared/settings.ts';
import { machinePolicy } from '../../engine/policyFile.ts';
import { systemClock } from '../../engine/ports.ts';
import type { RestoreFigures } from '../../engine/restore/restoreFolder.ts';
import { createDataStore } from '../../engine/store/createDataStore.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { countFlag } from '../flags/quantities.ts';
import { addStoreFlags, checkCaBundle, parseStoreFlags } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { interruption } from '../interruption.ts';
import { openRestoreReport, type RestoreReport } from '../report/restoreReport.ts';
import { formatS3Uri, parseS3Uri, type S3Location } from '../s3Uri.ts';
import { sayError } from '../say.ts';

export function addRestoreCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const command = program
    .command('restore')
    .summary('download objects back into a folder, checksum-verified')
    .description(
      'Downloads the objects below an address into a folder, proves each against the checksum that the store keeps, and gives it its old time. A file that differs from its object is never replaced without --overwrite; one that is the same is skipped.\nInterrupted, it goes on where it stopped when it is run again.',
    )
    .argument('<s3-uri>', 's3://bucket or s3://bucket/prefix')
    .argument('<folder>', 'where to; made if it is not there')
    .optionsGroup('Files:')
    .option('--include <glob>', 'restore only what matches, gitignore syntax (repeatable)', collect)
    .option('--exclude <glob>', 'leave out what matches, gitignore syntax (repeatable)', collect)
    .option('--overwrite', 'replace files that differ from their object')
    .optionsGroup('Run:')
    .option('--dry-run', 'list what would be done; download and change nothing')
    .option('--max-connections <n>', 'downloads at a time, 1 to 250 (default: 32)')
    .option('--json', 'NDJSON on stdout: a file line each and, last, summary')
    .option('--no-progress', 'no progress, only what is lasting');
  addStoreFlags(command).addHelpText('after', examples);
  command.action(async (uri: string, folder: string, raw: unknown) => {
    done(await runRestore(host, uri, folder, raw));
  });
}

const examples = `
Exit codes: 0 everything is there; 1 some files failed or were in the way (each named); 2 usage or configuration; 3 the store can't be
reached or refused; 130 interrupted (the next run goes on).

Examples:
  sluice restore s3://my-bucket/photos ~/Photos-again
  sluice restore s3://my-bucket/photos . --include '*.raw' --dry-run`;

const RestoreFlags = z.object({
  include: z.array(z.string().min(1, 'the pattern is empty')).default([]),
  exclude: z.array(z.string().min(1, 'the pattern is empty')).default([]),
  overwrite: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  maxConnections: countFlag(1, 250).default(32),
  json: z.boolean().default(false),
  progress: z.boolean().default(true),
});
type RestoreFlags = z.infer<typeof RestoreFlags>;

const stallTimeoutMs = 60_000;

async function runRestore(host: CommandHost, uri: string, folder: string, raw: unknown): Promise<number> {
  const flags = parseFlags(RestoreFlags, raw);
  const location = parseS3Uri(uri);
  if (folder === '') throw new SluiceError('usage', 'The name of the folder is empty');
  const connection = parseStoreFlags(raw, host);
  await checkCaBundle(connection);
  const path = resolve(host.cwd, folder);
  const report = await openRestoreReport(host, { ...flags, source: formatS3Uri(location), target: path });
  const interrupt = interruption(host, () => new SluiceError('interrupted', 'Interrupted'));
  try {
    const figures = await restore(host, { flags, location, connection, path, report, signal: interrupt.signal });
    const exitCode = figures.filesFailed > 0 ? 1 : 0;
    report.end(exitCode);
    return exitCode;
  } catch (thrown) {
    const error = errorView(thrown);
    const exitCode = exitCodeFor(error.code);
    report.end(exitCode, error);
    if (error.code !== 'interrupted') sayError(host, thrown, error);
    return exitCode;
  } finally {
    interrupt.dispose();
  }
}

interface RestoreRequest {
  readonly flags: RestoreFlags;
  readonly location: S3Location;
  readonly connection: StoreConnection;
  readonly path: string;
  readonly report: RestoreReport;
  readonly signal: AbortSignal;
}

async function restore(host: CommandHost, request: RestoreRequest): Promise<RestoreFigures> {
  const { flags, location, connection, path, report, signal } = request;
  const [{ createStore }, { chainCredentials }, { restoreFolder }] = await Promise.all([
    import('../../engine/store/createStore.ts'),
    import('../../engine/store/credentials.ts'),
    import('../../engine/restore/restoreFolder.ts'),
  ]);
  const storeOptions = {
    target: { connection, bucket: location.bucket, policy: machinePolicy() },
    credentials: chainCredentials(connection),
    maxSockets: flags.maxConnections + 8,
    stallTimeoutMs,
    onRequest: report.request,
  };
  const control = createStore(storeOptions);
  const data = createDataStore(storeOptions);
  try {
    await control.headBucket();
    return await restoreFolder({
      store: data,
      objects: control.listObjects(location.prefix),
      prefix: location.prefix,
      folder: path,
      rules: { include: flags.include, exclude: flags.exclude },
      overwrite: flags.overwrite,
      dryRun: flags.dryRun,
      connections: flags.maxConnections,
      clock: { ...systemClock, now: host.now },
      random: Math.random,
      signal,
      onFile: report.file,
      onStarted: report.started,
    });
  } finally {
    control.close();
    data.close();
  }
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
