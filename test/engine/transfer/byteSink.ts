import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ByteSink {
  readonly endpoint: string;
  /** Bytes of all sockets, heads and framing included. */
  receivedBytes(): number;
  /** Bodies by URL path and query, aws-chunked framing taken off. */
  readonly bodies: Map<string, Buffer>;
  readonly aborted: string[];
  close(): Promise<void>;
}

/** Takes every PUT, keeps its body unless `discard`, and answers as S3 does, with the checksum that came as a header. `delayMs` before each answer. */
export async function startByteSink({ discard = false, delayMs = 0 } = {}): Promise<ByteSink> {
  const bodies = new Map<string, Buffer>();
  const aborted: string[] = [];
  let closedBytes = 0;
  const open = new Set<{ bytesRead: number }>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => {
      if (!discard) chunks.push(chunk);
    });
    request.on('close', () => {
      if (!request.complete) aborted.push(request.url ?? '');
    });
    request.on('end', () => {
      if (!discard) bodies.set(decodeURIComponent(request.url ?? ''), bodyOf(request, Buffer.concat(chunks)));
      const checksum = request.headers['x-amz-checksum-crc32'];
      const head = { etag: '"0123456789abcdef0123456789abcdef"', 'content-length': '0' };
      setTimeout(() => {
        response.writeHead(200, checksum === undefined ? head : { ...head, 'x-amz-checksum-crc32': checksum }).end();
      }, delayMs);
    });
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => {
      open.delete(socket);
      closedBytes += socket.bytesRead;
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    receivedBytes: () => [...open].reduce((sum, socket) => sum + socket.bytesRead, closedBytes),
    bodies,
    aborted,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function bodyOf(request: IncomingMessage, raw: Buffer): Buffer {
  if (!request.headers['content-encoding']?.includes('aws-chunked')) return raw;
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = raw.indexOf('\r\n', at);
    const length = Number.parseInt(raw.toString('latin1', at, lineEnd), 16);
    if (!(length > 0)) return Buffer.concat(parts);
    parts.push(raw.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
}
