import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface CannedServer {
  readonly endpoint: string;
  readonly port: number;
  /** `METHOD /path?query` of each request, in order. */
  readonly requests: string[];
  /** TCP connections accepted so far. */
  connections(): number;
  close(): Promise<void>;
}

export interface CannedOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The answer waits for the whole body unless false. */
  readonly readBody?: boolean;
}

/** A server that says exactly what a test wants to hear. */
export async function startCannedServer(
  answer: (req: IncomingMessage, res: ServerResponse, body: Buffer) => void,
  options: CannedOptions = {},
): Promise<CannedServer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const listener = (req: IncomingMessage, res: ServerResponse) => {
    requests.push(`${req.method} ${req.url}`);
    req.on('error', () => undefined);
    if (options.readBody === false) return answer(req, res, Buffer.alloc(0));
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => answer(req, res, Buffer.concat(chunks)));
  };
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

export function sendError(
  res: ServerResponse,
  status: number,
  code: string,
  extra = '',
  headers: Record<string, string> = {},
): void {
  res.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': 'REQ1', ...headers });
  res.end(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>said so</Message>${extra}</Error>`,
  );
}

export function sendXml(res: ServerResponse, body: string, headers: Record<string, string> = {}): void {
  res.writeHead(200, { 'content-type': 'application/xml', ...headers });
  res.end(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`);
}
