import { MiB } from '../../shared/units.ts';

/**
 * The top of the plot in bytes per second: a round binary number above the fastest sample. The limit line is brought in
 * unless it would flatten the curve to less than a fifth of the height.
 */
export function fitScale(samples: readonly number[], limit: number | null): number {
  const fastest = samples.reduce((top, value) => Math.max(top, value), 0);
  const wanted =
    limit !== null && (fastest === 0 || limit <= fastest * 5) ? Math.max(fastest, limit) * 1.1 : fastest * 1.1;
  if (wanted <= 0) return MiB;
  const unit = 1024 ** Math.floor(Math.log(wanted) / Math.log(1024));
  const steps = [
    1, 2, 4, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 100, 120, 160, 200, 240, 320, 400, 500, 640, 800, 1024,
  ];
  return unit * (steps.find((step) => step * unit >= wanted) ?? 1024);
}
