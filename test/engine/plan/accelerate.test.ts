import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AccelerationFacts,
  accelerationPremium,
  analyzeAcceleration,
  assumedGain,
  decideAcceleration,
} from '../../../main/engine/plan/accelerate.ts';
import { estimateGain } from '../../../main/engine/plan/accelerationGain.ts';
import { knownRegions, nextDoorKm, regionDistanceKm } from '../../../main/engine/plan/regionDistance.ts';
import { usd } from '../../../shared/money.ts';
import { AccelerationSettings } from '../../../shared/settings.ts';
import { GiB, MiB } from '../../../shared/units.ts';

const settings = AccelerationSettings.parse({});
const facts: AccelerationFacts = {
  sizeBytes: GiB,
  bucket: 'holiday-photos',
  bucketRegion: 'us-east-1',
  status: 'enabled',
  clientRegion: 'ap-southeast-2',
  gain: null,
  spent: usd(0),
  policy: 'allowed',
};
const decide = (change: Partial<AccelerationFacts> = {}, other: Partial<AccelerationSettings> = {}) =>
  decideAcceleration({ ...facts, ...change }, { ...settings, ...other });

describe('the mission’s figures', () => {
  it('a GB costs 0.04 USD, an hour is worth 100 USD, the expected gain is 2 to 2.3', () => {
    expect(settings).toMatchObject({ premiumUsdPerGb: 0.04, timeValueUsdPerHour: 100 });
    expect(accelerationPremium(GiB, settings)).toBeCloseTo(0.04, 12);
    expect(accelerationPremium(500 * MiB, settings)).toBeCloseTo(0.01953125, 12);
    for (const a of knownRegions())
      for (const b of knownRegions()) {
        const km = regionDistanceKm(a, b);
        if (km === null || km <= nextDoorKm) continue;
        expect(assumedGain(km, settings)).toBeGreaterThanOrEqual(2);
        expect(assumedGain(km, settings)).toBeLessThanOrEqual(2.3);
      }
  });

  it('a GiB from Sydney to Virginia at 100 Mbit/s: 48.5 s saved are worth 1.35 USD, against 0.04', () => {
    const { endpoint, worth } = decide();
    expect(endpoint).toBe('accelerated');
    expect(worth?.gain).toBeCloseTo(2.3, 5);
    expect(worth?.secondsSaved).toBeCloseTo(48.55, 1);
    expect(worth?.value).toBeCloseTo(1.3487, 3);
    expect(worth?.premium).toBeCloseTo(0.04, 12);
  });

  it.each([
    ['a file of 9.9 MB', { sizeBytes: 9_900_000 }, 'too-small'],
    ['the bucket’s own region', { clientRegion: 'us-east-1' }, 'region-near'],
    ['the region next door', { clientRegion: 'us-east-2' }, 'region-near'],
    ['a bucket that has it off', { status: 'off' }, 'not-enabled'],
    ['a suspended one', { status: 'suspended' }, 'not-enabled'],
    ['one that may not be asked', { status: 'unknown' }, 'status-unknown'],
    ['a name with a dot', { bucket: 'www.example.com' }, 'dotted-name'],
    ['a policy against it', { policy: 'forbidden' }, 'policy'],
  ] as const)('%s is never accelerated, not even on', (_, change, code) => {
    for (const mode of ['auto', 'on'] as const)
      expect(decide(change, { mode })).toMatchObject({ endpoint: 'regional', code });
  });

  it('10 MB is not below 10 MB', () => {
    expect(decide({ sizeBytes: 10_000_000 }).endpoint).toBe('accelerated');
  });

  it('an unknown place is not guessed, only overruled', () => {
    expect(decide({ clientRegion: null }).code).toBe('region-unknown');
    expect(decide({ clientRegion: null }, { mode: 'on' }).endpoint).toBe('accelerated');
  });

  it('no cost explosion: 100,000 small files, or large ones in the same region, cost nothing', () => {
    const small = analyzeAcceleration({ ...facts, sizeBytes: 100_000, uploadsPerMonth: 100_000 }, settings);
    expect(small).toMatchObject({ recommendation: 'disable' });
    expect(decide({ sizeBytes: 100_000 }).endpoint).toBe('regional');
    const near = analyzeAcceleration({ ...facts, clientRegion: 'us-east-1', uploadsPerMonth: 1_000 }, settings);
    expect(near).toMatchObject({ recommendation: 'disable', hoursSaved: 0 });
    expect(near.netBenefit).toBeLessThan(0);
  });

  it('a fast line makes it not worth it: at 500 MB/s half a second saved costs more than it gives', () => {
    const rounds = Array.from({ length: 4 }, () => ({ regional: 500e6, accelerated: 1_000e6 }));
    expect(decide({ gain: estimateGain(rounds) })).toMatchObject({ endpoint: 'regional', code: 'not-worth-it' });
  });

  it('what was measured goes before what is assumed', () => {
    const rounds = Array.from({ length: 4 }, () => ({ regional: 10e6, accelerated: 9e6 }));
    expect(decide({ gain: estimateGain(rounds) }).code).toBe('not-faster');
    const close = [1.3, 0.8, 1.2, 0.9].map((times) => ({ regional: 10e6, accelerated: 10e6 * times }));
    expect(decide({ gain: estimateGain(close) }).code).toBe('not-proven');
  });

  it('the cap holds for on as for auto', () => {
    for (const mode of ['auto', 'on'] as const) {
      expect(decide({ spent: usd(9.97) }, { mode }).code).toBe('cap');
      expect(decide({ spent: usd(9.95) }, { mode }).endpoint).toBe('accelerated');
    }
  });
});

describe('the analyzer (M11)', () => {
  it('500 MiB from Sydney to Virginia, 100 times a month', () => {
    const row = analyzeAcceleration({ ...facts, sizeBytes: 500 * MiB, uploadsPerMonth: 100 }, settings);
    expect(row.costRegional).toBe(0);
    expect(row.costAccelerated).toBeCloseTo(1.953, 3);
    expect(row.hoursSaved).toBeCloseTo(0.6585, 3);
    expect(row.value).toBeCloseTo(65.85, 1);
    expect(row.netBenefit).toBeCloseTo(row.value - row.costAccelerated, 9);
    expect(row.roiPercent).toBeCloseTo(3_271, -1);
    expect(row.recommendation).toBe('enable');
  });
});

describe('rules that hold for any figures', () => {
  const region = fc.constantFrom(...knownRegions());
  const bytes = fc.integer({ min: 1, max: 5_000 * GiB });

  it('a nearer region never makes acceleration more attractive', () => {
    fc.assert(
      fc.property(region, region, region, bytes, (bucketRegion, a, b, sizeBytes) => {
        const [near, far] = [a, b].sort(
          (x, y) => (regionDistanceKm(x, bucketRegion) ?? 0) - (regionDistanceKm(y, bucketRegion) ?? 0),
        );
        const [nearer, farther] = [near, far].map((clientRegion) =>
          decide({ bucketRegion, sizeBytes, clientRegion: clientRegion ?? null }, { monthlyCapUsd: 1e9 }),
        );
        if (nearer?.endpoint === 'accelerated') expect(farther?.endpoint).toBe('accelerated');
        expect(nearer?.worth?.value ?? 0).toBeLessThanOrEqual((farther?.worth?.value ?? 0) + 1e-9);
      }),
    );
  });

  it('more bytes never cost less, and a higher price never makes it more attractive', () => {
    fc.assert(
      fc.property(
        bytes,
        bytes,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (a, b, p, q) => {
          const [less, more] = [Math.min(a, b), Math.max(a, b)];
          expect(accelerationPremium(less, settings)).toBeLessThanOrEqual(accelerationPremium(more, settings));
          const cheap = decide({ sizeBytes: a }, { premiumUsdPerGb: Math.min(p, q) });
          const dear = decide({ sizeBytes: a }, { premiumUsdPerGb: Math.max(p, q) });
          if (dear.endpoint === 'accelerated') expect(cheap.endpoint).toBe('accelerated');
        },
      ),
    );
  });

  it('is never accelerated past the cap', () => {
    fc.assert(
      fc.property(bytes, fc.double({ min: 0, max: 20, noNaN: true }), (sizeBytes, spent) => {
        const { endpoint, worth } = decide({ sizeBytes, spent: usd(spent) });
        if (endpoint === 'accelerated')
          expect(spent + (worth?.premium ?? 0)).toBeLessThanOrEqual(settings.monthlyCapUsd);
      }),
    );
  });
});
