import { describe, expect, it } from 'vitest';
import { fitted, progressBar, progressLine } from '../../main/headless/report/progressText.ts';
import type { ProgressEvent } from '../../shared/events.ts';

const progress: ProgressEvent = {
  type: 'progress',
  filesDone: 117,
  filesTotal: 120,
  bytesDone: 3 * 1024 ** 3,
  bytesTotal: 4 * 1024 ** 3,
  bytesPerSecond: 80 * 1024 ** 2,
  etaMs: 13_000,
  connections: 12,
  totalsAtLeast: false,
};

describe('the progress line', () => {
  it('has files, bytes, rate, time left and connections', () => {
    expect(progressLine(progress)).toBe(
      '117 of 120 files · 3.00 GiB of 4.00 GiB · 80.0 MiB/s · about 13 s left · 12 connections',
    );
  });

  it('says "at least" while the scan runs, and promises no time', () => {
    const line = progressLine({ ...progress, totalsAtLeast: true });
    expect(line).toContain('117 of at least 120 files · 3.00 GiB of at least 4.00 GiB');
    expect(line).not.toContain('left');
    expect(progressBar({ ...progress, totalsAtLeast: true }, 10)).toBeNull();
  });

  it('promises no time that is not known, and no fractions of a second', () => {
    expect(progressLine({ ...progress, etaMs: null })).not.toContain('left');
    expect(progressLine({ ...progress, etaMs: 135 })).toContain('about 1 s left');
  });

  it('shows 100 % only when all is sent', () => {
    expect(progressBar(progress, 8)).toBe('██████░░ 75 %');
    expect(progressBar({ ...progress, bytesDone: progress.bytesTotal - 1 }, 8)).toBe('███████░ 99 %');
    expect(progressBar({ ...progress, bytesDone: progress.bytesTotal + 5 }, 8)).toBe('████████ 100 %');
  });

  it('stays one line on a narrow terminal', () => {
    expect(fitted('abcdef', 6)).toBe('abcdef');
    expect(fitted('abcdefg', 6)).toBe('abcde…');
    expect(fitted('🙂🙂🙂', 2)).toBe('🙂…');
  });
});
