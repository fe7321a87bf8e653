import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type LinkChange, type LinkStats, type ShapedLinkOptions, startShapedLink } from './shapedLink.ts';

export interface ShapedLinkProcess {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  set(change: LinkChange): Promise<void>;
  stats(): Promise<LinkStats>;
  resetConnections(): Promise<void>;
  close(): Promise<void>;
}

/** The shaped link in a process of its own, so that it and what is measured don't wait for each other. It ends with its stdin. */
export async function spawnShapedLink(options: ShapedLinkOptions): Promise<ShapedLinkProcess> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  createInterface(child.stdout).on('line', (line) => waiting.shift()?.resolve(line));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  void ended.then(() => {
    for (const { reject } of waiting.splice(0)) reject(new Error('the shaped link has ended'));
  });
  const ask = (request: ShapedLinkOptions | Request): Promise<string> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify(request, infinityAsText)}\n`);
    });
  const { url, port } = JSON.parse(await ask(options)) as { url: string; port: number };
  return {
    url,
    port,
    pid: child.pid!,
    set: async (change) => void (await ask({ ask: 'set', change })),
    stats: async () => JSON.parse(await ask({ ask: 'stats' })) as LinkStats,
    resetConnections: async () => void (await ask({ ask: 'reset' })),
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

type Request =
  | { readonly ask: 'set'; readonly change: LinkChange }
  | { readonly ask: 'stats' }
  | { readonly ask: 'reset' };

// `node shapedLinkProcess.ts`: the first line of stdin is the options as JSON, answered by {url, port}; each later one a request, answered by a line.
if (import.meta.main) await serve();

async function serve(): Promise<void> {
  const lines = createInterface(process.stdin)[Symbol.asyncIterator]();
  const say = (answer: object): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);
  const first = await lines.next();
  if (first.done === true) return;
  const link = await startShapedLink(JSON.parse(first.value, textAsInfinity) as ShapedLinkOptions);
  say({ url: link.url, port: link.port });
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const request = JSON.parse(line.value, textAsInfinity) as Request;
    if (request.ask === 'set') link.set(request.change);
    if (request.ask === 'reset') link.resetConnections();
    say(request.ask === 'stats' ? link.stats() : {});
  }
  await link.close();
  process.exit(0);
}

function infinityAsText(_key: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? 'Infinity' : value;
}

function textAsInfinity(_key: string, value: unknown): unknown {
  return value === 'Infinity' ? Number.POSITIVE_INFINITY : value;
}
