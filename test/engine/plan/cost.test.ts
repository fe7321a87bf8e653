import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgetState } from '../../../main/engine/plan/budget.ts';
import { monthOf, openForecast } from '../../../main/engine/plan/forecast.ts';
import { planUpload } from '../../../main/engine/plan/partPlan.ts';
import { cheapestForAYear, savingsOf } from '../../../main/engine/plan/storageSavings.ts';
import { formatUsd, forStorage, forVolume, gigabytes, months, usdPerGb, usdPerGbMonth } from '../../../shared/money.ts';
import { noPriceFile, PriceFile, pricesFor, storageClasses, targetUsdPerGb } from '../../../shared/prices.ts';
import { requestClass } from '../../../shared/requestClass.ts';
import { GiB, KiB, MiB, TiB } from '../../../shared/units.ts';

const virginia = pricesFor({ endpointUrl: null, region: 'us-east-1' }, noPriceFile);
const plan = (sizeBytes: number) => ({
  sizeBytes,
  ...planUpload({
    sizeBytes,
    bandwidthBytesPerSecond: null,
    memoryBytes: 2 * GiB,
    maxConnections: 100,
    partSizeBytes: 'auto',
  }),
});
const forecastOf = (sizes: readonly number[], storageClass: string | null = null) => {
  const sum = openForecast({ prices: virginia, storageClass });
  for (const size of sizes) sum.add(plan(size));
  return sum.total();
};

describe('prices', () => {
  it('are the figures that Sluice is held to', () => {
    expect(virginia.classes.STANDARD.storage).toBe(0.023);
    expect(virginia.classes.STANDARD_IA.storage).toBe(0.0125);
    expect(virginia.classes.GLACIER.storage).toBe(0.004);
    expect(targetUsdPerGb).toBe(0.025);
    expect(virginia.acceleration).toBe(0.04);
    expect(virginia.assumed).toBeNull();
  });

  it('can’t be multiplied with bytes, nor a month’s price with a volume alone', () => {
    const price = usdPerGb(0.04);
    const monthly = usdPerGbMonth(0.023);
    // @ts-expect-error bytes are no gigabytes
    forVolume(10 * GiB, price);
    // @ts-expect-error a price per GB and month is none per GB
    forVolume(gigabytes(10 * GiB), monthly);
    // @ts-expect-error and the other way round
    forStorage(gigabytes(10 * GiB), price, months(1));
    expect(forVolume(gigabytes(10 * GiB), price)).toBeCloseTo(0.4, 12);
    expect(forStorage(gigabytes(10 * GiB), monthly, months(2))).toBeCloseTo(0.46, 12);
  });

  it('of a region or a store without any are compared with us-east-1, and it is said', () => {
    expect(pricesFor({ endpointUrl: null, region: 'xx-nowhere-9' }, noPriceFile).assumed).toContain('xx-nowhere-9');
    expect(pricesFor({ endpointUrl: null, region: null }, noPriceFile).assumed).toContain("isn't known");
    expect(pricesFor({ endpointUrl: 'https://s3.example.com', region: 'x' }, noPriceFile).assumed).toContain(
      's3.example.com',
    );
    const frankfurt = pricesFor({ endpointUrl: null, region: 'eu-central-1' }, noPriceFile);
    expect(frankfurt).toMatchObject({ name: 'eu-central-1', assumed: null });
  });

  it('of a file in the data directory go before ours', () => {
    const own = { ...structuredClone(rawPrices()), asOf: '2026-01-02', source: 'my contract' };
    own.classes.STANDARD.storage = 0.006;
    const file = PriceFile.parse({ regions: { 'us-east-1': own }, endpoints: { 's3.example.com': own } });
    expect(pricesFor({ endpointUrl: null, region: 'us-east-1' }, file).classes.STANDARD.storage).toBe(0.006);
    const there = pricesFor({ endpointUrl: 'https://s3.example.com', region: null }, file);
    expect(there).toMatchObject({ name: 's3.example.com', source: 'my contract', assumed: null });
    expect(PriceFile.safeParse({ regions: { a: { ...own, asOf: 'yesterday' } } }).success).toBe(false);
    expect(PriceFile.safeParse({ region: {} }).success).toBe(false);
  });

  it.each([
    ['PutObject', 'write'],
    ['UploadPart', 'write'],
    ['CreateMultipartUpload', 'write'],
    ['CompleteMultipartUpload', 'write'],
    ['CopyObject', 'write'],
    ['ListObjectsV2', 'write'],
    ['HeadObject', 'read'],
    ['GetObject', 'read'],
    ['DeleteObject', 'free'],
    ['AbortMultipartUpload', 'free'],
  ])('%s is charged as %s', (operation, expected) => expect(requestClass(operation)).toBe(expected));

  it.each([
    [0, '$0.00'],
    [0.0042, '$0.0042'],
    [12.345, '$12.35'],
    [1234567.8, '$1,234,567.80'],
    [0.0000001, 'less than $0.000001'],
    [-2, '−$2.00'],
  ])('%d is written %s', (value, text) => expect(formatUsd(value)).toBe(text));
});

describe('the forecast', () => {
  it('of the reference file: 80 parts, and a month of 10 GB at 0.023, under the target', () => {
    const forecast = forecastOf([10 * GiB]);
    expect(forecast.requests).toEqual({
      HeadBucket: 1,
      CreateMultipartUpload: 1,
      UploadPart: 80,
      CompleteMultipartUpload: 1,
      HeadObject: 1,
    });
    expect(forecast.storageUsdPerMonth).toBeCloseTo(0.23, 12);
    expect(forecast.requestUsd).toBeCloseTo((82 * 0.005 + 2 * 0.0004) / 1000, 12);
    expect(forecast.usdPerGb).toBeLessThan(0.025);
    expect(forecast.usdPerGb).toBeGreaterThan(0.023);
  });

  it('of many tiny files says that requests cost more than what they carry', () => {
    const forecast = forecastOf(Array.from({ length: 1000 }, () => 4 * KiB));
    expect(forecast.requestUsd).toBeGreaterThan(50 * forecast.storageUsdPerMonth);
    expect(forecast.usdPerGb).toBeGreaterThan(1);
  });

  it('of small objects in a class for rare access shows what they are padded to', () => {
    const forecast = forecastOf([1 * KiB, 200 * KiB], 'STANDARD_IA');
    expect(forecast.padded).toEqual({ files: 1, bytes: 127 * KiB });
    expect(forecast.minimumDays).toBe(30);
  });

  it('never costs less for more bytes, more files or more parts', () => {
    const size = fc.integer({ min: 0, max: 2 * TiB });
    fc.assert(
      fc.property(fc.array(size, { maxLength: 20 }), size, fc.constantFrom(...storageClasses), (sizes, more, to) => {
        const before = forecastOf(sizes, to);
        const after = forecastOf([...sizes, more], to);
        expect(after.requestUsd).toBeGreaterThan(before.requestUsd);
        expect(after.storageUsdPerMonth).toBeGreaterThanOrEqual(before.storageUsdPerMonth);
      }),
    );
    fc.assert(
      fc.property(size, size, fc.constantFrom(...storageClasses), (a, b, to) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        expect(monthOf(more, virginia, to)).toBeGreaterThanOrEqual(monthOf(less, virginia, to));
      }),
    );
  });
});

describe('savings', () => {
  it('leave objects below 128 KiB where they are: they would cost more', () => {
    expect(savingsOf([{ storageClass: 'STANDARD', objects: 1000, bytes: 1000 * KiB }], virginia)).toEqual([]);
    expect(monthOf(KiB, virginia, 'STANDARD_IA')).toBeGreaterThan(monthOf(KiB, virginia, 'STANDARD'));
    expect(cheapestForAYear(KiB, virginia)).toBe('STANDARD');
    expect(cheapestForAYear(64 * MiB, virginia)).toBe('GLACIER_IR');
  });

  it('of 100 GB in 100 objects: 1.05 USD a month to STANDARD_IA, with its traps', () => {
    const [first] = savingsOf([{ storageClass: 'STANDARD', objects: 100, bytes: 100 * GiB }], virginia);
    expect(first).toMatchObject({ from: 'STANDARD', to: 'STANDARD_IA', objects: 100 });
    expect(first?.usdPerMonth).toBeCloseTo(1.05, 10);
    expect(first?.transitionUsd).toBeCloseTo(0.001, 10);
    expect(first?.retrievalUsd).toBeCloseTo(1, 10);
    expect(first?.traps.join(' ')).toContain('at least 30 days');
    expect(first?.traps.join(' ')).toContain('Reading it all back once costs 1.0 USD');
  });

  it('grow with the bytes', () => {
    const size = fc.integer({ min: 128 * KiB, max: TiB });
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 1e6 }), (a, b, objects) => {
        const saved = (each: number) =>
          savingsOf([{ storageClass: 'STANDARD', objects, bytes: each * objects }], virginia).map((s) => s.usdPerMonth);
        const [less, more] = a < b ? [saved(a), saved(b)] : [saved(b), saved(a)];
        for (const [at, value] of less.entries()) expect(more[at]).toBeGreaterThanOrEqual(value * (1 - 1e-9) - 1e-9);
      }),
    );
  });
});

describe('a budget', () => {
  it.each([
    [null, 5, 'none'],
    [10, 7.9, 'within'],
    [10, 8, 'near'],
    [10, 10, 'reached'],
  ] as const)('of %s with %d spent is %s', (limit, spent, kind) => expect(budgetState(limit, spent).kind).toBe(kind));
});

function rawPrices() {
  const one = (storage: number) => ({
    ...{ storage, writes: 0.005, reads: 0.0004, transitions: 0.01, retrieval: 0, minimumDays: 0, minimumBytes: 0 },
  });
  return {
    asOf: '2026-01-01',
    source: 'a test',
    acceleration: 0,
    classes: Object.fromEntries(storageClasses.map((name) => [name, one(0.02)])) as Record<
      (typeof storageClasses)[number],
      ReturnType<typeof one>
    >,
  };
}
