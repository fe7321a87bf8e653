import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { WireRequest } from '../../../main/engine/store/exchange.ts';
import { hasLeft } from '../../../main/engine/store/meteredAs.ts';
import { createSocketPool, type SocketPool } from '../../../main/engine/store/socketPool.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Place {
  readonly port: number;
  readonly server: Server;
  /** What came, by connection. */
  readonly heads: string[][];
}

/** A store that says `answer` to each head. */
async function place(answer: (socket: Socket, request: number) => void): Promise<Place> {
  const heads: string[][] = [];
  let requests = 0;
  const server = createServer((socket) => {
    const mine: string[] = [];
    heads.push(mine);
    closers.push(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      mine.push(bytes.toString('latin1'));
      answer(socket, ++requests);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, server, heads };
}

const ok = (socket: Socket): void => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');

function pool(maxSockets: number): SocketPool {
  const one = createSocketPool({
    ...{ maxSockets, stallTimeoutMs: 20_000, connectTimeoutMs: 10_000, ca: undefined, verifyTls: true },
  });
  closers.push(() => one.close());
  return one;
}

const request = (port: number, more: Partial<WireRequest> = {}): WireRequest => ({
  ...{ tls: false, hostname: '127.0.0.1', port, method: 'GET', path: '/', headers: ['host', 'x'] },
  ...{ body: null, fresh: false, signal: undefined, ...more },
});

describe('a request that waits for a free connection', () => {
  it('and wants one of its own never gets one that carried another', async () => {
    const { port, heads } = await place(ok);
    const { send } = pool(1);
    await Promise.all([send(request(port)), send(request(port, { fresh: true }))]);
    expect(heads.map((each) => each.length)).toEqual([1, 1]);
  });

  it('of another place goes when one is free, not when that has been idle long enough', async () => {
    const [a, b] = [await place(ok), await place(ok)];
    const { send } = pool(1);
    const startedAt = performance.now();
    await Promise.all([send(request(a.port)), send(request(b.port))]);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  it('leaves it when it is aborted, and is none that left', async () => {
    const { port, heads } = await place((socket) => setTimeout(ok, 100, socket));
    const { send } = pool(1);
    const abort = new AbortController();
    const first = send(request(port));
    const second = send(request(port, { signal: abort.signal })).catch((error: Error) => error);
    abort.abort();
    const error = await second;
    expect(error).toMatchObject({ name: 'AbortError' });
    expect(hasLeft(error)).toBe(false);
    expect((await first).status).toBe(200);
    expect((await send(request(port))).status).toBe(200);
    expect(heads.flat()).toHaveLength(2);
  });

  it('and can’t be sent is refused at once, not in the middle of another’s answer', async () => {
    const { port } = await place((socket) => setTimeout(ok, 50, socket));
    const { send } = pool(1);
    const first = send(request(port));
    const error = await send(request(port, { headers: ['host', 'a\r\nb: c'] })).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'internal' });
    expect(hasLeft(error)).toBe(false);
    expect((await first).status).toBe(200);
    expect((await send(request(port))).status).toBe(200);
  });
});

describe('a connection', () => {
  it('that the server closed between two requests is replaced, also where bytes nobody asked for came first', async () => {
    const { port, heads } = await place((socket, count) => {
      ok(socket);
      if (count === 1) setTimeout(() => socket.end('HTTP/1.1 408 Timeout\r\ncontent-length: 0\r\n\r\n'), 20);
    });
    const { send } = pool(1);
    await send(request(port));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await send(request(port))).status).toBe(200);
    expect(heads).toHaveLength(2);
  });

  it('passes over interim answers, and reads no body behind a HEAD’s', async () => {
    const { port, heads } = await place((socket, count) =>
      count === 1
        ? void socket.write(
            'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nx: y\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n',
          )
        : ok(socket),
    );
    const { send } = pool(1);
    expect((await send(request(port, { method: 'HEAD' }))).headers['content-length']).toBe('9');
    expect((await send(request(port))).body.toString()).toBe('ok');
    expect(heads).toHaveLength(1);
  });

  it('whose body isn’t all out when it is refused carries nothing else', async () => {
    const { port, heads } = await place((socket, count) => {
      if (count > 1) return ok(socket);
      socket.write('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno');
      socket.pause();
    });
    const { send } = pool(1);
    const refused = await send(request(port, { method: 'PUT', body: Buffer.alloc(64 * 1024 * 1024) }));
    expect(refused.status).toBe(403);
    expect((await send(request(port))).status).toBe(200);
    expect(heads).toHaveLength(2);
  });

  it('ends with the pool: what is under way and what waits are told so', async () => {
    const { port } = await place(() => undefined);
    const one = pool(1);
    const both = Promise.allSettled([one.send(request(port)), one.send(request(port))]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    one.close();
    for (const each of await both) expect(each).toMatchObject({ status: 'rejected', reason: { name: 'AbortError' } });
    await expect(one.send(request(port))).rejects.toMatchObject({ name: 'AbortError' });
  });
});
