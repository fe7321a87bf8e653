import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bandwidthOver, newBandwidthMemory } from '../../../main/engine/transfer/bandwidth.ts';
import { createBufferPool } from '../../../main/engine/transfer/bufferPool.ts';
import { memoryBudgetOver, newBudgetMemory } from '../../../main/engine/transfer/memoryBudget.ts';
import { type PumpedRange, pumpBody } from '../../../main/engine/transfer/pumpedBody.ts';
import { SluiceError } from '../../../shared/errors.ts';
import { KiB, MiB } from '../../../shared/units.ts';

const content = randomBytes(12 * MiB + 17);

describe('a pumped body', () => {
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'sluice-pump-'));
    await writeFile(join(place, 'file'), content);
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  const memory = newBudgetMemory(8 * MiB, 1);
  const budget = memoryBudgetOver(memory);
  const buffers = createBufferPool(budget, 0);
  const bandwidth = bandwidthOver(newBandwidthMemory());

  const pump = async (
    destination: Writable,
    range: Partial<PumpedRange> & { offset: number; length: number },
  ): Promise<{ sent: number; sum: number }> => {
    const file = await open(join(place, 'file'));
    const seen = { sent: 0, sum: 0 };
    try {
      await pumpBody(
        {
          source: { fd: file.fd, check: async () => undefined },
          mayBlock: false,
          threads: 1,
          tls: false,
          buffers,
          bandwidth,
          signal: new AbortController().signal,
          onRead: (bytes) => {
            seen.sum = crc32(bytes, seen.sum);
          },
          onSent: (bytes) => {
            seen.sent += bytes;
          },
          ...range,
        },
        destination,
      );
      return seen;
    } finally {
      await file.close();
    }
  };

  it.each([false, true])('arrives as it is, from any offset, summed once (blocking reads: %s)', async (mayBlock) => {
    for (const [offset, length] of [
      [0, content.length],
      [5, 3 * MiB],
      [content.length - 1, 1],
      [7, 0],
    ] as const) {
      const sink = new Sink(() => 0);
      const expected = content.subarray(offset, offset + length);
      expect(await pump(sink, { offset, length, mayBlock })).toEqual({ sent: length, sum: crc32(expected) });
      expect(Buffer.concat(sink.received).equals(expected)).toBe(true);
    }
  });

  it('holds two buffers at most, also when a quick connection turns slow', async () => {
    const sink = new Sink((chunk) => (chunk < 6 ? 0 : 10));
    await pump(sink, { offset: 0, length: content.length });
    expect(Buffer.concat(sink.received).equals(content)).toBe(true);
    expect(sink.mostBytesWaiting).toBe(2 * MiB);
  });

  it('arrives beside forty others that have less memory than they want, and the budget is kept', async () => {
    const sinks = Array.from({ length: 40 }, (_, i) => new Sink(() => i % 3));
    await Promise.all(sinks.map((sink) => pump(sink, { offset: 0, length: content.length })));
    for (const sink of sinks) expect(Buffer.concat(sink.received).equals(content)).toBe(true);
    expect(budget.mostHeldBytes()).toBeLessThanOrEqual(8 * MiB);
  });

  it('fails when the file is shorter than it was', async () => {
    const length = content.length + 1;
    await expect(pump(new Sink(() => 0), { offset: 0, length })).rejects.toMatchObject({ code: 'source-changed' });
  });

  it('keeps its last bytes back when the file changed: no store can complete what is half old', async () => {
    const sink = new Sink(() => 0);
    const file = await open(join(place, 'file'));
    const changed = new SluiceError('source-changed', 'changed');
    const source = { fd: file.fd, check: () => Promise.reject(changed) };
    await expect(pump(sink, { offset: 0, length: content.length, source })).rejects.toBe(changed);
    expect(Buffer.concat(sink.received).length).toBeLessThan(content.length);
    await file.close();
  });

  it('ends at once, and gives its memory back, when it is aborted or its connection goes', async () => {
    const held = () => budget.heldBytes();
    const abort = new AbortController();
    const never = new Sink(() => 1e9);
    const aborted = pump(never, { offset: 0, length: content.length, signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 20);
    await expect(aborted).rejects.toThrow('enough');

    const cut = new Sink(() => 1e9);
    const broken = pump(cut, { offset: 0, length: content.length });
    setTimeout(() => cut.destroy(new Error('reset')), 20);
    await expect(broken).rejects.toThrow('reset');

    // A request that never had a socket doesn't call its writers back.
    const unconnected = request({ host: '127.0.0.1', port: 9, createConnection: () => new Sink(() => 1e9) as never });
    unconnected.on('error', () => undefined);
    const waiting = pump(unconnected, { offset: 0, length: content.length });
    setTimeout(() => unconnected.destroy(), 20);
    await expect(waiting).rejects.toThrow();
    expect(held()).toBeLessThanOrEqual(8 * MiB);
    // All of it can be had again.
    const all = Array.from({ length: 8 }, () => buffers.tryTake(1 * MiB));
    expect(all.every((buffer) => buffer !== null)).toBe(true);
    for (const buffer of all) if (buffer) buffers.give(buffer);
  });

  it('writes 256 KiB at most over TLS', async () => {
    const sink = new Sink(() => 0);
    await pump(sink, { offset: 0, length: content.length, tls: true });
    expect(Math.max(...sink.received.map((chunk) => chunk.length))).toBe(256 * KiB);
  });
});

/** Takes each chunk after a while, and sees how much was handed over and not yet taken. */
class Sink extends Writable {
  readonly received: Buffer[] = [];
  mostBytesWaiting = 0;
  #chunk = 0;
  readonly #delayMs: (chunk: number) => number;

  constructor(delayMs: (chunk: number) => number) {
    super({ highWaterMark: 64 * MiB });
    this.#delayMs = delayMs;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const taken = () => {
      this.mostBytesWaiting = Math.max(this.mostBytesWaiting, this.writableLength);
      // Copied only now: a buffer used again too early would show.
      this.received.push(Buffer.from(chunk));
      done();
    };
    const delay = this.#delayMs(this.#chunk++);
    if (delay === 0) taken();
    else setTimeout(taken, Math.min(delay, 60_000)).unref();
  }
}
