import { z } from 'zod';
import { SluiceError } from '../../shared/errors.ts';
import { FolderInput } from '../../shared/settings.ts';
import { formatCount } from '../../shared/units.ts';
import { folderRules } from '../engine/folderRules.ts';
import type { FolderRow, Ledger } from '../engine/ledger/ledger.ts';
import type { SetAside } from '../engine/ledger/setAside.ts';
import { machinePolicy } from '../engine/policyFile.ts';
import { systemClock } from '../engine/ports.ts';
import type { RebuildFigures } from '../engine/rebuildLedger.ts';
import { smallFileLimitBytes } from '../engine/smallFiles.ts';
import { createDataStore } from '../engine/store/createDataStore.ts';
import { dataDirOf } from './dataDir.ts';
import { parseFlags } from './flags/parseFlags.ts';
import { checkCaBundle, parseStoreFlags } from './flags/storeFlags.ts';
import type { CommandHost } from './host.ts';
import { interruption } from './interruption.ts';
import { checkLocalFolder } from './localFolder.ts';
import { formatS3Uri, parseS3Uri } from './s3Uri.ts';
import { say, sayJson } from './say.ts';

const RebuildFlags = z.object({
  include: z.array(z.string().min(1, 'the pattern is empty')).default([]),
  exclude: z.array(z.string().min(1, 'the pattern is empty')).default([]),
  keep: z.boolean().default(false),
  json: z.boolean().default(false),
  dataDir: z.string().optional(),
});

const holder = 'sluice ledger rebuild';

/** `sluice ledger rebuild`. The exit code; throws what stops it. */
export async function runRebuild(host: CommandHost, path: string, uri: string, raw: unknown): Promise<number> {
  const flags = parseFlags(RebuildFlags, raw);
  const location = parseS3Uri(uri);
  const connection = parseStoreFlags(raw, host);
  const input = FolderInput.parse({
    path: await checkLocalFolder(path, host.cwd),
    ...location,
    connection,
    rules: { include: flags.include, exclude: flags.exclude },
    kind: flags.keep ? 'kept' : 'manual',
  });
  await checkCaBundle(connection);
  const dataDir = dataDirOf(host, flags.dataDir);
  const interrupt = interruption(host, () => new SluiceError('interrupted', 'Interrupted'));
  try {
    const { aside, figures } = await rebuild(host, input, dataDir, interrupt.signal);
    if (flags.json) {
      sayJson(host, { type: 'rebuild', ...{ ...figures, setAside: aside?.path ?? null, exitCode: 0 } });
      return 0;
    }
    if (aside) sayAside(host, aside, input);
    for (const line of sentences(figures, formatS3Uri(location))) say(host.stdout, line);
    return 0;
  } finally {
    interrupt.dispose();
  }
}

async function rebuild(
  host: CommandHost,
  input: FolderInput,
  dataDir: string,
  signal: AbortSignal,
): Promise<{ readonly aside: SetAside | null; readonly figures: RebuildFigures }> {
  const [{ createStore }, { chainCredentials }, { rebuildLedger }] = await Promise.all([
    import('../engine/store/createStore.ts'),
    import('../engine/store/credentials.ts'),
    import('../engine/rebuildLedger.ts'),
  ]);
  const { connection, bucket, prefix } = input;
  const target = { connection, bucket, policy: machinePolicy() };
  const credentials = chainCredentials(connection);
  const storeOptions = { target, credentials, maxSockets: 64, stallTimeoutMs: 60_000, onRequest: () => undefined };
  const control = createStore(storeOptions);
  const data = createDataStore(storeOptions);
  let ledger: Ledger | undefined;
  try {
    // Nothing is set aside for the sake of a bucket that isn't there.
    await control.headBucket();
    const opened = await openSound(dataDir, host.now());
    ledger = opened.ledger;
    const folder = pairOf(ledger, input);
    const objects = control.listObjects(prefix);
    const clock = { ...systemClock, now: host.now };
    const rules = folderRules(folder, dataDir);
    const figures = await rebuildLedger({
      folder,
      ledger,
      store: data,
      objects,
      rules,
      clock,
      random: Math.random,
      signal,
    });
    return { aside: opened.aside, figures };
  } finally {
    ledger?.close();
    control.close();
    data.close();
  }
}

/** The ledger if it is sound, else a new one in its place. */
async function openSound(
  dataDir: string,
  nowMs: number,
): Promise<{ readonly ledger: Ledger; readonly aside: SetAside | null }> {
  const [{ openLedger }, { setLedgerAside }] = await Promise.all([
    import('../engine/ledger/openLedger.ts'),
    import('../engine/ledger/setAside.ts'),
  ]);
  const open = (): Ledger => openLedger({ dataDir, smallFileLimitBytes, holder });
  try {
    const ledger = open();
    if (isSound(ledger)) return { ledger, aside: null };
    ledger.close();
  } catch (error) {
    if (!(error instanceof SluiceError && error.code === 'ledger-corrupt')) throw error;
  }
  const aside = setLedgerAside(dataDir, holder, nowMs);
  return { ledger: open(), aside };
}

function isSound(ledger: Ledger): boolean {
  try {
    return ledger.check().length === 0;
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'ledger-corrupt') return false;
    throw error;
  }
}

/** The pair as the ledger has it, with its own rules, or a new one. */
function pairOf(ledger: Ledger, input: FolderInput): FolderRow {
  const known = ledger
    .folders()
    .find(
      ({ path, bucket, prefix, connection }) =>
        path === input.path &&
        bucket === input.bucket &&
        prefix === input.prefix &&
        connection.endpointUrl === input.connection.endpointUrl,
    );
  return known ?? ledger.addFolder(input);
}

function sayAside(host: CommandHost, { path, folders }: SetAside, input: FolderInput): void {
  say(host.stdout, `The ledger was damaged: it is now ${path}, and a new one was made`);
  const others = folders.filter((pair) => pair.path !== input.path || pair.uri !== formatS3Uri(input));
  if (folders.length === 0) say(host.stdout, 'Which other folders it knew could not be read: rebuild each');
  for (const pair of others) say(host.stdout, `It knew this pair too: rebuild ${pair.path} ${pair.uri}`);
}

function sentences(figures: RebuildFigures, uri: string): string[] {
  const { filesScanned, filesKnown, filesProven, filesToCompare, filesToUpload, filesForeign, objectsWithoutFile } =
    figures;
  const line = (count: number, text: string): string[] => (count > 0 ? [`  ${formatCount(count)} ${text}`] : []);
  return [
    `${formatCount(filesScanned)} ${filesScanned === 1 ? 'file' : 'files'} looked at, none read`,
    ...line(filesKnown, 'known to the ledger already, left as they were'),
    ...line(filesProven, 'proven: their object was made from the file as it is now'),
    ...line(filesToCompare, 'to be compared by the next pass: touched since, or not to be told from here'),
    ...line(filesToUpload, 'without an object that tells: the next pass looks, and uploads what is missing'),
    ...line(
      filesForeign,
      'whose object another folder, machine or program wrote: the next pass compares, and overwrites none',
    ),
    ...line(objectsWithoutFile, `objects in ${uri} have no file here: left alone, and no delete will follow from this`),
  ];
}
