import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { answerS3, operationOf, type SinkStore } from './nodeSinkS3.ts';

/*
 * The sink where there is no rustc: what sink.rs does, in Node, so that it takes far more of the machine that it measures. `--max-rps N` as there. Prints its
 * port; listens on 127.0.0.1 alone.
 */

const { values } = parseArgs({ options: { 'max-rps': { type: 'string' } } });
const perSecond = values['max-rps'] === undefined ? null : Number(values['max-rps']);
const tailBytes = 512;
const counters = { bodyBytes: 0, connections: 0, rejected: 0 };
let requests: Record<string, number> = {};
const store: SinkStore = { objects: new Map(), uploads: new Map(), serial: 0, dataBytes: 0 };
let rate = { left: (perSecond ?? 0) / 10, at: performance.now() };

const server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 }, (request, response) => {
  serve(request, response).catch(() => request.socket.destroy());
});
server.on('connection', () => counters.connections++);
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sink');
  if (url.pathname.startsWith('/__sink/')) return control(url, response);
  const keep = request.method === 'POST';
  const kept: Buffer[] = [];
  let tail = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (keep) kept.push(chunk);
    if (request.headers['x-amz-trailer'] !== undefined) tail = Buffer.concat([tail, chunk]).subarray(-tailBytes);
  }
  // The TLS front drops bodies itself and says what they were.
  const taken = request.headers['x-sink-body-bytes'];
  if (typeof taken === 'string') {
    bytes = Number(taken);
    tail = Buffer.from(String(request.headers['x-sink-body-tail'] ?? ''), 'hex');
  }
  counters.bodyBytes += bytes;
  const operation = operationOf(request.method ?? '', url, request.headers);
  requests[operation] = (requests[operation] ?? 0) + 1;
  const refused = perSecond !== null && !granted(perSecond);
  if (refused) counters.rejected++;
  const body = { bytes, tail: tail.toString('latin1'), text: Buffer.concat(kept).toString() };
  const answer = refused
    ? {
        status: 503,
        headers: {},
        body: '<Error><Code>SlowDown</Code><Message>The sink says SlowDown.</Message></Error>',
      }
    : answerS3(store, operation, url, request.headers, body);
  response.writeHead(answer.status, {
    'x-amz-request-id': 'SINK',
    'content-length': Buffer.byteLength(answer.body),
    ...answer.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

function control(url: URL, response: ServerResponse): void {
  if (url.pathname === '/__sink/reset' || url.pathname === '/__sink/forget') {
    requests = {};
    Object.assign(counters, { bodyBytes: 0, connections: 0, rejected: 0 });
    store.dataBytes = 0;
    if (url.pathname.endsWith('forget')) {
      store.objects.clear();
      store.uploads.clear();
    }
    response.end('{}');
    return;
  }
  const bucket = url.searchParams.get('bucket');
  const under = bucket === null ? '' : `${bucket}/${url.searchParams.get('prefix') ?? ''}`;
  let [objects, objectBytes] = [0, 0];
  for (const [path, object] of store.objects) {
    if (!path.startsWith(under)) continue;
    objects++;
    objectBytes += object.size;
  }
  const { dataBytes } = store;
  response.end(
    JSON.stringify({ objects, objectBytes, uploadsOpen: store.uploads.size, dataBytes, ...counters, requests }),
  );
}

function granted(limit: number): boolean {
  const now = performance.now();
  const left = Math.min(Math.max(1, limit / 10), rate.left + ((now - rate.at) / 1000) * limit);
  rate = { left: left >= 1 ? left - 1 : left, at: now };
  return left >= 1;
}
