import { afterEach, describe, expect, it } from 'vitest';
import { createEndpointBook } from '../../../main/engine/endpointBook.ts';
import { createRunMetrics } from '../../../main/engine/insight/runMetrics.ts';
import type { JobHandle, SendPool } from '../../../main/engine/transfer/sendPool.ts';
import type { SendJob } from '../../../main/engine/transfer/sendProtocol.ts';
import { createTransfer, type Transfer } from '../../../main/engine/transfer/transfer.ts';
import { SluiceError } from '../../../shared/errors.ts';
import type { FileEvent } from '../../../shared/events.ts';
import { defaultEngineSettings } from '../../../shared/settings.ts';
import { addFolder, file, open, scan } from '../ledger/ledgerFixture.ts';
import { seeded } from '../plan/simulatedLink.ts';
import { ManualClock } from './manualClock.ts';

/*
 * The control plane whole, with a real ledger, in simulated time; only threads, network and store are made up: a job is a time and a verdict.
 */

type Verdict = { readonly afterMs: number; readonly error?: SluiceError; readonly progress?: number };
const transfers: Transfer[] = [];

function world(files: number, store: (nowMs: number, job: SendJob & { kind: 'put' }) => Verdict) {
  const clock = new ManualClock();
  const ledger = open();
  const folder = addFolder(ledger);
  scan(ledger, folder.id, { '': Array.from({ length: files }, (_, index) => file(`f${index}`)) });
  let inFlight = 0;
  let most = 0;
  const pool = {
    addStore: () => undefined,
    send: (job: SendJob & { kind: 'put' }, onSent?: (bytes: number) => void): JobHandle => {
      most = Math.max(most, ++inFlight);
      let cancel: () => void = () => undefined;
      const result = new Promise<never>((resolve, reject) => {
        const verdict = store(clock.now(), job);
        const end = (settle: () => void): void => {
          inFlight--;
          settle();
        };
        const stop = clock.after(verdict.afterMs, () => {
          if (verdict.error) return end(() => reject(verdict.error));
          onSent?.(job.source.length);
          const timing = { connectMs: 0, bodyMs: 1, answerMs: verdict.afterMs };
          const checksum = { algorithm: 'crc32', value: 'AAAAAA==' };
          end(() => resolve({ kind: 'stored', etag: '"e"', checksum, confirmed: true, timing, sentMs: 1 } as never));
        });
        cancel = () => {
          stop();
          end(() => reject(new SluiceError('interrupted', 'Stopped')));
        };
      });
      return { result, cancel };
    },
  } as unknown as SendPool;
  const metrics = createRunMetrics(clock.now, () => 0.5);
  const events: FileEvent[] = [];
  const transfer = createTransfer({
    ...{ ledger, pool, metrics, clock, random: seeded(1) },
    endpoints: createEndpointBook(ledger, clock),
    busyMs: () => 0,
    settings: () => defaultEngineSettings,
    patience: () => 'once',
    observe: async () => 'gone',
    onFile: (event) => events.push(event),
    onIssue: () => undefined,
    onReach: () => undefined,
    onEnded: () => undefined,
    onFatal: (error) => {
      throw error;
    },
  });
  transfers.push(transfer);
  const stores = { target: {}, headBucket: async () => ({ region: null }) };
  const join = (): void =>
    transfer.join(folder, stores as never, async () => ({ accessKeyId: '', secretAccessKey: '' }));
  const drained = async (withinMs: number): Promise<boolean> => {
    let done = false;
    join();
    const end = transfer.drained(folder.id, 60_000).then(() => {
      done = true;
    });
    const until = clock.now() + withinMs;
    while (!done && clock.now() < until) await clock.pass(50);
    if (done) await end;
    else void end.catch(() => undefined);
    return done;
  };
  return { clock, ledger, folder, transfer, metrics, events, drained, most: () => most };
}

afterEach(async () => {
  for (const transfer of transfers.splice(0)) void transfer.stop(0);
});

const throttled = () => new SluiceError('store-throttled', 'slow down', { retryable: true });

describe('a whole run', () => {
  it('gets 3,000 files into a store that refuses everything above 200 a second, and wastes fewer than 3 % of its requests', async () => {
    const random = seeded(5);
    let window = 0;
    let count = 0;
    const { drained, metrics, events, clock } = world(3_000, (nowMs) => {
      const now = Math.floor(nowMs / 1000);
      if (now !== window) [window, count] = [now, 0];
      const afterMs = 2 + random() * 8;
      return ++count > 200 ? { afterMs, error: throttled() } : { afterMs };
    });
    const began = clock.now();
    expect(await drained(60_000)).toBe(true);
    expect(events.filter(({ error }) => error === undefined)).toHaveLength(3_000);
    expect(metrics.counts.filesFailed).toBe(0);
    const requests = 3_000 + metrics.counts.throttled;
    expect(metrics.counts.throttled / requests).toBeLessThan(0.03);
    expect(clock.now() - began).toBeLessThan(25_000);
  });

  it('loses nothing and wastes little where one request of two hundred is reset', async () => {
    const random = seeded(6);
    const { drained, metrics, events } = world(5_000, () =>
      random() < 0.005
        ? { afterMs: 5, error: new SluiceError('store-unreachable', 'reset') }
        : { afterMs: 5 + random() * 10 },
    );
    expect(await drained(60_000)).toBe(true);
    expect(events).toHaveLength(5_000);
    expect(metrics.counts.filesFailed).toBe(0);
    expect(metrics.counts.retries / (5_000 + metrics.counts.retries)).toBeLessThan(0.01);
  });

  it('does not hammer a store that answers nothing but 500, and goes on when it is well again', async () => {
    let requests = 0;
    let ill = true;
    const { drained, clock, events, metrics, ledger, folder } = world(500, () => {
      requests++;
      return ill ? { afterMs: 5, error: new SluiceError('store-server-error', 'HTTP 500') } : { afterMs: 5 };
    });
    clock.after(20_000, () => {
      ill = false;
    });
    expect(await drained(120_000)).toBe(true);
    expect(requests).toBeLessThan(500 + 100);
    expect(events.filter(({ error }) => error === undefined)).toHaveLength(500);
    expect(metrics.counts.filesFailed).toBe(0);
    expect(ledger.counts(folder.id).filesProven).toBe(500);
  });

  it('keeps to the connections that it may have', async () => {
    const { drained, most } = world(5_000, () => ({ afterMs: 50 }));
    expect(await drained(60_000)).toBe(true);
    expect(most()).toBeGreaterThan(40);
    expect(most()).toBeLessThanOrEqual(defaultEngineSettings.maxConnections);
  });
});
