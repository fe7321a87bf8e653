import type { Output } from '../host.ts';
import { printable } from '../printable.ts';
import { fitted } from './progressText.ts';

/** The lines at the bottom of a terminal that are drawn over and over. */
export interface LiveArea {
  draw(lines: readonly string[]): void;
  /** Makes room for a lasting line. */
  clear(): void;
  close(): void;
}

export async function openLiveArea(output: Output): Promise<LiveArea> {
  const { createLogUpdate } = await import('log-update');
  // The cursor stays: a killed process could not bring it back.
  const update = createLogUpdate(output, { showCursor: true });
  return {
    draw: (lines) => update(lines.map((line) => fitted(printable(line), (output.columns ?? 80) - 1)).join('\n')),
    clear: () => update.clear(),
    close: () => {
      update.clear();
      update.done();
    },
  };
}
