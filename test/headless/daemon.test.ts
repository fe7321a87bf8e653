import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Daemon, startDaemon } from '../../main/headless/daemon/startDaemon.ts';
import type { Sentence } from '../../shared/sentence.ts';
import { createSyncApiClient } from '../../shared/wire.ts';
import { fakeEngine, folderView } from './support/fakeEngine.ts';

const scrapeToken = 'a-token-of-scrapers-and-of-nobody-else';
let root: string;
let daemon: Daemon;
let sentence: Sentence = { state: 'safe', text: 'All 3 files are safely in S3' };
const engine = fakeEngine(
  {
    dataDir: '/nowhere',
    host: 'daemon',
    holder: 'test',
    version: '1',
    secrets: { get: async () => null, set: async () => {}, delete: async () => {} },
  },
  { folders: [folderView()] },
);

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-daemon-'));
  const rendererDir = join(root, 'renderer');
  mkdirSync(join(rendererDir, 'assets'), { recursive: true });
  writeFileSync(join(rendererDir, 'index.html'), '<!doctype html><title>Sluice</title>');
  writeFileSync(join(rendererDir, 'assets', 'main-B1x2_Y3z.js'), 'export {}');
  writeFileSync(join(root, 'secret.json'), '"outside"');
  writeFileSync(join(rendererDir, '.hidden.json'), '"hidden"');
  symlinkSync(join(root, 'secret.json'), join(rendererDir, 'link.json'));
  const served = { api: engine.api, sentence: () => sentence, metrics: engine.metrics };
  daemon = await startDaemon({ engine: served, port: 0, rendererDir, scrapeToken });
});
afterAll(async () => {
  await daemon.close();
  rmSync(root, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(path: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: daemon.port, path, agent: false, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

const bearer = () => ({ Authorization: `Bearer ${daemon.token}` });

async function cookie(): Promise<string> {
  const { headers } = await ask(`/?token=${daemon.token}`);
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

describe('signing in', () => {
  it('turns the token of the printed address into a cookie that scripts and other sites cannot use, and a clean address', async () => {
    const url = new URL(daemon.url);
    expect(url.hostname).toBe('127.0.0.1');
    const answer = await ask(url.pathname + url.search);
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe('/');
    expect(answer.headers['set-cookie']?.[0]).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(answer.headers['set-cookie']?.[0]).not.toContain(daemon.token);
    const page = await ask('/', { headers: { Cookie: await cookie() } });
    expect(page).toMatchObject({ status: 200, body: expect.stringContaining('<title>Sluice') });
  });

  it('takes the token as a Bearer too', async () => {
    expect((await ask('/', { headers: bearer() })).status).toBe(200);
  });

  it.each([
    ['nothing', {}],
    ['a wrong Bearer', { Authorization: 'Bearer nope' }],
    ['an empty Bearer', { Authorization: 'Bearer ' }],
    ['a wrong cookie', { Cookie: 'sluice=1; sluice-1=2' }],
  ])('%s gets 401 and no page', async (_what, headers) => {
    for (const path of ['/', '/index.html', '/assets/main-B1x2_Y3z.js', '/nowhere']) {
      const answer = await ask(path, { headers: headers as Record<string, string> });
      expect(answer.status).toBe(401);
      expect(answer.body).not.toContain('<title>');
    }
  });

  it('with the token as the cookie or a prefix of the token fails', async () => {
    const { headers } = await ask(`/?token=${daemon.token}`);
    const name = headers['set-cookie']?.[0]?.split('=')[0];
    expect((await ask('/', { headers: { Cookie: `${name}=${daemon.token}` } })).status).toBe(401);
    expect((await ask(`/?token=${daemon.token.slice(0, -1)}`)).status).toBe(401);
    expect((await ask(`/?token=`)).status).toBe(401);
    expect((await ask(`/index.html?token=${daemon.token}`)).status).toBe(401);
  });
});

describe('a page of another site', () => {
  it.each([['evil.example'], ['evil.example:80'], ['127.0.0.1'], ['127.0.0.1:1'], ['localhost.evil.example']])(
    'that rebinds its name cannot ask as Host %j, even with the token',
    async (host) => {
      for (const path of ['/', '/healthz']) {
        expect((await ask(path, { headers: { ...bearer(), Host: host } })).status).toBe(403);
      }
    },
  );

  it('the loopback names are all ours', async () => {
    for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]']) {
      expect((await ask('/', { headers: { ...bearer(), Host: `${name}:${daemon.port}` } })).status).toBe(200);
    }
  });

  it('can send nothing that changes anything', async () => {
    const session = await cookie();
    for (const Origin of [
      'https://evil.example',
      'null',
      `http://127.0.0.1:${daemon.port + 1}`,
      `https://127.0.0.1:${daemon.port}`,
    ]) {
      const answer = await ask('/', { method: 'POST', headers: { Cookie: session, Origin } });
      expect(answer.status).toBe(403);
    }
    const own = { Cookie: session, Origin: `http://127.0.0.1:${daemon.port}` };
    expect((await ask('/', { method: 'POST', headers: own })).status).toBe(405);
  });

  it('cannot open the socket, even with the cookie', async () => {
    const session = await cookie();
    const refused = [
      { Cookie: session, Origin: 'https://evil.example' },
      { Cookie: session },
      { Origin: `http://127.0.0.1:${daemon.port}` },
      { Cookie: 'sluice=x', Origin: `http://127.0.0.1:${daemon.port}` },
      { ...bearer(), Host: 'evil.example' },
      { Authorization: 'Bearer wrong' },
    ];
    for (const headers of refused) expect(await handshake('/api', headers)).toBeGreaterThanOrEqual(401);
    expect(await handshake('/other', bearer())).toBe(404);
    expect(
      await handshake('/api', {
        Cookie: session,
        Origin: `http://localhost:${daemon.port}`,
        Host: `localhost:${daemon.port}`,
      }),
    ).toBe(101);
  });
});

describe('what pages get', () => {
  it('carries the strict headers, also on refusals', async () => {
    for (const answer of [await ask('/', { headers: bearer() }), await ask('/'), await ask('/healthz')]) {
      expect(answer.headers['content-security-policy']).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      });
    }
  });

  it('hashed assets may be kept for ever', async () => {
    const answer = await ask('/assets/main-B1x2_Y3z.js', { headers: bearer() });
    expect(answer).toMatchObject({ status: 200, body: 'export {}' });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
  });

  it.each([
    '/../secret.json',
    '/assets/../../secret.json',
    '/%2e%2e/secret.json',
    '/..%2fsecret.json',
    '/assets/..%5c..%5csecret.json',
    '/link.json',
    '/.hidden.json',
    '//secret.json',
    '/secret.json%00.html',
    '/%',
    '/assets',
    '/assets/',
  ])('nothing outside the built files: %s', async (path) => {
    const answer = await rawGet(path);
    expect(answer).toMatch(/^HTTP\/1\.1 (400|404) /);
    expect(answer).not.toContain('outside');
    expect(answer).not.toContain('hidden"');
  });
});

describe('/healthz', () => {
  it('answers the one honest sentence without a token', async () => {
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: `${JSON.stringify(sentence)}\n` });
  });

  it.each([
    ['safe', 200],
    ['uploading', 200],
    ['scanning', 200],
    ['paused', 200],
    ['empty', 200],
    ['attention', 200],
    ['offline', 503],
    ['error', 503],
  ] as const)('%s is %i', async (state, status) => {
    sentence = { state, text: 'x' };
    expect((await ask('/healthz')).status).toBe(status);
  });
});

describe('the socket', () => {
  it('carries SyncApi: calls, refusals of wrong parameters, updates', async () => {
    const socket = await openSocket();
    const api = createSyncApiClient({
      send: (message) => socket.send(JSON.stringify(message)),
      onMessage: (listener) => socket.on('message', (data: Buffer) => listener(JSON.parse(data.toString()))),
      onClose: (listener) => socket.on('close', listener),
    });
    expect((await api.snapshot({})).folders[0]?.uri).toBe('s3://bucket/');
    await expect(api.verifyFolder({ folderId: 'x' as never, deep: false })).rejects.toMatchObject({ code: 'usage' });
    const update = new Promise((resolve) => api.subscribe(resolve));
    await api.snapshot({});
    engine.push({ seq: 2, at: 5 });
    expect(await update).toMatchObject({ seq: 2 });
    socket.close();
  });

  it.each([
    ['not JSON', 'hello', 1007],
    ['a huge message', 'x'.repeat(2 * 1024 * 1024), 1009],
  ])('%s closes it and harms nobody', async (_what, message, code) => {
    const socket = await openSocket();
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.on('error', () => {});
    socket.send(message);
    expect(await closed).toBe(code);
    expect((await ask('/', { headers: bearer() })).status).toBe(200);
  });
});

describe('starting and stopping', () => {
  it('says which port is taken', async () => {
    await expect(startDaemon({ engine, port: daemon.port, rendererDir: root })).rejects.toMatchObject({
      code: 'usage',
      message: `Port ${daemon.port} is taken by another program`,
    });
  });

  it('listens on the loopback address only', async () => {
    const other = new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.2', port: daemon.port });
      socket.on('connect', () => resolve('connected')).on('error', () => resolve('refused'));
    });
    expect(await other).toBe('refused');
  });

  it('closes though a page is connected', async () => {
    const second = await startDaemon({ engine, port: 0, rendererDir: root });
    const socket = new WebSocket(`ws://127.0.0.1:${second.port}/api`, {
      headers: { Authorization: `Bearer ${second.token}` },
    });
    await new Promise((resolve) => socket.on('open', resolve));
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    await second.close();
    expect(await closed).toBe(1001);
  });
});

// Last: it fills the window of this daemon.
describe('what scrapers may see', () => {
  const scraper = { Authorization: `Bearer ${scrapeToken}` };

  it('the token of scrapers opens /metrics, and neither the page nor the interface', async () => {
    const { status, headers, body } = await ask('/metrics', { headers: scraper });
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(body).toContain('sluice_connections 3');
    expect((await ask('/', { headers: scraper })).status).toBe(401);
    expect((await ask('/index.html', { headers: scraper })).status).toBe(401);
  });

  it('nobody else sees them: no token, a wrong one, a foreign name', async () => {
    expect((await ask('/metrics')).status).toBe(401);
    expect([401, 429]).toContain((await ask('/metrics', { headers: { Authorization: 'Bearer wrong' } })).status);
    expect((await ask('/metrics', { headers: { ...scraper, Host: 'evil.example' } })).status).toBe(403);
    expect((await ask('/metrics', { headers: bearer() })).status).toBe(200);
  });
});

describe('guessing', () => {
  it('is answered 429 after a while, and does not lock the user out', async () => {
    const statuses: number[] = [];
    for (let guess = 0; guess < 30; guess++) statuses.push((await ask(`/?token=${guess}`)).status);
    expect(statuses.at(-1)).toBe(429);
    expect((await ask('/', { headers: bearer() })).status).toBe(200);
    expect((await ask(`/?token=${daemon.token}`)).status).toBe(303);
  });
});

function openSocket(): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${daemon.port}/api`, { headers: bearer() });
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** The status of a WebSocket handshake. */
function handshake(path: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${daemon.port}${path}`, { headers });
  return new Promise((resolve) => {
    socket.on('open', () => {
      resolve(101);
      socket.close();
    });
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      response.resume();
    });
    socket.on('error', () => {});
  });
}

/** A path as it is: clients clean `..` away before they send. */
function rawGet(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(daemon.port, '127.0.0.1', () => {
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${daemon.port}\r\nAuthorization: Bearer ${daemon.token}\r\nConnection: close\r\n\r\n`,
      );
    });
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
}
