import { escapeText } from './bucketAddress.ts';
import { createHttpPool, type HttpPoolOptions } from './httpPool.ts';

/** What we use of the SDK's HttpRequest. */
export interface TransportRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | (string | null)[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface TransportResponse {
  readonly statusCode: number;
  readonly reason?: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** The SDK's request handler, ours, over a pool of its own. */
export interface Transport {
  readonly metadata: { readonly handlerProtocol: string };
  handle(request: TransportRequest, options?: { abortSignal?: unknown }): Promise<{ response: TransportResponse }>;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
  destroy(): void;
}

/** CompleteMultipartUpload and copies may say nothing while the store puts a large object together. */
const completePatience = 10;

const isAtStore = ({ method, query, headers }: Parameters<Transport['handle']>[0]): boolean =>
  (method === 'POST' && query?.uploadId !== undefined) || headers['x-amz-copy-source'] !== undefined;

export function createTransport(options: HttpPoolOptions): Transport {
  const pool = createHttpPool(options);
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request, { abortSignal } = {}) {
      const { status, reason, headers, body } = await pool.send({
        tls: request.protocol === 'https:',
        hostname: request.hostname.replace(/^\[|\]$/g, ''),
        port: request.port,
        method: request.method,
        path: pathOf(request),
        headers: request.headers,
        body: bodyOf(request.body),
        patience: isAtStore(request) ? completePatience : 1,
        signal: abortSignal instanceof AbortSignal ? abortSignal : undefined,
      });
      return { response: { statusCode: status, reason, headers: joined(headers), body } };
    },
    // the SDK offers its own defaults through these two; this handler is complete as it is
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => pool.close(),
  };
}

/** The SDK sends only requests that it can write down; file bytes go through the DataStore. */
function bodyOf(body: unknown): Uint8Array | string | null {
  if (body === undefined || body === null) return null;
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  throw new TypeError('the SDK made a body that is neither text nor bytes');
}

function joined(from: Readonly<Record<string, string | readonly string[] | undefined>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(from)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return headers;
}

/** The same escaping as the signature's. */
function pathOf(request: TransportRequest): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(request.query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      pairs.push(one === null ? escapeText(name) : `${escapeText(name)}=${escapeText(one)}`);
    }
  }
  return pairs.length === 0 ? request.path : `${request.path}?${pairs.join('&')}`;
}
