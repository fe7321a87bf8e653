import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface RealServer {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly kind: 'versitygw';
  /** Its version as built: `v1.8.0`, or `PATH` for one that was found. */
  readonly version: string;
  readonly pid: number;
  close(): Promise<void>;
}

/** Pinned: another version may be stricter or laxer, and a test must not change its mind by itself. */
const version = 'v1.8.0';
const buildTimeoutMs = 8 * 60_000;
const startTimeoutMs = 30_000;

/**
 * An S3 server that we did not write, posix-backed in a temp folder, on 127.0.0.1. Built with Go into `SLUICE_TEST_CACHE` (default: a folder
 * under the system's temp) the first time. null, and one line on stderr saying why, where that can't be done.
 */
export async function startRealServer(): Promise<RealServer | null> {
  const found = await findBinary();
  if (typeof found === 'string') return unavailable(found);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-versitygw-'));
  const [objects, sidecar] = [join(folder, 'objects'), join(folder, 'sidecar')];
  await Promise.all([mkdir(objects), mkdir(sidecar)]);
  const port = await freePort();
  const keys = {
    accessKeyId: `real${randomBytes(6).toString('hex')}`,
    secretAccessKey: randomBytes(20).toString('hex'),
  };
  const region = 'us-east-1';
  // Metadata in files of its own: not every temp folder's file system keeps extended attributes.
  const child = spawn(
    found.path,
    [
      '--port',
      `127.0.0.1:${port}`,
      '--region',
      region,
      '--health',
      '/health',
      '--quiet',
      'posix',
      '--sidecar',
      sidecar,
      objects,
    ],
    {
      env: { ...process.env, ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  const endOnExit = (): void => void child.kill('SIGKILL');
  process.once('exit', endOnExit);
  const close = async (): Promise<void> => {
    process.off('exit', endOnExit);
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  const endpoint = `http://127.0.0.1:${port}`;
  if (!(await answers(`${endpoint}/health`, child))) {
    await close();
    return unavailable(`it did not answer: ${said.trim().split('\n').at(-1) ?? ''}`);
  }
  return { endpoint, ...keys, region, kind: 'versitygw', version: found.version, pid: child.pid as number, close };
}

function unavailable(reason: string): null {
  process.stderr.write(`versitygw ${version} is not available: ${reason.replaceAll('\n', ' ')}\n`);
  return null;
}

/** A string says why there is none. */
async function findBinary(): Promise<{ readonly path: string; readonly version: string } | string> {
  const cache = process.env.SLUICE_TEST_CACHE ?? join(tmpdir(), 'sluice-test-tools');
  const name = process.platform === 'win32' ? 'versitygw.exe' : 'versitygw';
  const path = join(cache, `versitygw-${version}`, name);
  if (existsSync(path)) return { path, version };
  if (onPath('go') !== null) {
    const reason = await build(cache, path, name);
    return reason ?? { path, version };
  }
  const other = onPath('versitygw');
  return other === null ? 'no Go on the PATH to build it with' : { path: other, version: 'PATH' };
}

async function build(cache: string, path: string, name: string): Promise<string | null> {
  await mkdir(join(path, '..'), { recursive: true });
  const fresh = await mkdtemp(join(cache, 'build-'));
  try {
    await promisify(execFile)('go', ['install', `github.com/versity/versitygw/cmd/versitygw@${version}`], {
      cwd: fresh,
      env: { ...process.env, GOBIN: fresh, GOFLAGS: '-buildvcs=false' },
      timeout: buildTimeoutMs,
    });
    // In one step, so that two builds at once don't leave half a program.
    await rename(join(fresh, name), path);
    return null;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return `go install failed: ${(stderr ?? '').trim().split('\n').at(-1) || message}`;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

function onPath(program: string): string | null {
  const names = process.platform === 'win32' ? [`${program}.exe`] : [program];
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.flatMap((folder) => names.map((each) => join(folder, each))).find((each) => existsSync(each)) ?? null;
}

async function answers(url: string, child: ChildProcess): Promise<boolean> {
  for (const until = Date.now() + startTimeoutMs; Date.now() < until && child.exitCode === null; await delay(100)) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return true;
  }
  return false;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await gone;
  clearTimeout(timer);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

// `node realServer.ts`: one JSON line with endpoint and keys when ready; SIGTERM ends it. Exit 1 where there is no such server.
if (import.meta.main) {
  const server = await startRealServer();
  if (server === null) process.exit(1);
  const { endpoint, accessKeyId, secretAccessKey, region, kind } = server;
  process.stdout.write(
    `${JSON.stringify({ endpoint, accessKeyId, secretAccessKey, region, kind, version: server.version })}\n`,
  );
  const stop = (): void => void server.close().then(() => process.exit(0));
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
