import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSample } from '../../scripts/makeSample.ts';
import { startProcess } from '../headless/support/runProcess.ts';
import { seededRandom } from '../support/faultProxyRules.ts';
import { hashOf } from '../support/hashOf.ts';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';

const bucket = 'restore-e2e';
const bigMiB = 200;

let place: string;
let source: string;
let server: S3TestServer;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'sluice-restore-e2e-'));
  source = join(place, 'source');
  await mkdir(source);
  server = await startS3Server({ buckets: [bucket] });
  await makeSample(source, 400, bigMiB);
  for (const name of hostileNames) {
    const path = join(source, 'hostile', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `content of ${name}`);
    await utimes(path, 1_500_000_000.25, 1_500_000_000.25);
  }
  const { code, stderr } = await sluice([
    'sync',
    source,
    `s3://${bucket}/kept`,
    ...store(),
    '--data-dir',
    join(place, 'data'),
  ]);
  expect(stderr.includes('sluice:') ? stderr : '', `exit ${code}`).toBe('');
}, 120_000);
afterAll(async () => {
  await server.close();
  await rm(place, { recursive: true, force: true });
  await rm(server.dir, { recursive: true, force: true });
});

const store = (): string[] => ['--endpoint-url', server.endpoint];
const start = (args: readonly string[]) =>
  startProcess(args, {
    env: {
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      AWS_REGION: 'us-east-1',
    },
  });
const sluice = (args: readonly string[]) => start(args).ended;

describe('what was synced comes back', () => {
  it('and of a mistyped prefix it is said that nothing is there', async () => {
    const { code, stdout } = await sluice(['restore', `s3://${bucket}/kebt`, join(place, 'none'), ...store()]);
    expect(code).toBe(0);
    expect(stdout).toContain('There is no object below this address: nothing was restored');
  });

  it('byte for byte and with its times, whatever its name, and a second restore fetches nothing', async () => {
    const target = join(place, 'back');
    const first = await sluice(['restore', `s3://${bucket}/kept`, target, ...store(), '--json']);
    expect(summaryOf(first.stdout)).toMatchObject({ exitCode: 0, filesFailed: 0, filesNotVerified: 0 });
    expect(first.code).toBe(0);
    await expectSame(source, target);
    for (const name of hostileNames)
      expect(Math.floor((await stat(join(target, 'hostile', name))).mtimeMs), name).toBe(1_500_000_000_250);

    const again = summaryOf((await sluice(['restore', `s3://${bucket}/kept`, target, ...store(), '--json'])).stdout);
    expect(again).toMatchObject({ exitCode: 0, filesRestored: 0, bytesReceived: 0 });
  }, 60_000);

  it('after six kill -9 at random moments: what is finished is not fetched again, and nothing is left over', async () => {
    const seed = Number(process.env.SLUICE_SEED ?? Date.now() % 1_000_000);
    const random = seededRandom(seed);
    const target = join(place, 'killed');
    const args = ['restore', `s3://${bucket}/kept`, target, ...store(), '--json', '--max-connections', '2'];
    let killed = 0;
    for (let kill = 0; kill < 6; kill++) {
      const run = start(args);
      await sleep(450 + random() * 350);
      if (run.child.exitCode === null) killed++;
      run.child.kill('SIGKILL');
      await run.ended;
      // Whatever has its name is whole: a file is put there in one step.
      for (const file of withoutOurs(await filesBelow(target))) await expectSameFile(file, target);
    }
    expect(killed, `seed ${seed}`).toBeGreaterThan(0);
    const placed = await bytesOf(await filesBelow(target).then(withoutOurs));
    const summary = summaryOf((await sluice(args)).stdout) as Record<string, number>;
    expect(summary, `seed ${seed}`).toMatchObject({ exitCode: 0, filesFailed: 0 });
    const missing = (await bytesOf(await filesBelow(source))) - placed;
    expect((summary.bytesReceived ?? 0) + (summary.bytesResumed ?? 0), `seed ${seed}`).toBe(missing);
    await expectSame(source, target);
  }, 90_000);
});

async function expectSame(from: string, to: string): Promise<void> {
  const [wanted, found] = [await filesBelow(from), await filesBelow(to)];
  expect(found.map((file) => relative(to, file)).sort()).toEqual(wanted.map((file) => relative(from, file)).sort());
  for (const file of found) await expectSameFile(file, to);
}

async function expectSameFile(file: string, target: string): Promise<void> {
  const original = join(source, relative(target, file));
  expect(await hashOf(createReadStream(file)), file).toBe(await hashOf(createReadStream(original)));
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const withoutOurs = (files: readonly string[]): string[] => files.filter((file) => !file.includes('.sluice-restore-'));

async function bytesOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const summaryOf = (stdout: string): Record<string, unknown> =>
  JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;

const hostileNames = [
  ' leading',
  'trailing ',
  'trailing.',
  '-rf',
  '--help',
  '~',
  '$HOME',
  '`id`',
  "quote's",
  '"double"',
  'back\\slash',
  'a*b?c[d]',
  '<xml>&amp;',
  '100%25',
  'plus+and space',
  'hash#frag?query',
  'semi;colon|pipe',
  'CON',
  'aux.txt',
  'C:drive',
  'caf\u00e9',
  'cafe\u0301',
  'Case',
  'case',
  '\u202egnp.exe',
  '\u{1f4a9} emoji',
  '你好/世界.txt',
  '...',
  '..hidden',
  'x'.repeat(255),
  `${'deep/'.repeat(40)}leaf`,
  'sluice-restore-.part',
];
