import { describe, expect, it } from 'vitest';
import { threadFor } from '../../../main/engine/transfer/threadFor.ts';
import { MiB } from '../../../shared/units.ts';

describe('which thread takes a job', () => {
  it('is the first for a few small files: a second one would cost more than it gives', () => {
    expect(threadFor([], 4, 1 * MiB)).toBe(0);
    expect(threadFor([10 * MiB], 4, 1 * MiB)).toBe(0);
  });

  it('is a new one when those there have much to do, up to the limit', () => {
    expect(threadFor([64 * MiB], 4, 64 * MiB)).toBe(1);
    expect(threadFor([64 * MiB, 128 * MiB], 2, 64 * MiB)).toBe(0);
  });

  it('is one with nothing to do rather than a new one', () => {
    expect(threadFor([640 * MiB, 0], 4, 64 * MiB)).toBe(1);
    expect(threadFor([0], 4, 5000 * MiB)).toBe(0);
  });
});
