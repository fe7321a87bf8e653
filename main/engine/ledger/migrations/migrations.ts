import { first } from './0001-first.ts';
import { tuning } from './0002-tuning.ts';
import { copies } from './0003-copies.ts';
import { meter } from './0004-meter.ts';
import { acceleration } from './0005-acceleration.ts';

/** In order; a ledger of version n has had the first n. Never edit one that was released: add the next. */
export const migrations: readonly string[] = [first, tuning, copies, meter, acceleration];
