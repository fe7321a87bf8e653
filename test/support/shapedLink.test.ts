import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { MiB } from '../../shared/units.ts';
import type { ShapedLinkOptions } from './shapedLink.ts';
import { type ShapedLinkProcess, spawnShapedLink } from './shapedLinkProcess.ts';

const megabit = 125_000;
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe('the shaped link', () => {
  it('passes what its rate allows, by one connection or by many, whatever the round trip', async () => {
    for (const [rate, rttMs, connections] of [
      [100 * megabit, 100, 1],
      [100 * megabit, 100, 16],
      [100 * megabit, 2, 4],
      [20 * megabit, 50, 4],
    ] as const) {
      const line = await open({ upBytesPerSecond: rate, rttMs });
      for (let i = 0; i < connections; i++) pour(line.link.port);
      await sleep(1500);
      const measured = await rateOver(line.link, 2000);
      expect(measured / rate, `${rate} B/s, ${rttMs} ms, ${connections} connections`).toBeGreaterThan(0.97);
      expect(measured / rate).toBeLessThan(1.03);
      await line.close();
    }
  });

  it('is fair to its connections', async () => {
    const line = await open({ upBytesPerSecond: 50 * megabit, rttMs: 20 });
    for (let i = 0; i < 5; i++) pour(line.link.port);
    await sleep(1000);
    const before = [...line.received.values()];
    await sleep(1500);
    const shares = [...line.received.values()].map((bytes, i) => bytes - before[i]!);
    expect(Math.min(...shares) / Math.max(...shares)).toBeGreaterThan(0.8);
  });

  it('takes its round trip, and more when its queue is full', async () => {
    const line = await open({ upBytesPerSecond: 100 * megabit, rttMs: 100, queueMs: 200 });
    const idle = await roundTrip(line.link.port);
    expect(idle).toBeGreaterThan(100);
    expect(idle).toBeLessThan(110);
    for (let i = 0; i < 4; i++) pour(line.link.port);
    await sleep(2000);
    const loaded = await roundTrip(line.link.port);
    expect(loaded).toBeGreaterThan(270);
    expect(loaded).toBeLessThan(360);
  });

  it('starts a connection slowly, and holds it to its window', async () => {
    const line = await open({ upBytesPerSecond: 1000 * megabit, rttMs: 100, maxWindowBytes: 512 * 1024 });
    pour(line.link.port);
    await sleep(350);
    // The handshake, then one window, and its double is under way.
    expect([...line.received.values()][0] ?? 0).toBeLessThan(3 * 14_600 + 1460);
    await sleep(1500);
    const measured = await rateOver(line.link, 2000);
    expect(measured / (512 * 1024 * 10)).toBeGreaterThan(0.9);
    expect(measured / (512 * 1024 * 10)).toBeLessThan(1.01);
  });

  it('follows a change of its rate at once', async () => {
    const line = await open({ upBytesPerSecond: 80 * megabit, rttMs: 40 });
    for (let i = 0; i < 3; i++) pour(line.link.port);
    await sleep(1000);
    await line.link.set({ upBytesPerSecond: 8 * megabit });
    await sleep(300);
    expect((await rateOver(line.link, 1500)) / (8 * megabit)).toBeLessThan(1.05);
    await line.link.set({ upBytesPerSecond: 80 * megabit });
    await sleep(500);
    expect((await rateOver(line.link, 1500)) / (80 * megabit)).toBeGreaterThan(0.95);
  });

  it('carries every byte in order both ways, and the end of each', async () => {
    const line = await open({
      upBytesPerSecond: 400 * megabit,
      rttMs: 10,
      stalls: { perMiB: 0.05, minMs: 20, maxMs: 60 },
    });
    const sent = Buffer.alloc(8 * MiB, (Math.random() * 1e9).toString(36));
    for (let i = 0; i < sent.length; i += 4096) sent.writeUInt32LE(i, i);
    const chunks: Buffer[] = [];
    const socket = connect(line.link.port, '127.0.0.1');
    socket.end(Buffer.concat([Buffer.from('echo'), sent]));
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  });

  it('resets the connections that are doomed, and no other', async () => {
    const line = await open({
      upBytesPerSecond: 800 * megabit,
      rttMs: 1,
      resets: { perConnection: 0.5, withinBytes: MiB },
    });
    const sockets = Array.from({ length: 40 }, () => pour(line.link.port));
    await sleep(2500);
    const broken = sockets.filter((socket) => socket.destroyed).length;
    expect(broken).toBe((await line.link.stats()).resets);
    expect(broken).toBeGreaterThan(5);
    expect(broken).toBeLessThan(35);
  });

  it('carries a gigabit on half a core', async () => {
    const line = await open({ upBytesPerSecond: 1000 * megabit, rttMs: 20 });
    for (let i = 0; i < 8; i++) pour(line.link.port);
    await sleep(1000);
    const before = await line.link.stats();
    await sleep(2000);
    const after = await line.link.stats();
    const rate = (after.bytesUp - before.bytesUp) / ((after.elapsedMs - before.elapsedMs) / 1000);
    process.stdout.write(
      `1 Gbit/s: ${(rate / megabit).toFixed(0)} Mbit/s at ${((after.cpuSeconds - before.cpuSeconds) / ((after.elapsedMs - before.elapsedMs) / 1000)).toFixed(2)} cores\n`,
    );
    expect((after.cpuSeconds - before.cpuSeconds) / (rate / (1000 * megabit))).toBeLessThan(2 * 0.6);
  });
});

/** A line in front of a server that swallows; or echoes, when told so by the first bytes. */
async function open(options: Omit<ShapedLinkOptions, 'target'>): Promise<{
  link: ShapedLinkProcess;
  received: Map<Socket, number>;
  close(): Promise<void>;
}> {
  const received = new Map<Socket, number>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    let echoes: boolean | null = null;
    received.set(socket, 0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const bytes = chunk as Buffer;
      received.set(socket, received.get(socket)! + bytes.length);
      const first = echoes === null;
      echoes ??= bytes.subarray(0, 4).toString() === 'echo';
      if (echoes) socket.write(first ? bytes.subarray(4) : bytes);
    });
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const link = await spawnShapedLink({ ...options, target: `http://127.0.0.1:${port}` });
  let open = true;
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    for (const socket of sockets.splice(0)) socket.destroy();
    await link.close();
    for (const socket of received.keys()) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  ends.push(close);
  return { link, received, close };
}

const sockets: Socket[] = [];

function pour(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  const block = Buffer.alloc(256 * 1024, 1);
  const write = (): void => {
    while (!socket.destroyed && socket.write(block));
  };
  socket
    .on('connect', write)
    .on('drain', write)
    .on('error', () => undefined);
  sockets.push(socket);
  return socket;
}

/** Of an open connection, ms. */
async function roundTrip(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.setNoDelay(true);
  socket.write('echo?');
  await new Promise((resolve) => socket.once('data', resolve));
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const startedAt = performance.now();
    socket.write('?');
    await new Promise((resolve) => socket.once('data', resolve));
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b)[2]!;
}

async function rateOver(link: ShapedLinkProcess, ms: number): Promise<number> {
  const before = await link.stats();
  await sleep(ms);
  const after = await link.stats();
  return (after.bytesUp - before.bytesUp) / ((after.elapsedMs - before.elapsedMs) / 1000);
}
