import { openSync, read, readdirSync, readFileSync, statSync } from 'node:fs';
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { join, relative, sep } from 'node:path';

/*
 * The ceiling: the same bytes by bare node:http or node:https, no hash, no signature, no memory of what was sent. `rawUpload.ts FOLDER
 * ENDPOINT BUCKET PREFIX [CA]`. Files above 1 MiB go in PUTs of at most 64 MiB, 4 in flight, pumped in 1 MiB positional reads (256 KiB
 * over TLS) from a small pool of buffers; small ones whole, 64 in flight.
 */

const MiB = 1024 ** 2;
const putBytes = 64 * MiB;
const [folder, endpoint, bucket, prefix, caFile] = process.argv.slice(2) as [string, string, string, string, string?];
const url = new URL(endpoint);
const tls = url.protocol === 'https:';
const agentOptions = { keepAlive: true, maxSockets: 64 };
const agent = tls
  ? new HttpsAgent({ ...agentOptions, ca: caFile === undefined ? undefined : readFileSync(caFile) })
  : new HttpAgent(agentOptions);
const readBytes = tls ? MiB / 4 : MiB;
const pool: Buffer[] = [];

const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const small: { path: string; key: string }[] = [];
const large: { fd: number; key: string; offset: number; bytes: number }[] = [];
for (const path of paths) {
  const { size } = statSync(path);
  const key = `/${bucket}/${prefix}${relative(folder, path).split(sep).join('/')}`;
  if (size <= MiB) {
    small.push({ path, key });
    continue;
  }
  for (let offset = 0; offset < size; offset += putBytes)
    large.push({
      fd: -1,
      key: `${key}${size > putBytes ? `.${offset / putBytes}` : ''}`,
      offset,
      bytes: Math.min(putBytes, size - offset),
    });
  const pieces = Math.ceil(size / putBytes);
  const fd = openSync(path, 'r');
  for (const piece of large.slice(-pieces)) piece.fd = fd;
}

await Promise.all([lane(4, large, sendLarge), lane(64, small, sendSmall)]);
agent.destroy();

async function lane<T>(inFlight: number, queue: T[], send: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < queue.length) await send(queue[next++]!);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

function sendSmall({ path, key }: (typeof small)[number]): Promise<void> {
  const body = readFileSync(path);
  return answered(put(key, body.length), (request) => request.end(body));
}

function sendLarge(piece: (typeof large)[number]): Promise<void> {
  return answered(put(piece.key, piece.bytes), (request) => pump(request, piece));
}

function put(path: string, bytes: number): ClientRequest {
  const options = {
    host: url.hostname,
    port: url.port,
    method: 'PUT',
    path,
    agent,
    headers: { 'content-length': bytes },
  };
  return tls ? httpsRequest(options) : httpRequest(options);
}

function answered(request: ClientRequest, send: (request: ClientRequest) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (answer: IncomingMessage) => {
      answer.resume();
      answer.once('end', () =>
        answer.statusCode === 200 ? resolve() : reject(new Error(`answer ${answer.statusCode}`)),
      );
    });
    send(request);
  });
}

/** One read ahead of the socket; a buffer goes back to the pool when the socket has taken it. */
function pump(request: ClientRequest, { fd, offset, bytes }: (typeof large)[number]): void {
  let at = 0;
  const step = (): void => {
    const buffer = pool.pop() ?? Buffer.allocUnsafeSlow(readBytes);
    const want = Math.min(readBytes, bytes - at);
    read(fd, buffer, 0, want, offset + at, (error, got) => {
      if (error !== null || got !== want) return void request.destroy(error ?? new Error('short read'));
      at += got;
      const last = at === bytes;
      request.write(got === readBytes ? buffer : buffer.subarray(0, got), () => {
        pool.push(buffer);
        if (!last) step();
      });
      if (last) request.end();
    });
  };
  step();
}
