import { expect, it } from 'vitest';
import { createRequestRate, prefixOf } from '../../../main/engine/transfer/requestRate.ts';
import { ManualClock } from './manualClock.ts';

const never = new AbortController().signal;

/** Whether a request for this key would go at once. */
async function goesNow(rate: ReturnType<typeof createRequestRate>, key: string): Promise<boolean> {
  const abort = new AbortController();
  const admitted = rate.admit(key, abort.signal).then(
    () => true,
    () => false,
  );
  await new Promise((resolve) => setImmediate(resolve));
  abort.abort();
  return admitted;
}

it('a prefix that is throttled does not slow down the others', async () => {
  const clock = new ManualClock();
  const rate = createRequestRate(clock);
  for (let done = 0; done < 100; done++) rate.succeeded('a/b/file');
  rate.rejected('a/b/file', clock.now(), 0);
  expect(rate.isThrottled()).toBe(true);
  expect(await goesNow(rate, 'a/b/other')).toBe(false);
  expect(await goesNow(rate, 'a/c/file')).toBe(true);
  await clock.pass(1_100);
  await rate.admit('a/b/other', never);
});

it('prefixes throttled together are one bucket that is', async () => {
  const clock = new ManualClock();
  const rate = createRequestRate(clock);
  for (let done = 0; done < 100; done++) rate.succeeded('a/b/file');
  rate.rejected('a/b/file', clock.now(), 0);
  rate.rejected('a/c/file', clock.now(), 0);
  expect(await goesNow(rate, 'x/y/file')).toBe(false);
  await clock.pass(62_000);
  expect(rate.isThrottled()).toBe(false);
  expect(await goesNow(rate, 'x/y/file')).toBe(true);
});

it('whoever waits for a turn stops at once when told', async () => {
  const clock = new ManualClock();
  const rate = createRequestRate(clock);
  rate.rejected('file', clock.now(), 60_000);
  const abort = new AbortController();
  const wait = rate.admit('file', abort.signal);
  abort.abort(new Error('stop'));
  await expect(wait).rejects.toThrow('stop');
});

it('a prefix is the first two levels of a key', () => {
  expect(['file', 'a/file', 'a/b/file', 'a/b/c/file'].map(prefixOf)).toEqual(['', 'a/', 'a/b/', 'a/b/']);
});
