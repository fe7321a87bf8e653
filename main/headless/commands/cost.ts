import type { Command } from 'commander';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import { formatUsd } from '../../../shared/money.ts';
import { bucketAccount } from '../bucketAccount.ts';
import { dataDirOf } from '../dataDir.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { countFlag } from '../flags/quantities.ts';
import { addDataDirFlag, addStoreFlags, parseStoreFlags } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { checkLocalFolder } from '../localFolder.ts';
import { forecastLines, meterLines, storageLines } from '../report/costText.ts';
import { formatS3Uri, parseS3Uri, type S3Location } from '../s3Uri.ts';
import { say, sayJson, usageError } from '../say.ts';
import { withApi } from '../withApi.ts';

export function addCostCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const command = program
    .command('cost')
    .summary('what uploads and storage cost: forecast, meter, analysis, budget, alarms')
    .description(
      'What this month cost so far, from the requests and bytes that were made. With --folder: what syncing a folder would cost.\nWith --storage: how much the bucket holds, and what other storage classes would save.',
    )
    .argument('<s3-uri>', 's3://bucket or s3://bucket/prefix')
    .option('--folder <dir>', 'forecast of syncing this folder; sends nothing')
    .option('--exclude <glob>', 'with --folder: leave out what matches (repeatable)', collect)
    .option('--storage-class <class>', 'with --folder: storage class of the new objects')
    .option('--month <yyyy-mm>', 'meter of another month, UTC')
    .option('--storage', 'analysis of what the bucket holds, from CloudWatch or else by listing it')
    .option('--list', 'with --storage: list all objects (one request for 1,000) even where CloudWatch knows')
    .option('--budget <usd|none>', 'set the monthly budget over all folders: uploads stop when it is used up')
    .option('--alarms', "this bucket's alarms in CloudWatch that Sluice made")
    .option('--alarm-cost <usd>', 'make an alarm in CloudWatch: storage costs more than this a month')
    .option('--alarm-objects <n>', 'make an alarm in CloudWatch: more objects than this')
    .option('--alarm-topic <arn>', 'with these: the SNS topic to be told')
    .option('--remove-alarms', 'remove the alarms that Sluice made')
    .option('--json', 'one JSON line for each: meter, forecast, storage, alarm');
  addDataDirFlag(command);
  addStoreFlags(command).addHelpText('after', examples);
  command.action(async (uri: string, raw: unknown) => {
    await runCost(host, uri, raw);
    done(0);
  });
}

const examples = `
Examples:
  sluice cost s3://my-bucket/photos --folder ~/Photos
  sluice cost s3://my-bucket --storage
  sluice cost s3://my-bucket --budget 5
  sluice cost s3://my-bucket --alarm-cost 20 --alarm-topic arn:aws:sns:eu-central-1:123456789012:bills`;

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

const usdFlag = z.string().transform((text, context): number => {
  const value = Number(text.replace(/^\$/, ''));
  if (text.trim() !== '' && Number.isFinite(value) && value > 0 && value <= 1e9) return value;
  context.addIssue(`'${text}' is not an amount in USD; write it like 5 or 0.50`);
  return z.NEVER;
});

const CostFlags = z.object({
  folder: z.string().min(1, 'the name of the folder is empty').optional(),
  exclude: z.array(z.string().min(1, 'the pattern is empty')).default([]),
  storageClass: z
    .string()
    .transform((name) => name.toUpperCase())
    .optional(),
  month: z
    .string()
    .regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, 'a month is written like 2026-11')
    .optional(),
  storage: z.boolean().default(false),
  list: z.boolean().default(false),
  budget: z.union([z.literal('none').transform(() => null), usdFlag]).optional(),
  alarms: z.boolean().default(false),
  alarmCost: usdFlag.optional(),
  alarmObjects: countFlag(1, 1e15).optional(),
  alarmTopic: z.string().startsWith('arn:', 'a topic is named by its ARN').optional(),
  removeAlarms: z.boolean().default(false),
  json: z.boolean().default(false),
  dataDir: z.string().optional(),
});
type CostFlags = z.infer<typeof CostFlags>;

async function runCost(host: CommandHost, uri: string, raw: unknown): Promise<void> {
  const flags = parseFlags(CostFlags, raw);
  const location = parseS3Uri(uri);
  const makesAlarms = flags.alarmCost !== undefined || flags.alarmObjects !== undefined;
  if (flags.alarmTopic !== undefined && !makesAlarms)
    throw usageError('--alarm-topic goes with --alarm-cost or --alarm-objects');
  const dataDir = dataDirOf(host, flags.dataDir);
  if (makesAlarms || flags.alarms || flags.removeAlarms) return runAlarms(host, location, raw, flags, dataDir);
  if (flags.storage || flags.list) return runStorage(host, location, raw, flags, dataDir);
  await withApi(host, { dataDir, holder: 'sluice cost' }, async (api) => {
    const connection = parseStoreFlags(raw, host);
    if (flags.budget !== undefined) {
      await api.updateSettings({ monthlyBudgetUsd: flags.budget });
      if (!flags.json)
        say(
          host.stdout,
          flags.budget === null
            ? 'No monthly budget any more'
            : `Monthly budget: ${formatUsd(flags.budget)} over all folders; uploads stop when it is used up`,
        );
    }
    if (flags.folder !== undefined) {
      const forecast = await api.forecastCost({
        path: await checkLocalFolder(flags.folder, host.cwd),
        ...location,
        endpointUrl: connection.endpointUrl,
        region: connection.region,
        rules: { include: [], exclude: [...flags.exclude] },
        storageClass: flags.storageClass ?? null,
      });
      if (flags.json) return sayJson(host, { type: 'forecast', ...forecast });
      for (const line of forecastLines(forecast)) say(host.stdout, line);
      return;
    }
    const report = await api.costMeter({ month: flags.month ?? null });
    const lines = report.lines.filter(
      ({ bucket, endpointUrl }) => bucket === location.bucket && endpointUrl === connection.endpointUrl,
    );
    if (flags.json) return sayJson(host, { type: 'meter', ...{ ...report, lines } });
    for (const line of meterLines(report, lines, lines.length === report.lines.length)) say(host.stdout, line);
  });
}

async function runStorage(
  host: CommandHost,
  location: S3Location,
  raw: unknown,
  flags: CostFlags,
  dataDir: string,
): Promise<void> {
  const account = await bucketAccount(host, location, raw, dataDir);
  const { analyzeStorage } = await import('../../engine/storageAnalysis.ts');
  const analysis = await analyzeStorage(account, flags.list);
  if (flags.json) return sayJson(host, { type: 'storage', ...analysis });
  for (const line of storageLines(analysis)) say(host.stdout, line);
}

async function runAlarms(
  host: CommandHost,
  location: S3Location,
  raw: unknown,
  flags: CostFlags,
  dataDir: string,
): Promise<void> {
  const account = await bucketAccount(host, location, raw, dataDir);
  const { createStorageAlarms, removeStorageAlarms, storageAlarms } = await import('../../engine/storageAnalysis.ts');
  if (flags.removeAlarms) {
    if (flags.alarmCost !== undefined || flags.alarmObjects !== undefined)
      throw new SluiceError('usage', '--remove-alarms and new alarms exclude each other');
    const removed = await removeStorageAlarms(account);
    for (const name of removed) {
      if (flags.json) sayJson(host, { type: 'alarm-removed', ...{ name } });
      else say(host.stdout, `Removed ${name}`);
    }
    if (!flags.json && removed.length === 0) say(host.stdout, 'Sluice has made no alarms here');
    return;
  }
  const alarms =
    flags.alarmCost === undefined && flags.alarmObjects === undefined
      ? await storageAlarms(account)
      : await createStorageAlarms(account, {
          storageUsdPerMonth: flags.alarmCost ?? null,
          objects: flags.alarmObjects ?? null,
          topicArn: flags.alarmTopic ?? null,
        });
  for (const alarm of alarms) {
    if (flags.json) sayJson(host, { type: 'alarm', ...alarm });
    else say(host.stdout, `${alarm.name}  ${alarm.metric} above ${alarm.threshold}: ${alarm.state}`);
  }
  if (!flags.json && alarms.length === 0) say(host.stdout, `No alarms of Sluice for ${formatS3Uri(location)}`);
}
