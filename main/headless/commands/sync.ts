import type { Command } from 'commander';
import { z } from 'zod';
import { type ErrorView, errorView, exitCodeFor, SluiceError } from '../../../shared/errors.ts';
import type { SyncSummary } from '../../../shared/events.ts';
import type { FolderId } from '../../../shared/ids.ts';
import type { AccelerationSettings, EngineSettings, FolderInput } from '../../../shared/settings.ts';
import type { SyncEngine } from '../../engine/engine.ts';
import { folderRules } from '../../engine/folderRules.ts';
import { resolveEndpoint } from '../../engine/store/endpoint.ts';
import { beginScan } from '../../engine/watch/scanFolder.ts';
import type { BegunScan } from '../../engine/watch/watch.ts';
import { dataDirOf } from '../dataDir.ts';
import { engineFailure } from '../engineFailure.ts';
import { fileSecrets } from '../fileSecrets.ts';
import { addEngineFlags, parseAccelerateFlag, parseEngineFlags } from '../flags/engineFlags.ts';
import { addFolderFlags, mirrorWhileWatching, parseFolderFlags } from '../flags/folderFlags.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { addDataDirFlag, addStoreFlags, checkCaBundle } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { type Interruption, interruption } from '../interruption.ts';
import { checkLocalFolder } from '../localFolder.ts';
import { jsonReport } from '../report/jsonReport.ts';
import { emptySummary, type FolderCounts, type SyncReport } from '../report/syncReport.ts';
import { formatS3Uri } from '../s3Uri.ts';
import { errorSentence, sayError } from '../say.ts';
import { withBucket } from '../withBucket.ts';

export function addSyncCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const command = program
    .command('sync')
    .summary('upload what is new or changed in a folder')
    .description(
      'One pass: scans the folder, uploads what is new or changed, verifies it, and exits.\nWhat the bucket already has is known from the ledger and costs no request.',
    )
    .argument('<folder>', 'local folder')
    .argument('<s3-uri>', 's3://bucket or s3://bucket/prefix')
    .optionsGroup('Run:')
    .option('--watch', 'stay and keep syncing')
    .option('--dry-run', 'list what would be done and why; send and change nothing')
    .option('--json', 'NDJSON on stdout: scan, file, progress and, last, summary')
    .option('--no-progress', 'no progress, only what is lasting');
  addDataDirFlag(command);
  addFolderFlags(command);
  addEngineFlags(command);
  addStoreFlags(command).addHelpText('after', examples);
  command.action(async (folder: string, uri: string, raw: unknown) => {
    done(await runSync(host, folder, uri, raw));
  });
}

const examples = `
Exit codes: 0 all verified in the bucket; 1 some files failed; 2 usage or configuration; 3 the store can't be reached or
refused; 4 a safety guard stopped the run; 130 interrupted (the next run resumes).

Examples:
  sluice sync ~/Photos s3://my-bucket/photos
  sluice sync ~/Photos s3://my-bucket/photos --watch --max-bandwidth 20MiB/s
  sluice sync . s3://backup --exclude node_modules/ --dry-run
  sluice sync /srv/data s3://data --endpoint-url https://s3.example.com --json`;

const SyncFlags = z.object({
  watch: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  json: z.boolean().default(false),
  progress: z.boolean().default(true),
  dataDir: z.string().optional(),
});
type SyncFlags = z.infer<typeof SyncFlags>;

interface SyncRequest {
  readonly flags: SyncFlags;
  readonly folder: FolderInput;
  readonly settings: Partial<EngineSettings>;
  readonly accelerate: AccelerationSettings['mode'] | undefined;
}

/** The exit code. Every error ends as a sentence on stderr and, with `--json`, as the last lines of stdout. */
async function runSync(host: CommandHost, path: string, uri: string, raw: unknown): Promise<number> {
  const json = (raw as { json?: unknown }).json === true;
  const figuresFile = host.env.SLUICE_BENCH_FIGURES;
  const figures = figuresFile ? (await import('../benchFigures.ts')).benchFigures(figuresFile) : undefined;
  try {
    const request = await parseRequest(host, path, uri, raw);
    return await syncFolder(host, request);
  } catch (thrown) {
    const error = errorView(thrown);
    const exitCode = exitCodeFor(error.code);
    sayError(host, thrown, error);
    if (json) jsonReport(host, { progress: false }).end({ summary: emptySummary(exitCode), error, counts: null });
    return exitCode;
  } finally {
    figures?.write();
  }
}

async function parseRequest(host: CommandHost, path: string, uri: string, raw: unknown): Promise<SyncRequest> {
  const flags = parseFlags(SyncFlags, raw);
  if (flags.watch && flags.dryRun) throw new SluiceError('usage', '--dry-run and --watch exclude each other');
  const settings = parseEngineFlags(raw);
  const absolute = await checkLocalFolder(path, host.cwd);
  const folder = parseFolderFlags(raw, host, { path: absolute, uri, kind: 'manual' });
  if (flags.watch && folder.deletes.kind === 'mirror') throw mirrorWhileWatching();
  await checkCaBundle(folder.connection);
  return { flags, settings, accelerate: parseAccelerateFlag(raw), folder };
}

async function syncFolder(host: CommandHost, { flags, folder, settings, accelerate }: SyncRequest): Promise<number> {
  const report = await openReport(host, flags, folder);
  const interrupt = interruption(
    host,
    () => new SluiceError('interrupted', 'Interrupted'),
    () => report.note('Stopping: what is in flight is finished or recorded; once more ends at once'),
  );
  const dataDir = dataDirOf(host, flags.dataDir);
  const begun = flags.watch || flags.dryRun ? undefined : readAhead(folder, dataDir, interrupt.signal);
  let engine: SyncEngine | undefined;
  try {
    report.started();
    const endpoint = resolveEndpoint(folder.connection);
    if (!endpoint.tls && !endpoint.loopback) {
      report.note(`Nothing is encrypted on the way to ${endpoint.name}: use https where the store has it`);
    }
    engine = await host.createEngine({
      dataDir,
      host: 'command',
      holder: 'sluice sync',
      version: host.version,
      secrets: fileSecrets(dataDir),
      settings,
      accelerate,
    });
    return await runEngine(host, engine, { flags, folder, report, interrupt, begun, dataDir });
  } finally {
    begun?.stop();
    interrupt.dispose();
    await engine?.stop();
  }
}

interface Run {
  readonly flags: SyncFlags;
  readonly folder: FolderInput;
  readonly report: SyncReport;
  readonly interrupt: Interruption;
  readonly begun: BegunScan | undefined;
  readonly dataDir: string;
}

const dryForecast = async (...given: Parameters<typeof import('../report/dryForecast.ts').dryForecast>) =>
  (await import('../report/dryForecast.ts')).dryForecast(...given);

/** The folder is read while engine, ledger and store get ready: its thread takes longest to start. */
const readAhead = (
  { path: root, prefix: keyPrefix, rules }: FolderInput,
  dataDir: string,
  signal: AbortSignal,
): BegunScan => beginScan({ root, rules: folderRules({ path: root, rules }, dataDir), keyPrefix, signal });

async function runEngine(host: CommandHost, engine: SyncEngine, run: Run): Promise<number> {
  const { flags, report, interrupt } = run;
  const unlisten = engine.onEvent((event) => {
    report.event(event);
    if (event.type === 'progress') report.moving({ transfers: null, sentence: engine.sentence() });
  });
  const unsubscribe = flags.json
    ? () => {}
    : engine.api.subscribe((update) =>
        report.moving({ transfers: update.transfers ?? null, sentence: update.sentence ?? null }),
      );
  const forecast = flags.dryRun ? await dryForecast(host, run.folder, run.dataDir) : null;
  let folderId: FolderId | undefined;
  let summary: SyncSummary | undefined;
  let thrown: unknown = null;
  try {
    folderId = await interrupt.race(engine.ensureFolder(run.folder));
    if (flags.watch) await keepSyncing(engine, folderId, run);
    else {
      summary = await engine.runOnce(folderId, {
        signal: interrupt.signal,
        dryRun: flags.dryRun,
        begun: run.begun,
        onPlanned: (file) => {
          report.planned(file);
          forecast?.planned(file);
        },
      });
    }
  } catch (error) {
    thrown = error;
  } finally {
    unsubscribe();
  }
  const stop = stopOf(thrown, interrupt.signal);
  const counts = folderId === undefined ? null : await countsOf(engine, folderId);
  await engine.stop({ graceMs: stop === null ? 0 : graceMs });
  unlisten();
  const exitCode = stop === null ? (summary?.exitCode ?? 0) : exitCodeFor(stop.code);
  const final: SyncSummary = { ...(summary ?? engine.summary(exitCode)), exitCode };
  if (stop === null) forecast?.tell(flags.json);
  report.end({ summary: final, error: stop, counts });
  if (stop !== null && stop.code !== 'interrupted') sayError(host, thrown, stop);
  return exitCode;
}

/** Stays until interrupted: the only way out of `--watch` that isn't an error. */
async function keepSyncing(engine: SyncEngine, folderId: FolderId, { folder, interrupt, report }: Run): Promise<void> {
  await interrupt.race(checkBucket(folder, report));
  const { failed, dispose } = engineFailure(engine);
  try {
    await interrupt.race(engine.start([folderId]));
    await interrupt.race(failed);
  } finally {
    dispose();
  }
}

/** A wrong name or key is said at once and ends the run; a network that is away may come back while we watch. */
async function checkBucket({ connection, bucket }: FolderInput, report: SyncReport): Promise<void> {
  try {
    await withBucket(connection, bucket, async () => {});
  } catch (thrown) {
    const error = errorView(thrown);
    if (!error.retryable) throw thrown;
    report.note(`${errorSentence(error)} Sluice goes on when the store answers.`);
  }
}

/** Parts in flight may still end: each is one that the next run doesn't send. */
const graceMs = 3_000;

/** What ended the run early. An interruption wins over whatever it made fail. */
function stopOf(thrown: unknown, signal: AbortSignal): ErrorView | null {
  if (signal.aborted) return errorView(signal.reason);
  return thrown === null ? null : errorView(thrown);
}

async function countsOf(engine: SyncEngine, folderId: FolderId): Promise<FolderCounts | null> {
  try {
    const { folders } = await engine.api.snapshot({});
    return folders.find((folder) => folder.id === folderId) ?? null;
  } catch {
    // Only a figure of the closing sentence: whatever is wrong was reported by the run itself.
    return null;
  }
}

async function openReport(host: CommandHost, flags: SyncFlags, folder: FolderInput): Promise<SyncReport> {
  if (flags.json) return jsonReport(host, { progress: flags.progress });
  const { textReport } = await import('../report/textReport.ts');
  const animated = flags.progress && !flags.dryRun && host.stderr.isTTY === true && host.env.TERM !== 'dumb';
  return textReport(host, {
    source: folder.path,
    target: formatS3Uri(folder),
    watch: flags.watch,
    dryRun: flags.dryRun,
    progress: flags.progress,
    live: animated ? await (await import('../report/liveArea.ts')).openLiveArea(host.stderr) : null,
  });
}
