import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSample } from '../../scripts/makeSample.ts';
import { seededRandom } from '../support/faultProxyRules.ts';
import { hashOf } from '../support/hashOf.ts';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';

const sluice = join(import.meta.dirname, '../../dist/main/sluice.js');
const bucket = 'kill-test';
/** CI's machine is small: the acceptance run of the README uses the same test with SLUICE_KILL_SMALL=5000 and SLUICE_KILL_BIG_MIB=1024. */
const smallFiles = Number(process.env.SLUICE_KILL_SMALL ?? 5000);
const bigMiB = Number(process.env.SLUICE_KILL_BIG_MIB ?? 1024);
const kills = 10;

describe('ten kill -9 at random moments of a sync', () => {
  let place: string;
  let folder: string;
  let server: S3TestServer;

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'sluice-kill-'));
    folder = join(place, 'source');
    await mkdir(folder);
    await makeSample(folder, smallFiles, bigMiB);
    server = await startS3Server({ buckets: [bucket] });
  });
  afterAll(async () => {
    await server.close();
    await rm(place, { recursive: true, force: true });
    await rm(server.dir, { recursive: true, force: true });
  });

  const start = (...more: string[]): ChildProcess =>
    spawn(
      process.execPath,
      [
        sluice,
        'sync',
        folder,
        `s3://${bucket}/kept`,
        '--endpoint-url',
        server.endpoint,
        '--data-dir',
        join(place, 'data'),
        '--json',
        ...more,
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey },
      },
    );

  it('lose nothing, resend no finished part and leave no incomplete upload behind', async () => {
    const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 1_000_000);
    const random = seededRandom(seed);
    const limit = ['--max-bandwidth', `${Math.max(8, Math.round(bigMiB / 8))}MiB/s`];
    let killedInTheMiddle = 0;
    for (let kill = 0; kill < kills; kill++) {
      const child = start(...limit);
      child.stdout?.resume();
      await sleep(400 + random() * 900);
      if (child.exitCode === null) killedInTheMiddle++;
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    expect(killedInTheMiddle, `seed ${seed}`).toBeGreaterThanOrEqual(kills - 2);

    const last = start();
    const lines: string[] = [];
    last.stdout?.setEncoding('utf8').on('data', (text: string) => lines.push(text));
    const [code] = (await once(last, 'exit')) as [number];
    const summary = JSON.parse(lines.join('').trim().split('\n').at(-1) ?? '{}') as {
      type: string;
      exitCode: number;
      filesFailed: number;
    };
    expect({ code, type: summary.type, failed: summary.filesFailed }, `seed ${seed}`).toEqual({
      code: 0,
      type: 'summary',
      failed: 0,
    });

    const files = await filesBelow(folder);
    expect(files).toHaveLength(smallFiles + (bigMiB > 0 ? 2 : 1));
    expect(server.listKeys(bucket).length, 'nothing else was written').toBe(files.length);
    for (const file of files) {
      const key = `kept/${relative(folder, file)}`;
      const [local, remote] = await Promise.all([stat(file), stat(server.objectFile(bucket, key))]);
      expect(remote.size, key).toBe(local.size);
      if (local.size < 2 ** 26)
        expect((await readFile(file)).equals(await readFile(server.objectFile(bucket, key))), key).toBe(true);
      else
        expect(await hashOf(createReadStream(file)), key).toBe(
          await hashOf(createReadStream(server.objectFile(bucket, key))),
        );
    }
    expect(server.openUploads(bucket), `seed ${seed}`).toEqual([]);

    const finished = new Map<string, number>();
    for (const { operation, uploadId, partNumber, status } of server.requests) {
      if (operation !== 'UploadPart' || status !== 200) continue;
      const part = `${uploadId} part ${partNumber}`;
      finished.set(part, (finished.get(part) ?? 0) + 1);
    }
    expect(
      [...finished].filter(([, times]) => times > 1),
      `seed ${seed}`,
    ).toEqual([]);
    if (bigMiB >= 512)
      expect(server.counts().CreateMultipartUpload, 'one upload, taken up again').toBeLessThanOrEqual(3);
  }, 600_000);
});

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
