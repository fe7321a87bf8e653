import { MiB } from '../../shared/units.ts';

/** Up to here a file travels in the small lane. */
export const smallFileLimitBytes = 8 * MiB;
