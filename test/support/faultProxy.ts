import { randomBytes } from 'node:crypto';
import { Agent, createServer, type IncomingMessage, type ServerResponse, request as startRequest } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SharedLine } from './faultProxyBandwidth.ts';
import { type BodyFaults, carryBody } from './faultProxyBody.ts';
import { type Fault, openRuleBook, type Rule, seededRandom } from './faultProxyRules.ts';
import { addressOf } from './s3/address.ts';
import { findOperation } from './s3/router.ts';

export type { Fault, Match, Rule } from './faultProxyRules.ts';

export interface FaultProxy {
  readonly url: string;
  readonly port: number;
  readonly rules: readonly Rule[];
  /** From the next request on; counts start again. */
  setRules(rules: readonly Rule[]): void;
  /** Per rule of the present list: requests it befell. */
  readonly hits: readonly number[];
  /** Of bodies passed on, since the start. */
  readonly bytes: { readonly toServer: number; readonly fromServer: number };
  /** Resets every open connection, as a network that goes away; new ones are taken. */
  resetConnections(): void;
  close(): Promise<void>;
}

export interface FaultProxyOptions {
  /** `http://127.0.0.1:9000`. */
  readonly target: string;
  readonly seed?: number;
  readonly rules?: readonly Rule[];
}

/** An HTTP proxy in front of an S3 server that passes requests on as they are, so that signatures hold, and breaks what its rules say. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const target = new URL(options.target);
  const random = seededRandom(options.seed ?? 1);
  const agent = new Agent({ keepAlive: true, maxSockets: 1000 });
  const bytes = { toServer: 0, fromServer: 0 };
  const clients = new Set<Socket>();
  let rules: readonly Rule[] = options.rules ?? [];
  let book = openRuleBook(rules, random);
  let lines = linesOf(rules);

  const handle = async (
    request: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
  ): Promise<void> => {
    const chosen = book.choose(request.method ?? 'GET', subjectOf(request));
    const find = <K extends Fault['kind']>(kind: K): Extract<Fault, { kind: K }> | undefined =>
      chosen.find(({ fault }) => fault.kind === kind)?.fault as Extract<Fault, { kind: K }> | undefined;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const shared = chosen.flatMap(({ rule }) => lines.get(rule) ?? []);
    const { socket } = request;
    const cut = (): void => {
      socket.resetAndDestroy();
    };

    const latency = find('latency');
    if (latency !== undefined)
      await delay(latency.ms + random() * (latency.jitterMs ?? 0), undefined, { signal: gone.signal });
    if (find('resetBeforeRequest') !== undefined) return cut();
    const status = find('status');
    if (status !== undefined) return answerStatus(request, response, status, expectsContinue);
    const lateError = find('errorIn200');
    if (lateError !== undefined && lateError.afterEffect !== true) {
      if (expectsContinue) response.writeContinue();
      request.resume();
      return answerErrorIn200(response);
    }

    const upstream = startRequest({
      host: target.hostname,
      port: target.port,
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      headers: forwardedHeaders(request),
      agent,
      setHost: false,
    });
    gone.signal.addEventListener('abort', () => {
      if (!response.writableFinished) upstream.destroy();
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      upstream.once('response', resolve);
      upstream.once('error', reject);
      upstream.once('close', () => reject(new Error('closed without an answer')));
    });
    answered.catch(() => undefined);
    if (expectsContinue) {
      upstream.on('continue', () => response.writeContinue());
      upstream.flushHeaders();
    }
    const corrupt = find('corruptBody');
    const stall = find('stall');
    const faults: BodyFaults = {
      lines: shared,
      resetAfterBytes: find('resetAfterBytes')?.bytes,
      stall: stall === undefined ? undefined : { afterBytes: stall.afterBytes, ms: stall.ms ?? null },
      corruptAt:
        corrupt === undefined ? undefined : Math.floor(random() * Number(request.headers['content-length'] ?? 1)),
      onBytes: (count) => {
        bytes.toServer += count;
      },
      signal: gone.signal,
    };
    const sent = carryBody(request, upstream, faults).then(
      (whole) => {
        if (whole) upstream.end();
        else {
          upstream.destroy();
          cut();
        }
      },
      (error: unknown) => {
        // A server may answer before it has read the body; only without an answer is this the end.
        upstream.destroy(error as Error);
      },
    );
    const answer = await answered;
    // A line that is dead is dead both ways, whatever the server says meanwhile.
    if (stall !== undefined) await sent;
    if (find('loseResponse') !== undefined || lateError !== undefined) {
      answer.resume();
      await new Promise((resolve) => answer.once('close', resolve));
      return lateError === undefined ? cut() : answerErrorIn200(response);
    }
    if (find('truncateResponse') !== undefined) return truncate(socket, answer);
    response.sendDate = false;
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', forwardedAnswerHeaders(answer));
    const onBytes = (count: number): void => {
      bytes.fromServer += count;
    };
    const resetAfterBytes = find('resetAnswerAfterBytes')?.bytes;
    const length = Number(answer.headers['content-length'] ?? 1);
    const corruptAt = find('corruptAnswer') === undefined ? undefined : Math.floor(random() * length);
    const faultsBack = { lines: shared, resetAfterBytes, corruptAt, onBytes, signal: gone.signal };
    if (!(await carryBody(answer, response, faultsBack))) {
      answer.destroy();
      return cut();
    }
    response.end();
    await sent;
  };

  const serve = (expectsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    request.on('error', () => undefined);
    // Whatever breaks between the two ends, the client sees a broken connection, as it would without a proxy.
    handle(request, response, expectsContinue).catch(() => socket.resetAndDestroy());
  };
  const server = createServer(serve(false));
  server.on('checkContinue', serve(true));
  server.on('connection', (socket) => {
    clients.add(socket);
    socket.once('close', () => clients.delete(socket));
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const resetConnections = (): void => {
    for (const socket of clients) socket.resetAndDestroy();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get rules() {
      return rules;
    },
    setRules: (next) => {
      rules = next;
      book = openRuleBook(next, random);
      lines = linesOf(next);
    },
    get hits() {
      return book.hits;
    },
    bytes,
    resetConnections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        resetConnections();
        agent.destroy();
      }),
  };
}

function linesOf(rules: readonly Rule[]): ReadonlyMap<number, SharedLine> {
  return new Map(
    rules.flatMap(({ fault }, rule) =>
      fault.kind === 'bandwidth' ? [[rule, new SharedLine(fault.bytesPerSecond)] as const] : [],
    ),
  );
}

function subjectOf(request: IncomingMessage): string {
  const plain = `${request.method} ${request.url}`;
  try {
    const { method, bucket, key, query, headers } = addressOf(request, undefined);
    const hasQuery = (name: string) => query.some((parameter) => parameter.name === name);
    const operation = findOperation({ method, bucket, key, hasQuery, hasHeader: (name) => headers.has(name) });
    return `${plain} ${operation?.name ?? ''}`;
  } catch {
    return plain;
  }
}

const hopByHop = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);

function forwardedHeaders(request: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, values = []] of Object.entries(request.headersDistinct)) {
    if (hopByHop.has(name) && name !== 'transfer-encoding') continue;
    headers[name] = values.length === 1 ? values[0]! : values;
  }
  return headers;
}

function forwardedAnswerHeaders(answer: IncomingMessage): string[] {
  const raw = answer.rawHeaders;
  const kept: string[] = [];
  for (let i = 0; i < raw.length; i += 2) if (!hopByHop.has(raw[i]!.toLowerCase())) kept.push(raw[i]!, raw[i + 1]!);
  return kept;
}

function answerStatus(
  request: IncomingMessage,
  response: ServerResponse,
  fault: Extract<Fault, { kind: 'status' }>,
  expectsContinue: boolean,
): void {
  const body = bodies[fault.code]();
  response.statusCode = fault.code;
  response.setHeader('content-type', 'application/xml');
  if (fault.retryAfterSeconds !== undefined) response.setHeader('retry-after', fault.retryAfterSeconds);
  // The body that the client still holds back must not be read as the next request.
  if (expectsContinue) response.setHeader('connection', 'close');
  else request.resume();
  response.end(request.method === 'HEAD' ? undefined : body);
}

const bodies: Record<Extract<Fault, { kind: 'status' }>['code'], () => string> = {
  // What a conditional write is told when another is under way: nothing was done, the whole upload begins again.
  409: () =>
    errorXml(
      'ConditionalRequestConflict',
      'The conditional request cannot succeed due to a conflicting operation against this resource.',
    ),
  500: internalError,
  503: () => errorXml('SlowDown', 'Please reduce your request rate.'),
};

async function answerErrorIn200(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/xml', 'x-amz-request-id': requestId() });
  response.write('<?xml version="1.0" encoding="UTF-8"?>\n');
  for (let i = 0; i < 3; i++) {
    await delay(10);
    response.write(' ');
  }
  response.end(internalError().replace(/^<\?xml.*?\?>\n/, ''));
}

function internalError(): string {
  return errorXml('InternalError', 'We encountered an internal error. Please try again.');
}

function errorXml(code: string, message: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message><RequestId>${requestId()}</RequestId><HostId>${randomBytes(48).toString('base64')}</HostId></Error>`;
}

function requestId(): string {
  return randomBytes(8).toString('hex').toUpperCase();
}

async function truncate(client: Socket, answer: IncomingMessage): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const head = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`;
  const headers = forwardedAnswerHeaders(answer);
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  if (body.length === 0) client.end(head + lines.slice(0, lines.length / 2), 'latin1');
  else {
    const length = answer.headers['content-length'] === undefined ? `content-length: ${body.length}\r\n` : '';
    client.write(`${head}${lines}${length}\r\n`, 'latin1');
    client.end(body.subarray(0, body.length >> 1));
  }
}
