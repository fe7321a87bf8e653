import { describe, expect, it } from 'vitest';
import { createRunMetrics } from '../../../main/engine/insight/runMetrics.ts';
import type { JobHandle, SendPool } from '../../../main/engine/transfer/sendPool.ts';
import type { SendJob } from '../../../main/engine/transfer/sendProtocol.ts';
import { sendWithRetry } from '../../../main/engine/transfer/sendWithRetry.ts';
import { createSlots } from '../../../main/engine/transfer/slots.ts';
import { createStoreFlow } from '../../../main/engine/transfer/storeFlow.ts';
import { createStoreHealth } from '../../../main/engine/transfer/storeHealth.ts';
import type { UploadContext } from '../../../main/engine/transfer/uploadContext.ts';
import { SluiceError } from '../../../shared/errors.ts';
import { asFolderId, asObjectKey } from '../../../shared/ids.ts';
import { MiB } from '../../../shared/units.ts';
import { ManualClock } from './manualClock.ts';

type Part = SendJob & { readonly kind: 'part' };
interface Sending {
  readonly job: Part;
  readonly sent: (bytes: number) => void;
  readonly done: () => void;
  readonly fail: (error: Error) => void;
  cancelled: boolean;
}
const stored = {
  kind: 'stored',
  etag: '"e"',
  checksum: { algorithm: 'crc32', value: 'AAAAAA==' },
  confirmed: true,
  timing: { connectMs: 0, bodyMs: 900, answerMs: 20 },
  sentMs: 920,
};

/** Everything real but the sending threads, which do what the test says. */
function world({ limited = false, max = 100 } = {}) {
  const clock = new ManualClock();
  const sending: Sending[] = [];
  const pool = {
    send: (job: Part, onSent: (bytes: number) => void): JobHandle => {
      let settle: { resolve: (value: never) => void; reject: (error: Error) => void };
      const result = new Promise<never>((resolve, reject) => {
        settle = { resolve, reject };
      });
      const one: Sending = {
        job,
        sent: onSent,
        done: () => settle.resolve(stored as never),
        fail: (error) => settle.reject(error),
        cancelled: false,
      };
      sending.push(one);
      const cancel = (): void => {
        one.cancelled = true;
        settle.reject(new SluiceError('interrupted', 'Stopped'));
      };
      return { result, cancel };
    },
  } as unknown as SendPool;
  const slots = createSlots({
    storeOf: () => 'store',
    limit: () => max,
    total: () => max,
    busyStores: () => new Set(),
    mayUse: () => true,
    onFree: () => undefined,
  });
  const flow = createStoreFlow({
    clock,
    max: () => max,
    busyMs: () => 0,
    start: () => null,
    isLimited: () => limited,
    onChange: () => undefined,
  });
  const health = createStoreHealth({
    clock,
    random: () => 0.5,
    probe: async () => undefined,
    onChange: () => undefined,
  });
  const metrics = createRunMetrics(clock.now, () => 0.5);
  const context = {
    ...{ pool, slots, flow, health, metrics, clock, random: () => 0.5, storeKey: 'store' },
    folder: { id: asFolderId(1) },
  } as unknown as UploadContext;
  const abort = new AbortController();
  const send = (partNumber: number, onSent: (bytes: number) => void = () => undefined) => {
    const job = {
      kind: 'part',
      store: 'store',
      key: asObjectKey('key'),
      partNumber,
      freshConnection: false,
      source: { path: '/f', identity: 'i', offset: 0, length: 16 * MiB },
    } as unknown as Part;
    const hooks = { started: () => undefined, sent: onSent, failed: () => undefined, route: null };
    return sendWithRetry(context, 'large', job, hooks, abort.signal);
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  /** So many parts went through, a second each. */
  const history = async (parts: number): Promise<void> => {
    for (let number = 1; number <= parts; number++) {
      const sent = send(number);
      await settled();
      const one = sending.at(-1)!;
      for (let tenth = 0; tenth < 10; tenth++) {
        one.sent(1.6 * MiB);
        await clock.pass(100);
      }
      one.done();
      await sent;
    }
  };
  return { clock, sending, send, history, metrics, slots, abort, settled };
}

describe('a straggling part', () => {
  it('is sent again on a connection of its own; the first to finish wins, the other is cancelled, and every slot comes back', async () => {
    const { clock, sending, send, history, metrics, slots } = world();
    await history(60);
    let told = 0;
    const sent = send(61, (bytes) => {
      told += bytes;
    });
    await clock.pass(0);
    const slow = sending.at(-1)!;
    for (let tenth = 0; tenth < 25; tenth++) {
      slow.sent(10_000);
      await clock.pass(100);
    }
    const second = sending.at(-1)!;
    expect(second).not.toBe(slow);
    expect(second.job).toMatchObject({ partNumber: 61, freshConnection: true });
    second.sent(16 * MiB);
    second.done();
    expect(await sent).toMatchObject({ kind: 'stored' });
    expect(slow.cancelled).toBe(true);
    expect(told).toBe(16 * MiB);
    expect(slots.inUse()).toBe(0);
    expect(metrics.counts).toMatchObject({ hedges: 1, retries: 0, bytesWasted: 250_000 });
  });

  it('may still win itself', async () => {
    const { clock, sending, send, history, metrics, slots } = world();
    await history(60);
    const sent = send(61);
    await clock.pass(2_500);
    const [slow, second] = sending.slice(-2);
    expect(second?.job.freshConnection).toBe(true);
    slow?.done();
    await sent;
    expect(second?.cancelled).toBe(true);
    expect(slots.inUse()).toBe(0);
    expect(metrics.counts.hedges).toBe(1);
  });

  it('fails only when both tries did', async () => {
    const { clock, sending, send, history, slots } = world();
    await history(60);
    const sent = send(61);
    await clock.pass(2_500);
    const [slow, second] = sending.slice(-2);
    second?.fail(new SluiceError('store-unreachable', 'reset'));
    await clock.pass(1);
    slow?.done();
    expect(await sent).toMatchObject({ kind: 'stored' });
    expect(slots.inUse()).toBe(0);
  });

  it('is left alone where the user limits the bandwidth, and sent again once at most', async () => {
    const limited = world({ limited: true });
    await limited.history(60);
    void limited.send(61).catch(() => undefined);
    await limited.clock.pass(20_000);
    expect(limited.metrics.counts.hedges).toBe(0);
    const free = world();
    await free.history(200);
    void free.send(201).catch(() => undefined);
    await free.clock.pass(20_000);
    expect(free.metrics.counts.hedges).toBe(1);
    free.abort.abort(new SluiceError('interrupted', 'Stopped'));
    limited.abort.abort(new SluiceError('interrupted', 'Stopped'));
    await free.settled();
    expect(free.slots.inUse()).toBe(0);
    expect(free.sending.slice(-2).every(({ cancelled }) => cancelled)).toBe(true);
  });

  it('stays within its budget: of 1,000 parts that all straggle, one in fifty is sent twice', async () => {
    const { clock, sending, send, history, metrics } = world();
    await history(100);
    for (let number = 0; number < 100; number++) {
      const sent = send(number);
      await clock.pass(0);
      const slow = sending.at(-1)!;
      await clock.pass(number % 2 === 0 ? 3_000 : 900);
      slow.done();
      await sent;
    }
    expect(metrics.counts.hedges).toBeGreaterThan(0);
    expect(metrics.counts.hedges).toBeLessThanOrEqual(0.02 * 200);
  });
});

describe('a part that stands still while others get through', () => {
  it('is cut off and sent again on a new connection, at no cost in tries', async () => {
    const { clock, sending, send, metrics, slots } = world();
    const dead = send(1);
    await clock.pass(0);
    const still = sending.at(-1)!;
    still.sent(1 * MiB);
    const other = send(2);
    await clock.pass(0);
    const alive = sending.at(-1)!;
    for (let tenth = 0; tenth < 60; tenth++) {
      alive.sent(1 * MiB);
      await clock.pass(100);
    }
    expect(still.cancelled).toBe(true);
    expect(metrics.counts).toMatchObject({ stragglers: 1, retries: 1, bytesWasted: 1 * MiB });
    const again = sending.at(-1)!;
    expect(again.job).toMatchObject({ partNumber: 1, freshConnection: true });
    again.done();
    alive.done();
    await Promise.all([dead, other]);
    expect(slots.inUse()).toBe(0);
  });
});

it('a file that a throttling store refuses ten times over still gets there', async () => {
  const { clock, sending, send, metrics } = world();
  const sent = send(1);
  for (let refusal = 0; refusal < 10; refusal++) {
    await clock.pass(3_000);
    sending.at(-1)?.fail(new SluiceError('store-throttled', 'slow down'));
  }
  await clock.pass(3_000);
  expect(sending).toHaveLength(11);
  sending.at(-1)?.done();
  await sent;
  expect(metrics.counts).toMatchObject({ throttled: 10, retries: 10 });
});
