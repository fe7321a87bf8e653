import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bandwidthOver, newBandwidthMemory } from '../../../main/engine/transfer/bandwidth.ts';
import { PumpedBody } from '../../../main/engine/transfer/pumpedBody.ts';
import { KiB, MiB } from '../../../shared/units.ts';

const content = randomBytes(12 * MiB + 17);

describe('a pumped body', () => {
  let place: string;
  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'sluice-pump-'));
    await writeFile(join(place, 'file'), content);
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  const pump = async (offset: number, length: number, sink: Sink): Promise<number> => {
    const file = await open(join(place, 'file'));
    let sent = 0;
    const onSent = (bytes: number) => {
      sent += bytes;
    };
    const bandwidth = bandwidthOver(newBandwidthMemory());
    try {
      await new Promise<void>((resolve, reject) => {
        sink.once('finish', resolve).once('error', reject);
        new PumpedBody({ fd: file.fd, offset, length, bandwidth, signal: new AbortController().signal, onSent }).pipe(
          sink,
        );
      });
    } finally {
      await file.close();
    }
    return sent;
  };

  it('arrives as it is, from any offset, also when it is used once more after', async () => {
    for (const [offset, length] of [
      [0, content.length],
      [5, 3 * MiB],
      [content.length - 1, 1],
      [7, 0],
    ] as const) {
      const sink = new Sink(() => 0);
      expect(await pump(offset, length, sink)).toBe(length);
      expect(Buffer.concat(sink.received).equals(content.subarray(offset, offset + length))).toBe(true);
    }
  });

  it('holds two buffers at most, also when a quick connection turns slow', async () => {
    const sink = new Sink((chunk) => (chunk < 6 ? 0 : 10));
    await pump(0, content.length, sink);
    expect(Buffer.concat(sink.received).equals(content)).toBe(true);
    expect(sink.mostBytesWaiting).toBe(2 * 512 * KiB);
  });

  it('fails when the file is shorter than it was', async () => {
    await expect(pump(0, content.length + 1, new Sink(() => 0))).rejects.toMatchObject({ code: 'source-changed' });
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
    else setTimeout(taken, delay);
  }
}
