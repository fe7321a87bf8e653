import { describe, expect, it } from 'vitest';
import { accelerationPremium, decideAcceleration } from '../../../main/engine/plan/accelerate.ts';
import { createRouteBreaker } from '../../../main/engine/plan/accelerationBreaker.ts';
import {
  estimateGain,
  type GainEstimate,
  needsRound,
  type ProbeRound,
  probeDue,
} from '../../../main/engine/plan/accelerationGain.ts';
import { usd } from '../../../shared/money.ts';
import { AccelerationSettings } from '../../../shared/settings.ts';
import { MiB } from '../../../shared/units.ts';
import { seededRandom } from '../../support/faultProxyRules.ts';

const settings = AccelerationSettings.parse({ monthlyCapUsd: 5 });
const minute = 60_000;
const seeds = Array.from({ length: 200 }, (_, seed) => seed + 1);
const fileBytes = 200 * MiB;

/** Two endpoints with rates of their own, which share the weather of a round and have noise each; and a client that decides with the product's functions. */
function world(seed: number, noise = 0.15) {
  const random = seededRandom(seed);
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  let rates = { regional: 0, accelerated: 0 };
  let gain: GainEstimate | null = null;
  let lastProbeAtMs: number | null = null;
  let promised = 0;
  let spent = 0;
  let mostSpent = 0;
  let probes = 0;

  const probe = (now: number): void => {
    const rounds: ProbeRound[] = [];
    while (needsRound(rounds)) {
      const weather = Math.exp(gauss() * 0.3);
      const one = (rate: number): number => rate * weather * Math.exp(gauss() * noise);
      rounds.push({ regional: one(rates.regional), accelerated: one(rates.accelerated) });
    }
    const estimate = estimateGain(rounds);
    if (estimate && (estimate.verdict !== 'undecided' || gain === null)) gain = estimate;
    lastProbeAtMs = now;
    probes++;
  };
  const choose = () =>
    decideAcceleration(
      {
        ...{ sizeBytes: fileBytes, bucket: 'world', bucketRegion: 'us-east-1', clientRegion: 'ap-southeast-2' },
        ...{ status: 'enabled', gain, spent: usd(spent), policy: 'allowed' },
      },
      settings,
    ).endpoint;
  return {
    random,
    set: (next: typeof rates) => {
      rates = next;
    },
    probe,
    choose,
    /** One file, and a probe if one is due. */
    send: (now: number): 'regional' | 'accelerated' => {
      const endpoint = choose();
      const rate = rates[endpoint] * Math.exp(gauss() * noise);
      if (endpoint === 'accelerated') spent += accelerationPremium(fileBytes, settings);
      mostSpent = Math.max(mostSpent, spent);
      promised = gain ? gain.regionalBytesPerSecond * (endpoint === 'accelerated' ? gain.ratio : 1) : rate;
      const due = probeDue({
        nowMs: now,
        lastProbeAtMs,
        networkChangedAtMs: null,
        observedOverPromised: rate / promised,
      });
      if (due !== null) probe(now);
      return endpoint;
    },
    mostSpent: () => mostSpent,
    probes: () => probes,
  };
}

describe('a world of two endpoints', () => {
  it('converges to the better endpoint within 5 probes in 95 % of 200 seeds', () => {
    const right = seeds.filter((seed) => {
      const w = world(seed);
      // From half as fast to four times as fast, but never so close that either is right.
      const ratio = w.random() < 0.5 ? 0.5 + 0.4 * w.random() : 1.25 + 2.75 * w.random();
      w.set({ regional: 5e6, accelerated: 5e6 * ratio });
      for (let n = 0; n < 5; n++) w.probe(n * minute);
      return w.choose() === (ratio > 1 ? 'accelerated' : 'regional');
    });
    expect(right.length).toBeGreaterThanOrEqual(190);
  });

  it('equal endpoints are called different by at most 5 % of the probes: noise decides nothing', () => {
    let wrong = 0;
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      const rounds: ProbeRound[] = [];
      while (needsRound(rounds))
        rounds.push({ regional: 5e6 * Math.exp(gauss() * 0.3), accelerated: 5e6 * 1.05 * Math.exp(gauss() * 0.3) });
      if (estimateGain(rounds)?.verdict !== 'undecided') wrong++;
    }
    expect(wrong).toBeLessThanOrEqual(10);
  });

  it('never spends more than the cap, in any of 200 seeds', () => {
    for (const seed of seeds) {
      const w = world(seed);
      w.set({ regional: 2e6, accelerated: 8e6 });
      for (let n = 0; n < 1_500; n++) w.send(n * minute);
      expect(w.mostSpent()).toBeLessThanOrEqual(settings.monthlyCapUsd);
      // It did spend it: the world was worth it.
      expect(w.mostSpent()).toBeGreaterThan(settings.monthlyCapUsd * 0.99);
    }
  });

  it('switches back within 10 minutes when the accelerated endpoint slows down, in 95 % of 200 seeds', () => {
    const back = seeds.filter((seed) => {
      const w = world(seed);
      w.set({ regional: 5e6, accelerated: 12e6 });
      w.probe(0);
      w.probe(6 * minute);
      if (w.choose() !== 'accelerated') return false;
      const turned = 30 * minute;
      w.set({ regional: 5e6, accelerated: 3e6 });
      for (let now = turned; now <= turned + 10 * minute; now += minute) if (w.send(now) === 'regional') return true;
      return false;
    });
    expect(back.length).toBeGreaterThanOrEqual(190);
  });

  it('asks again daily, after a change of network, and never twice within five minutes', () => {
    const times = { nowMs: 0, lastProbeAtMs: null, networkChangedAtMs: null, observedOverPromised: null };
    expect(probeDue(times)).toBe('never-measured');
    expect(probeDue({ ...times, nowMs: 86_400_000, lastProbeAtMs: 0 })).toBe('daily');
    expect(probeDue({ ...times, nowMs: 4 * minute, lastProbeAtMs: 0, networkChangedAtMs: minute })).toBeNull();
    expect(probeDue({ ...times, nowMs: 6 * minute, lastProbeAtMs: 0, networkChangedAtMs: minute })).toBe(
      'network-changed',
    );
    expect(probeDue({ ...times, nowMs: 6 * minute, lastProbeAtMs: 0, observedOverPromised: 0.9 })).toBeNull();
  });
});

describe('the breaker of the accelerated endpoint', () => {
  it('closes it after three failures in a row, for longer each time, and opens it by a success', () => {
    let now = 0;
    const breaker = createRouteBreaker(() => now);
    breaker.failed();
    breaker.failed();
    breaker.succeeded();
    breaker.failed();
    breaker.failed();
    expect(breaker.mayUse()).toBe(true);
    breaker.failed();
    expect(breaker.mayUse()).toBe(false);
    now = minute;
    expect(breaker.mayUse()).toBe(true);
    breaker.failed();
    now += minute;
    expect(breaker.mayUse()).toBe(false);
    now += minute;
    expect(breaker.mayUse()).toBe(true);
    breaker.succeeded();
    breaker.failed();
    expect(breaker.mayUse()).toBe(true);
  });
});
