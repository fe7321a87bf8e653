import type { Command } from 'commander';
import { z } from 'zod';
import type { LifecyclePreview } from '../../../shared/cost.ts';
import { SluiceError } from '../../../shared/errors.ts';
import type { LifecycleTarget } from '../../engine/lifecyclePolicy.ts';
import { bucketAccount } from '../bucketAccount.ts';
import { dataDirOf } from '../dataDir.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { addDataDirFlag, addStoreFlags } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { diffLines, effectLines } from '../report/costText.ts';
import { formatS3Uri, parseS3Uri, type S3Location } from '../s3Uri.ts';
import { say, sayJson, usageError } from '../say.ts';
import { withBucket } from '../withBucket.ts';

export function addLifecycleCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const lifecycle = program
    .command('lifecycle')
    .summary("a bucket's lifecycle policy: show, diff with the recommended one, apply")
    .description(
      'Lifecycle rules move objects to cheaper classes and delete what is no longer wanted. Rules that Sluice did not make are kept as they are.',
    );
  const add = (name: 'show' | 'diff' | 'apply', description: string): void => {
    const command = lifecycle
      .command(name)
      .description(description)
      .argument('<s3-uri>', 's3://bucket or s3://bucket/prefix')
      .option('--json', 'one JSON line: rules, effects, state of the bucket');
    if (name === 'apply') command.option('--yes', 'do not ask');
    addDataDirFlag(command);
    addStoreFlags(command);
    command.action(async (uri: string, raw: unknown) => {
      await runLifecycle(host, name, uri, raw);
      done(0);
    });
  };
  add('show', 'The live rules, and versioning, replication, inventory, encryption and public access of the bucket.');
  add(
    'diff',
    'The recommended rules beside the live ones, and what they would do to the objects that the ledger knows.',
  );
  add('apply', 'Merges the recommended rules into the live ones, after showing the difference and asking.');
}

const LifecycleFlags = z.object({
  json: z.boolean().default(false),
  yes: z.boolean().default(false),
  dataDir: z.string().optional(),
});

async function runLifecycle(
  host: CommandHost,
  action: 'show' | 'diff' | 'apply',
  uri: string,
  raw: unknown,
): Promise<void> {
  const flags = parseFlags(LifecycleFlags, raw);
  const location = parseS3Uri(uri);
  if (action === 'apply' && !flags.yes && host.confirm === null)
    throw usageError('Applying a lifecycle policy changes the bucket', 'Add --yes to confirm it.');
  const dataDir = dataDirOf(host, flags.dataDir);
  const { applyLifecycle, previewLifecycle } = await import('../../engine/lifecyclePolicy.ts');
  await withTarget(host, location, raw, dataDir, async (target) => {
    const preview = await previewLifecycle(target);
    if (flags.json && action !== 'apply') return sayJson(host, { type: 'lifecycle', ...preview });
    if (action === 'show') return show(host, preview);
    if (!flags.json) showDiff(host, preview);
    if (action === 'diff') return;
    if (preview.refusal !== null) throw new SluiceError('lifecycle-unreadable', preview.refusal);
    if (!preview.changes) {
      if (flags.json) sayJson(host, { type: 'lifecycle', ...preview });
      return;
    }
    const question = `Write these rules to ${formatS3Uri(location)}?`;
    if (!flags.yes && !(await host.confirm?.(question)))
      throw new SluiceError('interrupted', 'Nothing was changed', { remedy: '' });
    const after = await applyLifecycle(target, preview.revision);
    if (flags.json) return sayJson(host, { type: 'lifecycle', ...after });
    say(host.stdout, 'Applied, and read back to be sure');
  });
}

function show(host: CommandHost, { lines, bucket, strays }: LifecyclePreview): void {
  const live = lines.filter(({ change }) => change !== 'add');
  if (live.length === 0) say(host.stdout, 'The bucket has no lifecycle rules here');
  for (const { id, text, before } of live) say(host.stdout, `${id || '(no name)'}  ${before ?? text}`);
  for (const { name, state, detail } of bucket) say(host.stdout, `${name}: ${state} (${detail})`);
  if (strays.uploads > 0 && strays.withoutRule)
    say(
      host.stdout,
      `${strays.uploads} unfinished uploads cost storage and no rule clears them: see sluice lifecycle diff`,
    );
}

function showDiff(host: CommandHost, preview: LifecyclePreview): void {
  for (const line of diffLines(preview)) say(host.stdout, line);
  if (!preview.changes) say(host.stdout, 'The recommended rules are all there: nothing to change');
  if (preview.refusal !== null) say(host.stdout, `Can't be applied: ${preview.refusal}`);
  for (const line of effectLines(preview)) say(host.stdout, line);
}

async function withTarget(
  host: CommandHost,
  location: S3Location,
  raw: unknown,
  dataDir: string,
  use: (target: LifecycleTarget) => Promise<void>,
): Promise<void> {
  const { store, prices, nowMs } = await bucketAccount(host, location, raw, dataDir);
  const { connection, bucket } = store.target;
  const [{ openLedgerReadOnly }, { knownObjects }] = await Promise.all([
    import('../../engine/ledger/openLedgerReadOnly.ts'),
    import('../../engine/lifecyclePolicy.ts'),
  ]);
  let ledger: ReturnType<typeof openLedgerReadOnly> | null = null;
  try {
    ledger = openLedgerReadOnly(dataDir);
  } catch (error) {
    // Without a ledger no objects are known.
    if (!(error instanceof SluiceError && error.code === 'not-found')) throw error;
  }
  const place = { bucket, endpointUrl: connection.endpointUrl, prefix: location.prefix };
  // Each look begins anew: what is known is read as often as it is asked for.
  const known = { [Symbol.iterator]: () => (ledger ? knownObjects(ledger, place) : [][Symbol.iterator]()) };
  try {
    await withBucket(connection, bucket, (uploads) =>
      use({ store, uploads, prefix: location.prefix, prices, known, nowMs }),
    );
  } finally {
    ledger?.close();
  }
}
