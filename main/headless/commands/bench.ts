import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { z } from 'zod';
import type { BenchReport } from '../../../shared/bench.ts';
import { SluiceError } from '../../../shared/errors.ts';
import { formatUsd } from '../../../shared/money.ts';
import type { StoreConnection } from '../../../shared/settings.ts';
import { formatBytes, formatCount, formatDuration, GiB, MiB, parseSize } from '../../../shared/units.ts';
import type { BenchPlace } from '../../engine/bench/benchPlace.ts';
import type { BenchPlan } from '../../engine/plan/benchPlan.ts';
import { machinePolicy } from '../../engine/policyFile.ts';
import type { Store } from '../../engine/store/store.ts';
import { dataDirOf } from '../dataDir.ts';
import { fileSecrets } from '../fileSecrets.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { countFlag } from '../flags/quantities.ts';
import { addDataDirFlag, addStoreFlags, checkCaBundle, parseStoreFlags } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { interruption } from '../interruption.ts';
import { formatS3Uri, parseS3Uri, type S3Location } from '../s3Uri.ts';
import { say, sayJson } from '../say.ts';
import { withApi } from '../withApi.ts';

export function addBenchCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const bench = program
    .command('bench')
    .summary('measure which part size and how many connections are fastest, with real uploads')
    .description(
      'Uploads files of random bytes through the engine with every setting of a matrix, in random order, and recommends one only where it is faster by more than the noise. What it uploads is deleted again, whatever happens.',
    )
    .argument('<s3-uri>', 's3://bucket or s3://bucket/prefix')
    .option('--quick', 'a small matrix, in less than 3 minutes')
    .option('--sizes <list>', 'file sizes (default: 1MiB,10MiB,100MiB,1GiB,10GiB)')
    .option('--part-sizes <list>', 'part sizes, each 5MiB to 5GiB (default: 16MiB,64MiB,128MiB,256MiB)')
    .option('--concurrency <list>', 'connections, each 1 to 200 (default: 10,25,50,100,200)')
    .option('--iterations <n>', 'measured uploads of each setting, 2 to 50 (default: 5; quick: 3)')
    .option('--budget <limit>', "bytes, dollars or both, as '20GiB,$0.50' (default: 50GiB,$1; quick: 8GiB,$0.10)")
    .option('--seed <n>', 'repeats the order of an earlier run')
    .option('--dry-run', 'show what would be measured and what it may take; send nothing')
    .option('--apply', 'what is recommended is used from now on for this bucket')
    .option('--json', 'NDJSON: plan, progress and the report');
  addDataDirFlag(bench);
  addStoreFlags(bench).addHelpText('after', '\nExample:\n  sluice bench s3://my-bucket --quick --apply');
  bench.action(async (uri: string, raw: unknown) => {
    await runBenchCommand(host, uri, raw);
    done(0);
  });
}

const listOf = (min: number, max: number, what: string) =>
  z.string().transform((text, context): number[] => {
    const values = text.split(',').map((part) => parseSize(part));
    const good = values.filter((value) => value !== undefined && value >= min && value <= max);
    if (good.length === values.length) return good as number[];
    context.addIssue(`'${text}' is not a list of ${what}`);
    return z.NEVER;
  });

const budgetFlag = z.string().transform((text, context): { bytes: number | null; dollars: number | null } => {
  const budget = { bytes: null as number | null, dollars: null as number | null };
  for (const part of text.split(',').map((one) => one.trim())) {
    const dollars = /^\$(\d+(?:\.\d+)?)$/.exec(part)?.[1];
    const bytes = parseSize(part);
    if (dollars !== undefined) budget.dollars = Number(dollars);
    else if (bytes !== undefined && bytes > 0) budget.bytes = bytes;
    else context.addIssue(`'${part}' is neither a size like 20GiB nor money like $0.50`);
  }
  return budget;
});

const BenchFlags = z.object({
  quick: z.boolean().default(false),
  sizes: listOf(1, 48 * 1024 * GiB, 'sizes, as 1MiB,128MiB').optional(),
  partSizes: listOf(5 * MiB, 5 * GiB, 'part sizes, each 5MiB to 5GiB').optional(),
  concurrency: listOf(1, 200, 'whole numbers from 1 to 200').optional(),
  iterations: countFlag(2, 50).optional(),
  budget: budgetFlag.optional(),
  seed: countFlag(0, 2 ** 31 - 1).optional(),
  dryRun: z.boolean().default(false),
  apply: z.boolean().default(false),
  json: z.boolean().default(false),
  dataDir: z.string().optional(),
});
type BenchFlags = z.infer<typeof BenchFlags>;

const quickSeconds = 150;

async function runBenchCommand(host: CommandHost, uri: string, raw: unknown): Promise<void> {
  const flags = parseFlags(BenchFlags, raw);
  const location = parseS3Uri(uri);
  const connection = parseStoreFlags(raw, host);
  await checkCaBundle(connection);
  const dataDir = dataDirOf(host, flags.dataDir);
  const interrupt = interruption(host, () => new SluiceError('interrupted', 'The benchmark was interrupted'));
  try {
    const report = await measured(host, { flags, location, connection, dataDir, signal: interrupt.signal });
    if (report === null) return;
    if (flags.apply) await apply(host, report, dataDir, flags.json);
    else if (!flags.json && report.sizes.some(({ verdict }) => verdict.kind === 'better'))
      say(host.stdout, 'Run it again with --apply to use what is recommended.');
  } finally {
    interrupt.dispose();
  }
}

interface Given {
  readonly flags: BenchFlags;
  readonly location: S3Location;
  readonly connection: StoreConnection;
  readonly dataDir: string;
  readonly signal: AbortSignal;
}

async function measured(host: CommandHost, given: Given): Promise<BenchReport | null> {
  const { flags, location, connection, dataDir, signal } = given;
  const [plans, { runBench, cellName }, { saveReport, lastReport }, { createStore }, { chainCredentials }] =
    await Promise.all([
      import('../../engine/plan/benchPlan.ts'),
      import('../../engine/bench/runBench.ts'),
      import('../../engine/bench/savedReports.ts'),
      import('../../engine/store/createStore.ts'),
      import('../../engine/store/credentials.ts'),
    ]);
  const policy = machinePolicy();
  const openStore = (
    to: StoreConnection,
    bucket: string,
    onRequest: (operation: string) => void = () => undefined,
  ): Store =>
    createStore({
      ...{ target: { connection: to, bucket, policy }, credentials: chainCredentials(to), maxSockets: 16 },
      ...{ stallTimeoutMs: 30_000, onRequest },
    });
  const isAws = connection.endpointUrl === null;
  const prices = isAws ? plans.awsPrices : null;
  const usual = flags.quick ? { bytes: 8 * GiB, dollars: 0.1 } : { bytes: 50 * GiB, dollars: 1 };
  const budget = {
    bytes: flags.budget?.bytes ?? usual.bytes,
    dollars: isAws ? (flags.budget?.dollars ?? usual.dollars) : null,
    seconds: flags.quick ? quickSeconds : null,
  };
  const base = flags.quick ? plans.quickMatrix : plans.fullMatrix;
  const matrix = {
    sizes: flags.sizes ?? base.sizes,
    partSizes: flags.partSizes ?? base.partSizes,
    concurrency: flags.concurrency ?? base.concurrency,
    iterations: flags.iterations ?? base.iterations,
    sampleBytes: base.sampleBytes,
    accelerated: false,
  };
  const plan = plans.planBench(matrix, budget, prices);
  const acceleration = {
    reason: isAws
      ? 'this version does not send to accelerated endpoints'
      : 'only AWS has it, and this store is another',
  };
  sayPlan(host, given, plan, budget, acceleration.reason);
  if (flags.dryRun) return null;
  if (plan.sizes.length === 0)
    throw new SluiceError('usage', 'Nothing fits into the budget', {
      remedy: 'Give more with --budget, or smaller --sizes.',
    });
  const before = await lastReport(dataDir, { bucket: location.bucket, endpointUrl: connection.endpointUrl });
  const store = openStore(connection, location.bucket);
  try {
    await store.headBucket();
    await clearLeft(host, dataDir, openStore, flags.json);
  } finally {
    store.close();
  }
  const report = await runBench({
    ...{ dataDir, connection, plan, budget, prices, acceleration, signal, ...location },
    engine: { host: 'command', holder: 'sluice bench', version: host.version, secrets: fileSecrets(dataDir) },
    createEngine: host.createEngine,
    openStore: (onRequest) => openStore(connection, location.bucket, onRequest),
    iterations: matrix.iterations,
    seed: flags.seed ?? randomInt(2 ** 31),
    now: host.now,
    onProgress: ({ done, total, sizeBytes, cell, isApplied, bytesPerSecond }) => {
      if (bytesPerSecond === null) return;
      if (flags.json)
        return sayJson(host, {
          type: 'progress',
          ...{ done, total, size: sizeBytes, cell, isApplied, bytesPerSecond },
        });
      const rate = `${formatBytes(bytesPerSecond)}/s`;
      say(
        host.stderr,
        `${done} of at most ${total}: ${formatBytes(sizeBytes)}, ${isApplied ? 'recommendation applied' : cellName(cell)}: ${rate}`,
      );
    },
  });
  const saved = await saveReport(dataDir, report, before);
  if (flags.json) sayJson(host, { type: 'report', ...saved, report } as { type: string });
  else await sayReport(host, report, before, saved);
  if (report.end.kind === 'stopped') throw SluiceError.fromView(report.end.error);
  return report;
}

/** What killed benchmarks left, in whatever bucket it is. One that can't be reached now keeps its marker for the next time. */
async function clearLeft(
  host: CommandHost,
  dataDir: string,
  openStore: (connection: StoreConnection, bucket: string) => Store,
  json: boolean,
): Promise<void> {
  const [{ leftPlaces }, { clearBucket }] = await Promise.all([
    import('../../engine/bench/benchPlace.ts'),
    import('../../engine/bench/clearBucket.ts'),
  ]);
  for (const place of await leftPlaces(dataDir)) {
    const { connection, bucket, prefix } = place.marker;
    const where = `s3://${bucket}/${prefix}`;
    const removed = await clearOne(place, openStore(connection, bucket), clearBucket).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      say(host.stderr, `A benchmark that was killed left ${where}, which can't be removed now: ${why}`);
      place.release();
      return null;
    });
    if (removed === null) continue;
    if (json) sayJson(host, { type: 'removed', ...{ prefix: where, count: removed } } as { type: string });
    else say(host.stderr, `Removed what a killed benchmark had left: ${formatCount(removed)} under ${where}`);
  }
}

async function clearOne(
  place: BenchPlace,
  store: Store,
  clear: (store: Store, prefix: string, wasCut: boolean) => Promise<number>,
): Promise<number> {
  try {
    const removed = await clear(store, place.marker.prefix, true);
    await place.remove();
    return removed;
  } finally {
    store.close();
  }
}

function sayPlan(
  host: CommandHost,
  { flags, location }: Given,
  plan: BenchPlan,
  budget: { readonly bytes: number; readonly dollars: number | null; readonly seconds: number | null },
  noAcceleration: string,
): void {
  const { needs, sizes, left } = plan;
  if (flags.json) return sayJson(host, { type: 'plan', ...{ budget, needs, sizes, left } } as { type: string });
  const line = (text: string): void => say(host.stdout, text);
  line(`Measures ${formatS3Uri(location)}sluice-bench-…, which is deleted again:`);
  for (const { sizeBytes, files, cells, needs: each } of sizes)
    line(`  ${files} × ${formatBytes(sizeBytes)}: ${cells.length} settings, at most ${formatBytes(each.bytes)}`);
  for (const { sizeBytes, reason } of left) line(`  not ${formatBytes(sizeBytes)}: ${reason}`);
  line(`  not with Transfer Acceleration: ${noAcceleration}`);
  const time = budget.seconds === null ? '' : `, and ${formatDuration(budget.seconds * 1000)}`;
  const money =
    needs.dollars === null || budget.dollars === null
      ? "your provider's prices apply"
      : `${formatUsd(needs.dollars)} of ${formatUsd(budget.dollars)}`;
  line(
    `At most ${formatBytes(needs.bytes)} of the budget of ${formatBytes(budget.bytes)}${time}; ${formatCount(needs.requests)} requests; ${money}`,
  );
}

async function sayReport(
  host: CommandHost,
  report: BenchReport,
  before: BenchReport | null,
  saved: { readonly json: string; readonly html: string },
): Promise<void> {
  const [{ cellName, rateText }, { compareBenches }] = await Promise.all([
    import('../../engine/bench/runBench.ts'),
    import('../../engine/plan/benchCompare.ts'),
  ]);
  const line = (text: string): void => say(host.stdout, text);
  for (const { sizeBytes, files, cells, verdict } of report.sizes) {
    line(`${files} × ${formatBytes(sizeBytes)}: ${verdict.sentence}`);
    for (const { cell, interval, rates, stopped } of cells)
      line(
        `  ${cellName(cell)}: ${rateText(interval)}, ${rates.length} uploads${stopped === null ? '' : `; ${stopped}`}`,
      );
  }
  const clear = before === null ? [] : compareBenches(before, report).filter(({ isClear }) => isClear);
  if (before !== null)
    line(
      `Since the last run: ${clear.length === 0 ? 'no clear difference' : `${clear.length} settings clearly differ`}`,
    );
  line(
    `${formatBytes(report.spent.bytes)} in ${formatCount(report.spent.requests)} requests, ${formatDuration(report.durationMs)}; seed ${report.seed}`,
  );
  line(`Report: ${saved.html} and ${saved.json}`);
}

async function apply(host: CommandHost, report: BenchReport, dataDir: string, json: boolean): Promise<void> {
  const { endpointUrl, bucket } = report;
  const better = report.sizes.filter(({ verdict }) => verdict.kind === 'better');
  // One setting a class: the largest size of it says most of the link.
  const byClass = new Map(better.map(({ sizeClass, samples }) => [sizeClass, samples]));
  const sizes = [...byClass].map(([sizeClass, samples]) => ({ sizeClass, samples }));
  if (sizes.length > 0)
    await withApi(host, { dataDir, holder: 'sluice bench --apply' }, (api) =>
      api.applyBenchmark({ endpointUrl, bucket, sizes }),
    );
  if (json) return sayJson(host, { type: 'applied', ...{ sizeClasses: [...byClass.keys()] } } as { type: string });
  say(host.stdout, sizes.length === 0 ? 'Nothing to apply: the default stays' : 'Applied to this bucket');
}
