import {
  formatUsd,
  forTime,
  forVolume,
  gigabytes,
  type Usd,
  usd,
  usdPerGb,
  usdPerHour,
} from '../../../shared/money.ts';
import type { AccelerationSettings } from '../../../shared/settings.ts';
import { formatBytes } from '../../../shared/units.ts';
import type { GainEstimate } from './accelerationGain.ts';
import { nextDoorKm, regionDistanceKm } from './regionDistance.ts';

/** `unknown`: the store didn't say, or we may not ask. `unsupported`: a store that has none. */
export type AccelerationStatus = 'enabled' | 'suspended' | 'off' | 'unknown' | 'unsupported';

export interface AccelerationFacts {
  readonly sizeBytes: number;
  readonly bucket: string;
  readonly bucketRegion: string | null;
  readonly status: AccelerationStatus;
  readonly clientRegion: string | null;
  /** null: never measured. */
  readonly gain: GainEstimate | null;
  /** Of this month, with what is reserved for transfers in flight. */
  readonly spent: Usd;
  /** Whether an admin's policy lets anybody accelerate. */
  readonly policy: 'allowed' | 'forbidden';
}

export type AccelerationCode =
  | 'off'
  | 'policy'
  | 'not-enabled'
  | 'status-unknown'
  | 'unsupported'
  | 'dotted-name'
  | 'too-small'
  | 'region-unknown'
  | 'region-near'
  | 'not-faster'
  | 'not-proven'
  | 'not-worth-it'
  | 'cap'
  | 'asked'
  | 'pays';

export interface AccelerationDecision {
  readonly endpoint: 'regional' | 'accelerated';
  readonly code: AccelerationCode;
  readonly reason: string;
  readonly worth: AccelerationWorth | null;
}

/** What accelerating one file gives and costs. */
export interface AccelerationWorth {
  readonly gain: number;
  readonly gainIs: 'measured' | 'assumed';
  readonly secondsSaved: number;
  readonly value: Usd;
  readonly premium: Usd;
}

/** Below this, never (M9): the handshake with a farther edge is all that one would notice. 10 MB. */
export const smallestAcceleratedBytes = 10_000_000;
/** Where no transfer was measured yet: 100 Mbit/s. */
export const assumedBytesPerSecond = 12_500_000;

/**
 * Which endpoint a file takes, and why (M9). What is never accelerated isn't whatever the settings say; `on` only skips the weighing of value against premium. What was measured
 * goes before what is assumed.
 */
export function decideAcceleration(facts: AccelerationFacts, settings: AccelerationSettings): AccelerationDecision {
  const never = neverReason(facts, settings);
  if (never) return regional(...never);
  const worth = accelerationWorth(facts, settings);
  if (settings.mode === 'auto') {
    const against = unattractive(facts, worth);
    if (against) return regional(...against, worth);
  }
  if (facts.spent + worth.premium > settings.monthlyCapUsd) {
    return regional(
      'cap',
      `the month's ${formatUsd(settings.monthlyCapUsd)} for acceleration are spent (${formatUsd(facts.spent)}, and this file costs ${formatUsd(worth.premium)})`,
      worth,
    );
  }
  if (settings.mode === 'on')
    return { endpoint: 'accelerated', code: 'asked', reason: 'acceleration is set to on', worth };
  const reason = `${worth.gain.toFixed(2)} times as fast (${worth.gainIs}): ${worth.secondsSaved.toFixed(1)} s saved are worth ${formatUsd(worth.value)}, the premium is ${formatUsd(worth.premium)}`;
  return { endpoint: 'accelerated', code: 'pays', reason, worth };
}

type Against = readonly [code: AccelerationCode, reason: string];

/** What forbids it for any file of the bucket but by its size comes last, so that a screen can say what is wrong with the bucket. */
function neverReason(facts: AccelerationFacts, settings: AccelerationSettings): Against | null {
  const { status, bucket, bucketRegion, clientRegion, sizeBytes } = facts;
  if (facts.policy === 'forbidden') return ['policy', 'the admin policy forbids acceleration'];
  if (settings.mode === 'off') return ['off', 'acceleration is set to off'];
  if (status === 'unsupported') return ['unsupported', 'this store has no Transfer Acceleration'];
  if (bucket.includes('.')) return ['dotted-name', 'a bucket with a dot in its name has no accelerated endpoint'];
  if (status === 'unknown')
    return [
      'status-unknown',
      "whether the bucket has acceleration isn't known: s3:GetAccelerateConfiguration is refused",
    ];
  if (status !== 'enabled') return ['not-enabled', 'the bucket has acceleration off'];
  if (bucketRegion === null) return ['region-unknown', "the bucket's region isn't known"];
  if (clientRegion === null) {
    if (settings.mode !== 'on') return ['region-unknown', "this machine's region isn't known: name it in the settings"];
  } else {
    const km = regionDistanceKm(clientRegion, bucketRegion);
    if (km === null && settings.mode !== 'on')
      return ['region-unknown', `how far ${clientRegion} is from ${bucketRegion} isn't known`];
    if (km !== null && km <= nextDoorKm)
      return [
        'region-near',
        km === 0
          ? `this machine is in the bucket's region ${bucketRegion}`
          : `${clientRegion} is next to the bucket's region ${bucketRegion}`,
      ];
  }
  if (sizeBytes < smallestAcceleratedBytes) return ['too-small', `${formatBytes(sizeBytes)} is below 10 MB`];
  return null;
}

function unattractive({ gain }: AccelerationFacts, worth: AccelerationWorth): Against | null {
  if (gain?.verdict === 'not-faster')
    return [
      'not-faster',
      `measured: the accelerated endpoint is ${gain.ratio.toFixed(2)} times as fast (${gain.low.toFixed(2)} to ${gain.high.toFixed(2)})`,
    ];
  if (gain?.verdict === 'undecided')
    return [
      'not-proven',
      `measured, and too close to tell: ${gain.ratio.toFixed(2)} times as fast (${gain.rounds} rounds)`,
    ];
  if (worth.value > worth.premium) return null;
  return [
    'not-worth-it',
    `${worth.secondsSaved.toFixed(1)} s saved are worth ${formatUsd(worth.value)}, less than the premium of ${formatUsd(worth.premium)}`,
  ];
}

/** The lower end of what was measured, so that luck isn't paid for (nothing, while it may be nothing); else what is assumed for the distance. */
export function accelerationWorth(
  {
    sizeBytes,
    gain,
    clientRegion,
    bucketRegion,
  }: Pick<AccelerationFacts, 'sizeBytes' | 'gain' | 'clientRegion' | 'bucketRegion'>,
  settings: AccelerationSettings,
): AccelerationWorth {
  const km = clientRegion === null || bucketRegion === null ? null : regionDistanceKm(clientRegion, bucketRegion);
  const factor = Math.max(1, gain ? gain.low : assumedGain(km, settings));
  const secondsSaved = (sizeBytes / (gain?.regionalBytesPerSecond ?? assumedBytesPerSecond)) * (1 - 1 / factor);
  return {
    gain: factor,
    gainIs: gain ? 'measured' : 'assumed',
    secondsSaved,
    value: forTime(secondsSaved, usdPerHour(settings.timeValueUsdPerHour)),
    premium: accelerationPremium(sizeBytes, settings),
  };
}

export const accelerationPremium = (bytes: number, { premiumUsdPerGb }: AccelerationSettings): Usd =>
  forVolume(gigabytes(bytes), usdPerGb(premiumUsdPerGb));

/** 2 next to the neighbours, 2.3 at 10,000 km and more; nothing in or next to the region. */
export function assumedGain(km: number | null, { assumedGainFrom, assumedGainTo }: AccelerationSettings): number {
  if (km === null) return assumedGainFrom;
  if (km <= nextDoorKm) return 1;
  const far = Math.min(1, (km - nextDoorKm) / (10_000 - nextDoorKm));
  return assumedGainFrom + Math.max(0, assumedGainTo - assumedGainFrom) * far;
}

const regional = (
  code: AccelerationCode,
  reason: string,
  worth: AccelerationWorth | null = null,
): AccelerationDecision => ({
  endpoint: 'regional',
  ...{ code, reason, worth },
});

export interface AccelerationAnalysis {
  readonly sizeBytes: number;
  readonly uploadsPerMonth: number;
  readonly gain: number;
  readonly gainIs: 'measured' | 'assumed';
  /** A month. S3 takes nothing for bytes that come in over the regional endpoint. */
  readonly costRegional: Usd;
  readonly costAccelerated: Usd;
  readonly hoursSaved: number;
  readonly value: Usd;
  readonly netBenefit: Usd;
  /** Net benefit over cost, %; null where nothing is paid. */
  readonly roiPercent: number | null;
  readonly recommendation: 'enable' | 'disable';
  readonly reason: string;
}

/** What a month of such uploads costs and gives with acceleration (M11). The recommendation keeps to the rules of the decision; the bucket's present status and what is spent don't count. */
export function analyzeAcceleration(
  input: Pick<AccelerationFacts, 'sizeBytes' | 'bucket' | 'bucketRegion' | 'clientRegion' | 'gain'> & {
    readonly uploadsPerMonth: number;
  },
  settings: AccelerationSettings,
): AccelerationAnalysis {
  const { uploadsPerMonth, sizeBytes } = input;
  const facts: AccelerationFacts = { ...input, status: 'enabled', policy: 'allowed', spent: usd(0) };
  const each = accelerationWorth(facts, settings);
  const decision = decideAcceleration(facts, { ...settings, mode: 'auto', monthlyCapUsd: Number.POSITIVE_INFINITY });
  const costAccelerated = usd(each.premium * uploadsPerMonth);
  const value = usd(each.value * uploadsPerMonth);
  const netBenefit = usd(value - costAccelerated);
  const overCap = costAccelerated > settings.monthlyCapUsd;
  return {
    ...{ sizeBytes, uploadsPerMonth, gain: each.gain, gainIs: each.gainIs, costAccelerated, value, netBenefit },
    costRegional: usd(0),
    hoursSaved: (each.secondsSaved * uploadsPerMonth) / 3_600,
    roiPercent: costAccelerated > 0 ? (netBenefit / costAccelerated) * 100 : null,
    recommendation: decision.endpoint === 'accelerated' ? 'enable' : 'disable',
    reason:
      overCap && decision.endpoint === 'accelerated'
        ? `${decision.reason}; a month costs more than the cap of ${formatUsd(settings.monthlyCapUsd)}: the rest takes the regional endpoint`
        : decision.reason,
  };
}
