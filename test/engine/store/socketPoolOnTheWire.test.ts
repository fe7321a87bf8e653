import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { WireRequest } from '../../../main/engine/store/exchange.ts';
import { createSocketPool, type SocketPool } from '../../../main/engine/store/socketPool.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const ok = 'HTTP/1.1 200 OK\r\netag: "e"\r\ncontent-length: 0\r\n\r\n';

/** Speaks raw TCP: `talk` gets each connection, and each request's head with what follows it. */
async function serve(talk: (socket: Socket, request: string, connection: number) => void) {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    const number = ++connections;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      heads.push(text);
      talk(socket, text, number);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, heads, sockets, connections: () => connections };
}

function open(maxSockets = 4): SocketPool {
  const pool = createSocketPool({
    ...{ maxSockets, stallTimeoutMs: 5_000, connectTimeoutMs: 5_000, ca: undefined, verifyTls: true },
  });
  closers.push(() => pool.close());
  return pool;
}

const request = (port: number, more: Partial<WireRequest> = {}): WireRequest => ({
  ...{ tls: false, hostname: '127.0.0.1', port, method: 'PUT', path: '/b/k', body: Buffer.from('x') },
  ...{ headers: ['host', 'h', 'content-length', '1'], fresh: false, signal: undefined },
  ...more,
});

describe('connections for files', () => {
  it('carry one request after the other, and their answers come in any pieces', async () => {
    const server = await serve(async (socket) => {
      for (const piece of [
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ',
        'OK\r\nconte',
        'nt-length: 2\r\n\r\n',
        'o',
        'k',
      ]) {
        socket.write(piece);
        await sleep(5);
      }
    });
    const pool = open();
    for (let i = 0; i < 3; i++) expect((await pool.send(request(server.port))).body.toString()).toBe('ok');
    expect(server.connections()).toBe(1);
  });

  it('that said something unasked are not used again', async () => {
    const server = await serve((socket, _request, connection) => {
      socket.write(ok);
      if (connection === 1)
        setTimeout(() => socket.write('HTTP/1.1 200 OK\r\netag: "forged"\r\ncontent-length: 0\r\n\r\n'), 20);
    });
    const pool = open();
    await pool.send(request(server.port));
    await sleep(100);
    expect((await pool.send(request(server.port))).headers.etag).toBe('"e"');
    expect(server.connections()).toBe(2);
  });

  it('that the server closed meanwhile are not used again', async () => {
    const server = await serve((socket, _request, connection) => {
      socket.write(ok);
      if (connection === 1) setTimeout(() => socket.end(), 20);
    });
    const pool = open();
    await pool.send(request(server.port));
    await sleep(100);
    expect((await pool.send(request(server.port))).status).toBe(200);
    expect(server.connections()).toBe(2);
  });

  it('are as many as allowed: the rest waits its turn, and who is called off while waiting never goes', async () => {
    const answers: (() => void)[] = [];
    const server = await serve((socket) => answers.push(() => socket.write(ok)));
    const pool = open(1);
    const first = pool.send(request(server.port, { path: '/b/1' }));
    const abort = new AbortController();
    const second = pool.send(request(server.port, { path: '/b/2', signal: abort.signal }));
    const third = pool.send(request(server.port, { path: '/b/3' }));
    while (answers.length === 0) await sleep(5);
    abort.abort();
    await expect(second).rejects.toMatchObject({ name: 'AbortError' });
    answers.shift()?.();
    await first;
    while (answers.length === 0) await sleep(5);
    answers.shift()?.();
    await third;
    expect(server.heads.map((head) => head.split(' ')[1])).toEqual(['/b/1', '/b/3']);
    expect(server.connections()).toBe(1);
  });

  it('end with a refusal that comes before the body is out: the rest is not sent', async () => {
    const server = await serve((socket) => socket.write('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n'));
    const pool = open();
    let ended = false;
    const answer = await pool.send(
      request(server.port, {
        headers: ['host', 'h', 'content-length', '1000000'],
        body: {
          length: 1_000_000,
          trailer: null,
          pump: async (destination) => {
            destination.on('close', () => {
              ended = true;
            });
            destination.write(Buffer.alloc(1000));
            await once(destination, 'close');
          },
        },
      }),
    );
    expect(answer.status).toBe(403);
    await sleep(20);
    expect(ended).toBe(true);
  });

  it('are never given a header that could begin another line', async () => {
    const server = await serve((socket) => socket.write(ok));
    const pool = open();
    for (const value of ['a\r\nx-amz-acl: public-read', 'a\nb', 'a\0b', 'snow\u2603'])
      await expect(
        pool.send(request(server.port, { headers: ['host', 'h', 'x-amz-meta-a', value] })),
      ).rejects.toThrow();
    await expect(pool.send(request(server.port, { path: '/b/k HTTP/1.1\r\nhost: evil' }))).rejects.toThrow();
    expect(server.heads).toEqual([]);
    // And the pool is none the worse for it.
    expect((await pool.send(request(server.port))).status).toBe(200);
  });

  it('that are closed fail what they carry and what waits for them', async () => {
    const server = await serve(() => undefined);
    const pool = open(1);
    const sent = [pool.send(request(server.port)), pool.send(request(server.port))];
    while (server.heads.length === 0) await sleep(5);
    pool.close();
    for (const one of sent) await expect(one).rejects.toMatchObject({ name: 'AbortError' });
    await expect(pool.send(request(server.port))).rejects.toMatchObject({ name: 'AbortError' });
  });
});
