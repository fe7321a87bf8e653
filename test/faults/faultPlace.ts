import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashOf } from '../support/hashOf.ts';
import { type S3ServerOptions, type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { runSluice, type SluiceRun } from './runSluice.ts';

export const bucket = 'fault-test';

/** The full matrix, many times as long; CI's machine gets a slice. */
export const full = process.env.SLUICE_FAULT_RUNS !== undefined;

/** A folder, a server and a data directory in temp, for runs of the program itself. */
export interface FaultPlace {
  readonly folder: string;
  readonly server: S3TestServer;
  /** `count` files of `bytes` random bytes in one directory. */
  fill(name: string, count: number, bytes: number): Promise<void>;
  /** One file; `sparse`: it reads as zeros and takes no room. */
  write(name: string, bytes: number, kind?: 'random' | 'sparse'): Promise<void>;
  run(endpoint: string, ...flags: string[]): SluiceRun;
  /** Names that are missing in the bucket or differ there, and keys that shouldn't be there. */
  differences(): Promise<string[]>;
  close(): Promise<void>;
}

export async function openFaultPlace(options: Omit<S3ServerOptions, 'dir' | 'buckets'> = {}): Promise<FaultPlace> {
  const place = await mkdtemp(join(tmpdir(), 'sluice-fault-'));
  const folder = join(place, 'source');
  await mkdir(folder);
  const server = await startS3Server({ ...options, buckets: [bucket], dir: join(place, 's3') });
  const { accessKeyId, secretAccessKey } = server;
  const running = new Set<SluiceRun>();
  return {
    folder,
    server,
    fill: async (name, count, bytes) => {
      await mkdir(join(folder, name), { recursive: true });
      const content = randomBytes(bytes);
      for (let i = 0; i < count; i++) {
        content.writeUInt32LE(i, 0);
        await writeFile(join(folder, name, `file${i}`), content);
      }
    },
    write: async (name, bytes, kind = 'random') => {
      const file = await open(join(folder, name), 'w');
      try {
        const block = randomBytes(Math.min(bytes, 1024 * 1024));
        if (kind === 'sparse') await file.truncate(bytes);
        else
          for (let at = 0; at < bytes; at += block.length) {
            block.writeDoubleLE(at, 0);
            await file.write(block, 0, Math.min(block.length, bytes - at), at);
          }
      } finally {
        await file.close();
      }
    },
    run: (endpoint, ...flags) => {
      const dataDir = join(place, 'data');
      const run = runSluice({ folder, bucket, dataDir, endpoint, accessKeyId, secretAccessKey, flags });
      running.add(run);
      void run.ended.then(() => running.delete(run));
      return run;
    },
    differences: async () => {
      const entries = await readdir(folder, { withFileTypes: true, recursive: true });
      const keys = new Set(server.listKeys(bucket));
      const wrong: string[] = [];
      for (const entry of entries.filter((each) => each.isFile())) {
        const path = join(entry.parentPath, entry.name);
        const key = `kept/${path.slice(folder.length + 1)}`;
        if (!keys.delete(key)) wrong.push(`${key} (missing)`);
        else if (
          (await hashOf(createReadStream(path))) !== (await hashOf(createReadStream(server.objectFile(bucket, key))))
        )
          wrong.push(`${key} (different)`);
      }
      return [...wrong, ...[...keys].map((key) => `${key} (extra)`)];
    },
    close: async () => {
      for (const run of running) run.kill('SIGKILL');
      await Promise.all([...running].map(({ ended }) => ended));
      await server.close();
      await rm(place, { recursive: true, force: true });
    },
  };
}
