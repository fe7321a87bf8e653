import type { Command } from 'commander';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import { defaultEngineSettings } from '../../../shared/settings.ts';
import { formatBytes, formatCount, MiB } from '../../../shared/units.ts';
import { dataDirOf } from '../dataDir.ts';
import { parsePartSize } from '../flags/engineFlags.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { countFlag, rateFlag, sizeFlag, sizeFlagOrZero } from '../flags/quantities.ts';
import type { CommandHost } from '../host.ts';
import { say, sayJson } from '../say.ts';

export function addPlanCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  program
    .command('plan')
    .summary('show how a file of some size would be uploaded, and why')
    .description('The part plan for a file: part size, parts, parts in flight, and the reasons. Touches nothing.')
    .requiredOption('--size <size>', 'size of the file, as 10GiB')
    .option('--bandwidth <rate>', 'bandwidth of the link, as 1Gbps (default: not known)')
    .option('--memory <size>', `memory for uploads (default: ${defaultEngineSettings.memoryBytes / MiB}MiB)`)
    .option('--max-connections <n>', 'connections at most, 1 to 250 (default: 100)')
    .option('--part-size <size|auto>', 'part size, 5MiB to 5GiB (default: auto)')
    .option('--endpoint-url <url>', 'with --bucket: what earlier uploads to this store taught (default: AWS)')
    .option('--bucket <name>', 'bucket whose history in the data directory is used')
    .option('--data-dir <dir>', "ledger with the history (default: SLUICE_DATA_DIR or the platform's folder)")
    .option('--json', 'one JSON line: partSize, partCount, concurrency, strategy, reasons')
    .addHelpText('after', '\nExample:\n  sluice plan --size 10GiB --bandwidth 1Gbps --memory 2GiB')
    .action(async (raw: unknown) => {
      await runPlan(host, raw);
      done(0);
    });
}

const PlanFlags = z.object({
  size: sizeFlagOrZero,
  bandwidth: rateFlag.optional(),
  memory: sizeFlag.refine((bytes) => bytes >= 32 * MiB, 'at least 32MiB are needed').optional(),
  maxConnections: countFlag(1, 250).optional(),
  partSize: z.string().default('auto'),
  endpointUrl: z.string().optional(),
  bucket: z.string().min(1, 'the name of the bucket is empty').optional(),
  dataDir: z.string().optional(),
  json: z.boolean().default(false),
});

async function runPlan(host: CommandHost, raw: unknown): Promise<void> {
  const flags = parseFlags(PlanFlags, raw);
  const partSizeBytes = parsePartSize(flags.partSize);
  const { planUpload } = await import('../../engine/plan/partPlan.ts');
  const tuned =
    flags.bucket === undefined ? null : await tunedFor(host, { ...flags, bucket: flags.bucket }, partSizeBytes);
  const planned = refusedAsUsage(() =>
    planUpload({
      sizeBytes: flags.size,
      bandwidthBytesPerSecond: flags.bandwidth ?? tuned?.bytesPerSecond ?? null,
      tuned: tuned?.partSize ?? null,
      memoryBytes: flags.memory ?? defaultEngineSettings.memoryBytes,
      maxConnections: flags.maxConnections ?? defaultEngineSettings.maxConnections,
      partSizeBytes,
    }),
  );
  const plan = { ...planned, reasons: [...planned.reasons, ...(tuned?.reasons ?? [])] };
  if (flags.json) {
    const { partSizeBytes: partSize, ...rest } = plan;
    return sayJson(host, { type: 'plan', ...{ size: flags.size, partSize, ...rest } });
  }
  say(
    host.stdout,
    plan.strategy === 'put'
      ? `${formatBytes(flags.size)}: one PutObject`
      : `${formatBytes(flags.size)}: ${formatCount(plan.partCount)} ${plan.partCount === 1 ? 'part' : 'parts'} of ${formatBytes(plan.partSizeBytes)}, ${plan.concurrency} in flight`,
  );
  for (const reason of plan.reasons) say(host.stdout, `  ${reason}`);
}

/** What the tuner makes of the history that the ledger keeps of this store. Reads only; where there is no ledger yet there is no history. */
async function tunedFor(
  host: CommandHost,
  flags: {
    readonly size: number;
    readonly bucket: string;
    readonly endpointUrl?: string | undefined;
    readonly dataDir?: string | undefined;
  },
  partSizeBytes: number | 'auto',
) {
  const [{ openLedgerReadOnly }, { sizeClassOf, tune, tuningStoreOf }, { tablePartSize }] = await Promise.all([
    import('../../engine/ledger/openLedgerReadOnly.ts'),
    import('../../engine/plan/tuner.ts'),
    import('../../engine/plan/partPlan.ts'),
  ]);
  let ledger: ReturnType<typeof openLedgerReadOnly>;
  try {
    ledger = openLedgerReadOnly(dataDirOf(host, flags.dataDir));
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'not-found') return null;
    throw error;
  }
  try {
    const { env } = host;
    const endpointUrl = flags.endpointUrl ?? (env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || null);
    const choice = tune({
      history: ledger.tuning(tuningStoreOf({ endpointUrl }, flags.bucket), sizeClassOf(flags.size)),
      sizeBytes: flags.size,
      tablePartSizeBytes: tablePartSize(flags.size),
      partSizeFixed: partSizeBytes !== 'auto',
      random: null,
    });
    const partReason = choice.partSizeBytes === null ? null : (choice.reasons.at(-1) ?? '');
    return {
      bytesPerSecond: choice.bytesPerSecond,
      partSize:
        choice.partSizeBytes === null ? null : { partSizeBytes: choice.partSizeBytes, reason: partReason ?? '' },
      reasons: choice.reasons.filter((reason) => reason !== partReason),
    };
  } finally {
    ledger.close();
  }
}

/** A file that no store takes is, here, a wrong argument: nothing failed. */
function refusedAsUsage<T>(plan: () => T): T {
  try {
    return plan();
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'file-too-large') {
      throw new SluiceError('usage', error.message, { remedy: error.details.remedy, cause: error });
    }
    throw error;
  }
}
