import { MiB } from '../../../shared/units.ts';

/** Up to here another thread costs more (30 ms to start, 15 MiB) than it gives. */
const enoughForOne = 12 * MiB;

/**
 * Which of the running threads takes a job of `weight` bytes, by what each has to do; `loads.length`: a new one, of at most `most`. Another thread is started only when
 * those there have a good deal to do.
 */
export function threadFor(loads: readonly number[], most: number, weight: number): number {
  let least = 0;
  for (let i = 1; i < loads.length; i++) if ((loads[i] ?? 0) < (loads[least] ?? 0)) least = i;
  const load = loads[least];
  if (load === undefined) return 0;
  return load > 0 && loads.length < most && load + weight > enoughForOne ? loads.length : least;
}
