import { createServer, type IncomingHttpHeaders, type IncomingMessage, request as startRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PickyStore {
  readonly url: string;
  /** `METHOD /url` of what was refused, in order. */
  readonly refused: string[];
  close(): Promise<void>;
}

export interface PickyOptions {
  /** `http://127.0.0.1:9000`. */
  readonly target: string;
  /** A request of these headers is answered with this error, its body thrown away; null: it is passed on as it is. */
  readonly refuse?: (headers: IncomingHttpHeaders, subject: string) => Refusal | null;
  /** Of the names of the server's answers: these are not passed on. */
  readonly conceal?: RegExp;
}

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** An S3 that lacks something: in front of the whole one, it refuses some requests and keeps some headers to itself, its kind among them. */
export async function startPickyStore({ target, refuse, conceal }: PickyOptions): Promise<PickyStore> {
  const { hostname, port } = new URL(target);
  const refused: string[] = [];
  const pass = (request: IncomingMessage, response: import('node:http').ServerResponse): void => {
    const subject = `${request.method} ${request.url}`;
    const refusal = refuse?.(request.headers, subject) ?? null;
    if (refusal !== null) {
      refused.push(subject);
      request.resume();
      request.on('end', () => {
        response.writeHead(refusal.status, { 'content-type': 'application/xml' });
        response.end(
          request.method === 'HEAD'
            ? ''
            : `<?xml version="1.0"?><Error><Code>${refusal.code}</Code><Message>${refusal.message}</Message></Error>`,
        );
      });
      return;
    }
    const { method, url: path, headers } = request;
    const onward = startRequest({ hostname, port, method, path, headers }, (answer) => {
      const shown = Object.entries(answer.headers).filter(([name]) => name !== 'server' && !conceal?.test(name));
      response.writeHead(answer.statusCode ?? 500, Object.fromEntries(shown));
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  };
  const server = createServer(pass);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
