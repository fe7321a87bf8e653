import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compile } from '../compile.ts';

export interface SinkCounts {
  /** Of the bucket and prefix asked for. */
  readonly objects: number;
  readonly objectBytes: number;
  readonly uploadsOpen: number;
  /** Bodies as received, framing of aws-chunked included. */
  readonly bodyBytes: number;
  /** What the bodies carried. */
  readonly dataBytes: number;
  readonly connections: number;
  /** Answered 503. */
  readonly rejected: number;
  /** By S3 operation. */
  readonly requests: Readonly<Record<string, number>>;
}

export interface Sink {
  readonly endpoint: string;
  readonly port: number;
  /** `rust`: cheap enough to measure beside; `node`: it takes so much of the machine that ratios are lower bounds. */
  readonly kind: 'rust' | 'node';
  counts(bucket?: string, prefix?: string): Promise<SinkCounts>;
  /** Counters to 0; objects stay. */
  reset(): Promise<void>;
  /** Everything it remembers. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

export interface SinkOptions {
  readonly maxRps?: number;
  /** Rust where it can be, unless given. */
  readonly kind?: Sink['kind'];
}

export interface TlsFront {
  readonly endpoint: string;
  /** PEM of the authority that its certificate is from. */
  readonly caFile: string;
  close(): Promise<void>;
}

/** The sink as a process of its own on 127.0.0.1: in Rust, or in Node where there is no rustc. `maxRps`: 503 SlowDown above so many requests a second. */
export async function startSink(options: SinkOptions = {}): Promise<Sink> {
  const limit = options.maxRps === undefined ? [] : ['--max-rps', String(options.maxRps)];
  const built =
    options.kind === 'node' ? 'not asked for' : await compile(fileURLToPath(new URL('./sink.rs', import.meta.url)));
  if (options.kind === 'rust' && typeof built === 'string') throw new Error(built);
  const kind = typeof built === 'string' ? 'node' : 'rust';
  const child =
    typeof built === 'string'
      ? start(process.execPath, [fileURLToPath(new URL('./nodeSink.ts', import.meta.url)), ...limit])
      : start(built.path, limit);
  const port = await printedPort(child);
  const control = async (method: string, path: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}/__sink/${path}`, { method });
    if (!answer.ok) throw new Error(`the sink answers ${answer.status} to ${path}`);
    return answer.json();
  };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    kind,
    counts: async (bucket, prefix = '') => {
      const query = new URLSearchParams(bucket === undefined ? {} : { bucket, prefix });
      return (await control('GET', `counts?${query}`)) as SinkCounts;
    },
    reset: async () => void (await control('POST', 'reset')),
    forget: async () => void (await control('POST', 'forget')),
    close: () => end(child),
  };
}

/** TLS in front of a sink, in Go; a string says why there can be none. */
export async function startTlsFront(sink: Sink): Promise<TlsFront | string> {
  const built = await compile(fileURLToPath(new URL('./tlsFront.go', import.meta.url)));
  if (typeof built === 'string') return built;
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-tls-'));
  const caFile = join(folder, 'ca.pem');
  const child = start(built.path, [String(sink.port), caFile]);
  const port = await printedPort(child);
  return {
    endpoint: `https://127.0.0.1:${port}`,
    caFile,
    close: async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = (): boolean => child.kill();
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
  return child;
}

async function printedPort(child: ChildProcess): Promise<number> {
  const lines = createInterface({ input: child.stdout! });
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`the sink ended with ${code}`);
  });
  gone.catch(() => undefined);
  const [line] = (await Promise.race([once(lines, 'line'), gone])) as [string];
  return Number(line);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}
