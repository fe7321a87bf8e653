// The main job, shown: an embedded local S3 (real HTTP, objects as files), a generated sample folder, Sluice keeping it there.
//   npm run demo             with its window: Electron where its binary is, else the same screens on 127.0.0.1
//   npm run demo -- --once   one pass, verified byte for byte, figures printed, exit code 0 when all is proven
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createSyncEngine } from '../main/engine/createSyncEngine.ts';
import { startDaemon } from '../main/headless/daemon/startDaemon.ts';
import { fileSecrets } from '../main/headless/fileSecrets.ts';
import { version } from '../main/headless/version.ts';
import { errorView } from '../shared/errors.ts';
import { StoreConnection } from '../shared/settings.ts';
import { formatRate, MiB } from '../shared/units.ts';
import { electronBinary } from './electronBinary.ts';
import { makeSample } from './makeSample.ts';

const { values: flags } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    /** 0: any free one. */
    port: { type: 'string', default: '0' },
    /** Small enough that the upload can be watched; change it under Settings. */
    limit: { type: 'string', default: '24' },
    files: { type: 'string', default: '3000' },
    'big-mib': { type: 'string', default: '1024' },
    keep: { type: 'boolean', default: false },
  },
});

const repository = fileURLToPath(new URL('..', import.meta.url));
const bucket = 'sluice-demo';
const prefix = 'sample/';

const place = await mkdtemp(join(tmpdir(), 'sluice-demo-'));
const folder = join(place, 'sample');
const dataDir = join(place, 'data');
await mkdir(folder);
await mkdir(dataDir, { mode: 0o700 });
const store = await startEmbeddedS3(join(place, 's3'));
let code = 1;
try {
  console.log(`Making a sample folder: ${flags.files} small files and one of ${flags['big-mib']} MiB in ${folder}`);
  await makeSample(folder, Number(flags.files), Number(flags['big-mib']));
  code = await (flags.once ? onePass() : window());
} catch (error) {
  const { message, remedy } = errorView(error);
  console.error(`${message}\n${remedy}`);
} finally {
  store.stop();
  if (!flags.keep) await rm(place, { recursive: true, force: true });
}
process.exitCode = code;

/** The product's own commands, as a script would run them. */
async function onePass(): Promise<number> {
  const uri = `s3://${bucket}/${prefix}`;
  const where = ['--endpoint-url', store.endpoint, '--data-dir', dataDir];
  const synced = await sluice(['sync', folder, uri, ...where]);
  if (synced !== 0) return synced;
  return sluice(['verify', folder, '--deep', '--data-dir', dataDir]);
}

async function window(): Promise<number> {
  const binary = await electronBinary();
  const engine = await createSyncEngine({
    dataDir,
    host: 'daemon',
    holder: 'the demo',
    version,
    secrets: fileSecrets(dataDir),
  });
  const limit = Number(flags.limit) * MiB;
  await engine.api.updateSettings({ maxBandwidthBytesPerSecond: limit > 0 ? limit : null });
  await engine.api.addFolder({
    path: folder,
    bucket,
    prefix,
    connection: {
      ...StoreConnection.parse({ endpointUrl: store.endpoint, pathStyle: true, region: 'us-east-1' }),
      credentials: { kind: 'chain', profile: null },
    },
    rules: { include: [], exclude: [] },
    objects: { storageClass: null, sse: { kind: 'bucket-default' }, foreign: 'keep' },
    deletes: { kind: 'never' },
    kind: 'kept',
  });
  const slowed =
    limit > 0 ? `, slowed down to ${formatRate(limit)} so that it can be watched (Settings changes it)` : '';
  console.log(`Keeping ${folder} in s3://${bucket}/${prefix}${slowed}.`);
  console.log(
    `The bucket's objects are plain files below ${join(place, 's3')}. Change a file in the folder and watch it follow. Ctrl-C ends it.`,
  );
  if (binary) {
    await engine.stop();
    const child = spawn(binary, [repository], {
      stdio: 'inherit',
      env: { ...process.env, ...keys(), SLUICE_DATA_DIR: dataDir },
    });
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    return exitCode ?? 1;
  }
  const daemon = await startDaemon({
    engine,
    port: Number(flags.port),
    rendererDir: join(repository, 'dist', 'renderer'),
  });
  console.log(`No Electron binary here; the same screens are on ${daemon.url}`);
  Object.assign(process.env, keys());
  await engine.start();
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await daemon.close();
  await engine.stop({ graceMs: 2000 });
  return 0;
}

async function sluice(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [join(repository, 'dist/main/sluice.js'), ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...keys() },
  });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  return exitCode ?? 1;
}

function keys() {
  return { AWS_ACCESS_KEY_ID: store.accessKeyId, AWS_SECRET_ACCESS_KEY: store.secretAccessKey };
}

/** The strict server of the tests, as a process of its own. */
async function startEmbeddedS3(dir: string) {
  const server = join(repository, 'test/support/s3/serve.ts');
  const child = spawn(process.execPath, [server, '--dir', dir, '--port', '0', '--bucket', bucket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error('The embedded S3 ended before it was ready');
  });
  const ready = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
  const [line] = await Promise.race([ready, ended]);
  ended.catch(() => undefined);
  const { endpoint, accessKeyId, secretAccessKey } = JSON.parse(line) as Record<
    'endpoint' | 'accessKeyId' | 'secretAccessKey',
    string
  >;
  return { endpoint, accessKeyId, secretAccessKey, stop: () => child.kill('SIGTERM') };
}
