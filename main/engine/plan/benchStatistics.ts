import type { BenchInterval } from '../../../shared/bench.ts';

/** Mean and two-sided 95 % interval by Student's t (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2). Pure. Throws RangeError when empty. */
export function meanInterval(values: readonly number[]): BenchInterval {
  const count = values.length;
  if (count === 0) throw new RangeError('Nothing was measured');
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { count, mean, low: null, high: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const half = tQuantile(0.975, count - 1) * Math.sqrt(variance / count);
  return { count, mean, low: mean - half, high: mean + half };
}

/**
 * How many times faster `after` is than `before` in pairs measured in turns: the geometric mean of the ratios, with its interval. In turns, so that whatever drifts
 * meets both alike; as ratios, because noise of a link is in proportion to its rate. Throws RangeError when empty.
 */
export function pairedRatio(pairs: readonly { readonly before: number; readonly after: number }[]): BenchInterval {
  const logs = meanInterval(pairs.map(({ before, after }) => Math.log(after / before)));
  const back = (value: number | null): number | null => (value === null ? null : Math.exp(value));
  return { count: logs.count, mean: Math.exp(logs.mean), low: back(logs.low), high: back(logs.high) };
}

/** The value that Student's t with `freedom` degrees stays below with probability `p`, ½ ≤ p < 1; by bisection of its distribution. */
export function tQuantile(p: number, freedom: number): number {
  let low = 0;
  let high = 1;
  while (tDistribution(high, freedom) < p) high *= 2;
  for (let step = 0; step < 80; step++) {
    const middle = (low + high) / 2;
    if (tDistribution(middle, freedom) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(T ≤ t), t ≥ 0, for whole degrees of freedom: the finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4. */
function tDistribution(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const cosine = Math.cos(angle);
  const sine = Math.sin(angle);
  const odd = freedom % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= freedom - 2; k += 2) {
    term *= (cosine * cosine * (k - 1)) / k;
    sum += term;
  }
  const central = odd ? (2 / Math.PI) * (angle + (freedom === 1 ? 0 : sine * sum)) : sine * sum;
  return 0.5 + central / 2;
}
