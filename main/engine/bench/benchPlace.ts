import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import { BucketName, StoreConnection } from '../../../shared/settings.ts';
import { formatBytes, MiB } from '../../../shared/units.ts';
import { openLedger } from '../ledger/openLedger.ts';

/** Where a benchmark works: a folder of its own in the data directory, named in a marker as long as it may have left something in a bucket. */
export interface BenchPlace {
  readonly path: string;
  readonly marker: BenchMarker;
  /** Once the bucket is clean: removes the folder, and with it the marker. */
  remove(): Promise<void>;
  /** Leaves it for the next one to find. */
  release(): void;
}

const BenchMarker = z.object({
  /** Everything the benchmark writes is under this; nothing else is. */
  prefix: z.string().regex(/(^|\/)sluice-bench-[0-9a-f]{16}\/$/),
  bucket: BucketName,
  /** Names a profile or a stored key; holds no secret. */
  connection: StoreConnection,
  startedAt: z.number(),
});
export type BenchMarker = z.infer<typeof BenchMarker>;

export const benchDir = (dataDir: string): string => join(dataDir, 'bench');
const markerName = 'marker.json';
const placePattern = /^run-[0-9a-f]{16}$/;
const spareBytes = 256 * MiB;

/** Makes the place and its marker, before anything is sent. Throws `ledger-*`. */
export async function makeBenchPlace(
  dataDir: string,
  target: { readonly connection: StoreConnection; readonly bucket: string; readonly prefix: string },
  now: number,
): Promise<BenchPlace> {
  const id = randomBytes(8).toString('hex');
  const path = join(benchDir(dataDir), `run-${id}`);
  await mkdir(path, { recursive: true, mode: 0o700 });
  const held = hold(path);
  const { connection, bucket } = target;
  const marker = BenchMarker.parse({
    ...{ connection, bucket },
    prefix: `${target.prefix}sluice-bench-${id}/`,
    startedAt: now,
  });
  await writeWhole(join(path, markerName), JSON.stringify(marker));
  return placeOf(path, marker, held);
}

/** What benchmarks that were killed left behind, ours now: who still runs holds its place. */
export async function leftPlaces(dataDir: string): Promise<readonly BenchPlace[]> {
  const names = await readdir(benchDir(dataDir)).catch(() => []);
  const places: BenchPlace[] = [];
  for (const name of names) {
    if (!placePattern.test(name)) continue;
    const path = join(benchDir(dataDir), name);
    const held = tryHold(path);
    if (held === null) continue;
    const marker = await readMarker(path);
    if (marker) places.push(placeOf(path, marker, held));
    else {
      // Killed before its marker was written: nothing had been sent.
      held();
      await rm(path, { recursive: true, force: true });
    }
  }
  return places;
}

/** Files of random bytes, which nothing on the way can compress or has seen before. Throws `disk-full`, or the signal's reason. */
export async function makeSource(
  place: BenchPlace,
  { sizeBytes, files }: { readonly sizeBytes: number; readonly files: number },
  signal: AbortSignal,
): Promise<string> {
  const directory = join(place.path, 'source');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  const { bavail, bsize } = await statfs(directory);
  const needed = sizeBytes * files + spareBytes;
  if (bavail * bsize < needed)
    throw new SluiceError(
      'bad-settings',
      `The files to upload need ${formatBytes(needed)} on the disk of ${directory}`,
      {
        remedy: 'Free some space, or leave out the largest size (--sizes).',
      },
    );
  for (let at = 0; at < files; at++) {
    const file = await open(join(directory, `${at}.bin`), 'wx');
    try {
      await fill(file, sizeBytes, signal);
    } finally {
      await file.close();
    }
  }
  return directory;
}

async function fill(file: FileHandle, sizeBytes: number, signal: AbortSignal): Promise<void> {
  for (let done = 0; done < sizeBytes; ) {
    signal.throwIfAborted();
    const bytes = randomBytes(Math.min(4 * MiB, sizeBytes - done));
    await file.writeFile(bytes);
    done += bytes.length;
  }
}

function placeOf(path: string, marker: BenchMarker, release: () => void): BenchPlace {
  return {
    path,
    marker,
    release,
    remove: async () => {
      release();
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** An empty ledger's lock: the kernel frees it however the process ends. */
function hold(path: string): () => void {
  const ledger = openLedger({ dataDir: join(path, 'hold'), smallFileLimitBytes: 0, holder: 'sluice bench' });
  return () => ledger.close();
}

function tryHold(path: string): (() => void) | null {
  try {
    return hold(path);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'ledger-locked') return null;
    throw error;
  }
}

async function readMarker(path: string): Promise<BenchMarker | null> {
  const text = await readFile(join(path, markerName), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return text === null ? null : BenchMarker.parse(JSON.parse(text));
}

/** On the disk before anything is in the bucket. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}
