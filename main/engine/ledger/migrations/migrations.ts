import { first } from './0001-first.ts';
import { tuning } from './0002-tuning.ts';
import { acceleration } from './0003-acceleration.ts';

/** In order; a ledger of version n has had the first n. Never edit one that was released: add the next. */
export const migrations: readonly string[] = [first, tuning, acceleration];
