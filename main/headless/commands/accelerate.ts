import type { Command } from 'commander';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import { formatUsd, usd } from '../../../shared/money.ts';
import { accelerationUnder } from '../../../shared/policy.ts';
import { AccelerationSettings, EngineSettings } from '../../../shared/settings.ts';
import { formatBytes, formatCount, formatRate, MiB } from '../../../shared/units.ts';
import type { BucketFacts } from '../../engine/accelerationBook.ts';
import type { GainEstimate } from '../../engine/plan/accelerationGain.ts';
import { machinePolicy } from '../../engine/policyFile.ts';
import type { Store } from '../../engine/store/store.ts';
import { dataDirOf } from '../dataDir.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { countFlag, sizeFlag } from '../flags/quantities.ts';
import { addDataDirFlag, addStoreFlags, checkCaBundle, parseStoreFlags } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { formatS3Uri, parseS3Uri, type S3Location } from '../s3Uri.ts';
import { say, sayJson, usageError } from '../say.ts';
import { withBucket } from '../withBucket.ts';

export function addAccelerateCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const accelerate = program
    .command('accelerate')
    .summary('Transfer Acceleration of a bucket: status, probe, analyze, enable')
    .description('Whether S3 Transfer Acceleration is on for a bucket, what it gives from here, and whether it pays.');
  const add = (name: string, description: string, run: (uri: string, raw: unknown) => Promise<void>): Command => {
    const command = accelerate
      .command(name)
      .description(description)
      .argument('<s3-uri>', 's3://bucket or s3://bucket/prefix')
      .option('--client-region <region>', "this machine's region (default: as set, or found)")
      .option('--json', 'one JSON line');
    addDataDirFlag(command);
    addStoreFlags(command);
    return command.action(async (uri: string, raw: unknown) => {
      await run(uri, raw);
      done(0);
    });
  };
  add(
    'status',
    'The state of the bucket, whether its files may be accelerated, and what was spent this month.',
    (uri, raw) => runStatus(host, uri, raw),
  );
  add(
    'probe',
    'Sends real bytes over both endpoints and compares them. They are deleted afterwards; the accelerated ones cost money, within the monthly cap.',
    (uri, raw) => runProbe(host, uri, raw),
  ).option('--size <size>', 'bytes of each round and endpoint, at least 1MiB (default: 16MiB)');
  add(
    'analyze',
    'What acceleration costs and gives a month, over file size and number of uploads. Sends no file bytes.',
    (uri, raw) => runAnalyze(host, uri, raw),
  )
    .option('--size <size>', 'only for files of this size')
    .option('--uploads <n>', 'only for this many uploads a month');
  add('enable', "Turns Transfer Acceleration on in the bucket's configuration, after asking.", (uri, raw) =>
    runEnable(host, uri, raw),
  ).option('--yes', 'do not ask');
}

const Flags = z.object({
  json: z.boolean().default(false),
  yes: z.boolean().default(false),
  dataDir: z.string().optional(),
  clientRegion: AccelerationSettings.shape.clientRegion.unwrap().optional(),
  size: sizeFlag.optional(),
  uploads: countFlag(1, 1e9).optional(),
});
type Flags = z.infer<typeof Flags>;

interface Asked {
  readonly flags: Flags;
  readonly location: S3Location;
  readonly settings: AccelerationSettings;
  readonly store: Store;
  readonly facts: BucketFacts;
  readonly gain: GainEstimate | null;
  readonly spent: number;
}

/** What is known of bucket and machine, and what the ledger remembers, if there is one. */
async function ask(host: CommandHost, uri: string, raw: unknown, use: (asked: Asked) => Promise<void>): Promise<void> {
  const flags = parseFlags(Flags, raw);
  const location = parseS3Uri(uri);
  const connection = parseStoreFlags(raw, host);
  await checkCaBundle(connection);
  const { askBucketFacts } = await import('../../engine/accelerationBook.ts');
  const { tuningStoreOf } = await import('../../engine/plan/tuner.ts');
  const known = await remembered(dataDirOf(host, flags.dataDir), tuningStoreOf(connection, location.bucket));
  const settings = { ...known.settings, ...(flags.clientRegion !== undefined && { clientRegion: flags.clientRegion }) };
  await withBucket(connection, location.bucket, async (store) => {
    const facts = await askBucketFacts(store, settings.clientRegion);
    await use({ ...known, flags, location, settings, store, facts });
  });
}

async function remembered(dataDir: string, store: string): Promise<Pick<Asked, 'settings' | 'gain' | 'spent'>> {
  const { openLedgerReadOnly } = await import('../../engine/ledger/openLedgerReadOnly.ts');
  const { latestGain, monthOf } = await import('../../engine/accelerationBook.ts');
  try {
    const ledger = openLedgerReadOnly(dataDir);
    try {
      return {
        settings: EngineSettings.parse(ledger.setting('engine') ?? {}).acceleration,
        gain: latestGain(ledger, store),
        spent: ledger.accelerationSpend(monthOf(Date.now())).usd,
      };
    } finally {
      ledger.close();
    }
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'not-found')
      return { settings: AccelerationSettings.parse({}), gain: null, spent: 0 };
    throw error;
  }
}

/** Large enough that its size decides nothing. */
const exampleBytes = 1024 * MiB;

async function runStatus(host: CommandHost, uri: string, raw: unknown): Promise<void> {
  const { decideAcceleration } = await import('../../engine/plan/accelerate.ts');
  const { acceleratedConnection } = await import('../../engine/store/acceleratedConnection.ts');
  await ask(host, uri, raw, async ({ flags, location, settings, store, facts, gain, spent }) => {
    const { status, bucketRegion, client } = facts;
    const { policy, connection, bucket } = store.target;
    const accelerated = acceleratedConnection(connection, null, settings.dualStack);
    const decision = decideAcceleration(
      {
        ...{ status, bucketRegion, gain, bucket: location.bucket },
        sizeBytes: exampleBytes,
        clientRegion: client?.region ?? null,
        spent: usd(spent),
        policy: accelerated === null ? 'allowed' : accelerationUnder(policy, accelerated, bucket),
      },
      settings,
    );
    if (flags.json)
      return sayJson(host, {
        type: 'acceleration',
        ...{ bucket: location.bucket, status, bucketRegion, clientRegion: client?.region ?? null },
        ...{
          clientRegionBy: client?.by ?? null,
          mode: settings.mode,
          endpoint: decision.endpoint,
          code: decision.code,
        },
        ...{ reason: decision.reason, gain, spentUsd: spent, capUsd: settings.monthlyCapUsd },
      });
    say(
      host.stdout,
      `${formatS3Uri(location)}: acceleration ${status}, bucket in ${bucketRegion ?? 'an unknown region'}`,
    );
    if (client) say(host.stdout, `This machine: ${client.region} (${regionWords[client.by]})`);
    say(host.stdout, gain ? gainText(gain) : 'Never measured: sluice accelerate probe compares both endpoints');
    say(
      host.stdout,
      `A file of ${formatBytes(exampleBytes)} takes the ${decision.endpoint} endpoint: ${decision.reason}`,
    );
    say(host.stdout, `Spent this month: ${formatUsd(spent)} of ${formatUsd(settings.monthlyCapUsd)}`);
  });
}

const regionWords = { setting: 'as set', 'instance-metadata': 'by the instance', latency: 'by latency' } as const;

async function runProbe(host: CommandHost, uri: string, raw: unknown): Promise<void> {
  const [
    { probeAcceleration, probeBytesAtMost },
    { openLedger },
    { acceleratedConnection },
    { chainCredentials },
    plan,
    { tuningStoreOf },
  ] = await Promise.all([
    import('../../engine/accelerationProbe.ts'),
    import('../../engine/ledger/openLedger.ts'),
    import('../../engine/store/acceleratedConnection.ts'),
    import('../../engine/store/credentials.ts'),
    import('../../engine/plan/accelerate.ts'),
    import('../../engine/plan/tuner.ts'),
  ]);
  await ask(host, uri, raw, async ({ flags, location, settings, store, facts }) => {
    const roundBytes = flags.size ?? 16 * MiB;
    if (roundBytes < MiB) throw usageError('--size: a round has at least 1MiB', 'Less says nothing of an endpoint.');
    const { connection } = store.target;
    const accelerated = acceleratedConnection(connection, facts.bucketRegion, settings.dualStack);
    if (accelerated === null || facts.status !== 'enabled' || location.bucket.includes('.')) {
      throw new SluiceError(
        'bad-settings',
        `${location.bucket} has no accelerated endpoint to measure (${facts.status})`,
        {
          remedy: 'Turn acceleration on for the bucket with sluice accelerate enable, and wait half an hour.',
        },
      );
    }
    const most = probeBytesAtMost(roundBytes);
    const cost = formatUsd(plan.accelerationPremium(most, settings));
    if (!flags.json)
      say(
        host.stdout,
        `Sending at most ${formatBytes(most)} over each endpoint; the accelerated ones cost ${cost} at most`,
      );
    const ledger = openLedger({
      dataDir: dataDirOf(host, flags.dataDir),
      smallFileLimitBytes: 8 * MiB,
      holder: 'sluice accelerate probe',
    });
    const abort = new AbortController();
    const stop = (): void => abort.abort(new SluiceError('interrupted', 'Stopped; what was sent is deleted'));
    process.once('SIGINT', stop);
    try {
      const outcome = await probeAcceleration({
        ...{ store, ledger, settings, roundBytes },
        accelerated: { connection: accelerated, bucket: location.bucket, policy: machinePolicy() },
        credentials: chainCredentials(connection),
        prefix: location.prefix,
        now: Date.now,
        random: Math.random,
        onRound: ({ regional, accelerated: fast }) => {
          if (!flags.json)
            say(
              host.stdout,
              `  regional ${formatRate(regional)}, accelerated ${formatRate(fast)}: ${(fast / regional).toFixed(2)} times`,
            );
        },
        signal: abort.signal,
      });
      const { rounds, gain, bytesSent, ended } = outcome;
      if (rounds.length > 0)
        ledger.recordProbe({ store: tuningStoreOf(connection, location.bucket), at: Date.now(), rounds });
      if (flags.json)
        return sayJson(host, { type: 'probe', ...{ bucket: location.bucket, ended, bytesSent, rounds, gain } });
      if (gain) say(host.stdout, gainText(gain));
      if (ended === 'cap')
        say(host.stdout, `Ended early: the monthly cap of ${formatUsd(settings.monthlyCapUsd)} leaves no more`);
    } finally {
      process.off('SIGINT', stop);
      ledger.close();
    }
  });
}

const verdicts: Readonly<Record<GainEstimate['verdict'], string>> = {
  faster: 'faster',
  'not-faster': 'not faster',
  undecided: 'too close to tell',
};

function gainText({ ratio, low, high, rounds, verdict, regionalBytesPerSecond }: GainEstimate): string {
  const between = Number.isFinite(high) ? `, 95 %: ${low.toFixed(2)} to ${high.toFixed(2)}` : '';
  return `Measured in ${rounds} rounds: the accelerated endpoint is ${verdicts[verdict]}, ${ratio.toFixed(2)} times the regional ${formatRate(regionalBytesPerSecond)}${between}`;
}

const tableSizes = [10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000];
const tableUploads = [10, 100, 1_000, 10_000];

async function runAnalyze(host: CommandHost, uri: string, raw: unknown): Promise<void> {
  const { analyzeAcceleration } = await import('../../engine/plan/accelerate.ts');
  const { findClientRegion } = await import('../../engine/clientRegion.ts');
  await ask(host, uri, raw, async ({ flags, location, settings, facts, gain }) => {
    const client = facts.client ?? (await findClientRegion(settings.clientRegion));
    const sizes = flags.size === undefined ? tableSizes : [flags.size];
    const frequencies = flags.uploads === undefined ? tableUploads : [flags.uploads];
    const rows = sizes.flatMap((sizeBytes) =>
      frequencies.map((uploadsPerMonth) =>
        analyzeAcceleration(
          {
            ...{ sizeBytes, uploadsPerMonth, gain, bucket: location.bucket, bucketRegion: facts.bucketRegion },
            clientRegion: client?.region ?? null,
          },
          settings,
        ),
      ),
    );
    if (flags.json) {
      for (const row of rows) sayJson(host, { type: 'analysis', ...{ bucket: location.bucket, ...row } });
      return;
    }
    say(
      host.stdout,
      `${client?.region ?? 'an unknown place'} to ${facts.bucketRegion ?? 'an unknown region'}, a month:`,
    );
    say(host.stdout, columns(['size', 'uploads', 'cost with', 'without', 'hours saved', 'worth', 'net', 'ROI', '']));
    for (const row of rows) {
      const roi = row.roiPercent === null ? '-' : `${formatCount(Math.round(row.roiPercent))} %`;
      const cells = [
        formatBytes(row.sizeBytes),
        formatCount(row.uploadsPerMonth),
        formatUsd(row.costAccelerated),
        formatUsd(row.costRegional),
      ];
      say(
        host.stdout,
        columns([
          ...cells,
          row.hoursSaved.toFixed(2),
          formatUsd(row.value),
          formatUsd(row.netBenefit),
          roi,
          row.recommendation,
        ]),
      );
    }
    const [first] = rows;
    if (first) say(host.stdout, `Gain ${first.gain.toFixed(2)} (${first.gainIs})`);
    for (const reason of new Set(rows.filter((row) => row.recommendation === 'disable').map((row) => row.reason)))
      say(host.stdout, `disable: ${reason}`);
  });
}

const columns = (cells: readonly string[]): string =>
  cells
    .map((cell) => cell.padStart(11))
    .join(' ')
    .trimEnd();

async function runEnable(host: CommandHost, uri: string, raw: unknown): Promise<void> {
  await ask(host, uri, raw, async ({ flags, location, store, facts }) => {
    const { bucket } = location;
    if (bucket.includes('.'))
      throw usageError(`${bucket} has a dot in its name`, 'Such a bucket can have no acceleration.');
    if (facts.status === 'unsupported')
      throw usageError(`The store of ${bucket} has no Transfer Acceleration`, 'Only AWS S3 has it.');
    if (facts.status !== 'enabled') {
      if (!flags.yes && host.confirm === null)
        throw usageError("enable changes the bucket's configuration", 'Add --yes to confirm it.');
      if (
        !flags.yes &&
        !(await host.confirm?.(`Turn Transfer Acceleration on for ${bucket}? It takes effect within 30 minutes.`))
      )
        throw new SluiceError('interrupted', 'Nothing was changed', { remedy: '' });
      await store.enableAcceleration();
    }
    if (flags.json) return sayJson(host, { type: 'acceleration-enabled', ...{ bucket, before: facts.status } });
    say(
      host.stdout,
      facts.status === 'enabled' ? `${bucket} has acceleration on already` : `Acceleration is on for ${bucket}`,
    );
  });
}
