import type { Command } from 'commander';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import { formatCount, formatDuration } from '../../../shared/units.ts';
import type { UploadRow } from '../../engine/ledger/ledger.ts';
import type { ListedUpload, Store } from '../../engine/store/store.ts';
import { dataDirOf } from '../dataDir.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { addDataDirFlag, addStoreFlags, checkCaBundle, parseStoreFlags } from '../flags/storeFlags.ts';
import type { CommandHost } from '../host.ts';
import { formatS3Uri, parseS3Uri, type S3Location } from '../s3Uri.ts';
import { say, sayJson, usageError } from '../say.ts';
import { withBucket } from '../withBucket.ts';

export function addUploadsCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const uploads = program
    .command('uploads')
    .summary('incomplete multipart uploads of a bucket: list, abort')
    .description(
      'Incomplete multipart uploads cost storage until they are finished or aborted. Ours are those that the ledger of the data directory knows.',
    );
  const list = uploads
    .command('list')
    .description('Lists incomplete uploads, ours and others.')
    .argument('<s3-uri>', 's3://bucket or s3://bucket/prefix')
    .option('--json', 'one JSON line an upload');
  addDataDirFlag(list);
  addStoreFlags(list);
  list.action(async (uri: string, raw: unknown) => {
    await runList(host, uri, raw);
    done(0);
  });
  const abort = uploads
    .command('abort')
    .description(
      'Aborts incomplete uploads of ours: their parts are deleted from the bucket; an unfinished file starts again at the next sync.',
    )
    .argument('<s3-uri>', 's3://bucket or s3://bucket/prefix')
    .option('--foreign', "also those that this data directory's ledger doesn't know: they may be in use elsewhere")
    .option('--yes', 'with --foreign: do not ask')
    .option('--json', 'one JSON line an aborted upload');
  addDataDirFlag(abort);
  addStoreFlags(abort).addHelpText('after', '\nExample:\n  sluice uploads abort s3://my-bucket/photos --foreign --yes');
  abort.action(async (uri: string, raw: unknown) => {
    await runAbort(host, uri, raw);
    done(0);
  });
}

const UploadsFlags = z.object({
  json: z.boolean().default(false),
  foreign: z.boolean().default(false),
  yes: z.boolean().default(false),
  dataDir: z.string().optional(),
});

interface FoundUpload extends ListedUpload {
  readonly ours: boolean;
}

async function runList(host: CommandHost, uri: string, raw: unknown): Promise<void> {
  const flags = parseFlags(UploadsFlags, raw);
  const location = parseS3Uri(uri);
  await withStore(host, location, raw, async (store) => {
    const found = await findUploads(store, location, dataDirOf(host, flags.dataDir));
    for (const upload of found) {
      if (flags.json) sayJson(host, jsonLine('upload', upload));
      else
        say(
          host.stdout,
          `${upload.ours ? 'ours   ' : 'foreign'}  ${age(host, upload)}  ${upload.key}  ${upload.uploadId}`,
        );
    }
    if (!flags.json)
      say(
        host.stdout,
        `${uploadsIn(found, location)}, ${formatCount(found.filter(({ ours }) => ours).length)} of them ours`,
      );
  });
}

async function runAbort(host: CommandHost, uri: string, raw: unknown): Promise<void> {
  const flags = parseFlags(UploadsFlags, raw);
  const location = parseS3Uri(uri);
  if (flags.foreign && !flags.yes && host.confirm === null) {
    throw usageError('--foreign may abort uploads that others are sending', 'Add --yes to confirm it.');
  }
  await withStore(host, location, raw, async (store) => {
    const found = await findUploads(store, location, dataDirOf(host, flags.dataDir));
    const foreign = found.filter(({ ours }) => !ours);
    if (flags.foreign && foreign.length > 0 && !flags.yes) {
      for (const upload of foreign) say(host.stderr, `foreign  ${age(host, upload)}  ${upload.key}`);
      const question = `Abort ${uploadsIn(foreign, location)} that this data directory doesn't know?`;
      if (!(await host.confirm?.(question)))
        throw new SluiceError('interrupted', 'Nothing was aborted', { remedy: '' });
    }
    const aborted = flags.foreign ? found : found.filter(({ ours }) => ours);
    for (const upload of aborted) {
      await store.abortMultipartUpload(upload);
      if (flags.json) sayJson(host, jsonLine('aborted', upload));
      else say(host.stdout, `aborted ${upload.key}  ${upload.uploadId}`);
    }
    const left = found.length - aborted.length;
    const spared = left > 0 ? `; ${formatCount(left)} of others left alone (--foreign)` : '';
    if (!flags.json) say(host.stdout, `Aborted ${uploadsIn(aborted, location)}${spared}`);
  });
}

async function withStore(
  host: CommandHost,
  location: S3Location,
  raw: unknown,
  use: (store: Store) => Promise<void>,
): Promise<void> {
  const connection = parseStoreFlags(raw, host);
  await checkCaBundle(connection);
  await withBucket(connection, location.bucket, use);
}

async function findUploads(store: Store, location: S3Location, dataDir: string): Promise<readonly FoundUpload[]> {
  const known = await knownUploads(dataDir);
  const ids = new Set(known.map((row) => row.uploadId));
  // Created, but killed before the answer was written: only the key is known.
  const unanswered = new Set(
    known.filter((row) => row.uploadId === null && bucketOf(row) === location.bucket).map((row) => row.key),
  );
  const found: FoundUpload[] = [];
  for await (const upload of store.listMultipartUploads(location.prefix)) {
    found.push({ ...upload, ours: ids.has(upload.uploadId) || unanswered.has(upload.key) });
  }
  return found;
}

/** Without a ledger nothing is ours. */
async function knownUploads(dataDir: string): Promise<readonly UploadRow[]> {
  const { openLedgerReadOnly } = await import('../../engine/ledger/openLedgerReadOnly.ts');
  try {
    const ledger = openLedgerReadOnly(dataDir);
    try {
      return [...ledger.uploads('open'), ...ledger.uploads('aborting')];
    } finally {
      ledger.close();
    }
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'not-found') return [];
    throw error;
  }
}

const BucketOfRow = z.object({ bucket: z.string() });
const bucketOf = (row: UploadRow): string => BucketOfRow.parse(JSON.parse(row.bucket)).bucket;

const jsonLine = (type: string, { key, uploadId, initiatedAtMs, ours }: FoundUpload) => ({
  type,
  key,
  uploadId,
  initiatedAt: new Date(initiatedAtMs).toISOString(),
  ours,
});

const age = (host: CommandHost, upload: ListedUpload): string =>
  `${formatDuration(Math.max(0, host.now() - upload.initiatedAtMs))} old`.padEnd(14);

const uploadsIn = (found: readonly unknown[], location: S3Location): string =>
  `${formatCount(found.length)} incomplete ${found.length === 1 ? 'upload' : 'uploads'} in ${formatS3Uri(location)}`;
