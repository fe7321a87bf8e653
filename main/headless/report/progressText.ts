import type { ProgressEvent } from '../../../shared/events.ts';
import type { TransferView } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount, formatDuration, formatRate } from '../../../shared/units.ts';

/** One line: files, bytes, rate, time left, connections; "at least" while the scan isn't finished. */
export function progressLine(progress: ProgressEvent): string {
  const atLeast = progress.totalsAtLeast ? 'at least ' : '';
  const parts = [
    `${formatCount(progress.filesDone)} of ${atLeast}${formatCount(progress.filesTotal)} files`,
    `${formatBytes(progress.bytesDone)} of ${atLeast}${formatBytes(progress.bytesTotal)}`,
    formatRate(progress.bytesPerSecond),
    ...(progress.etaMs === null || progress.totalsAtLeast
      ? []
      : [`about ${formatDuration(Math.max(1_000, progress.etaMs))} left`]),
    `${formatCount(progress.connections)} ${progress.connections === 1 ? 'connection' : 'connections'}`,
  ];
  return parts.join(' · ');
}

/** A bar of `width` cells; none while the total isn't known, because it would run backwards. */
export function progressBar(progress: ProgressEvent, width: number): string | null {
  if (progress.totalsAtLeast || progress.bytesTotal <= 0) return null;
  const share = Math.min(1, progress.bytesDone / progress.bytesTotal);
  const full = Math.floor(share * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${Math.floor(share * 100)} %`;
}

export function transferLine(transfer: TransferView): string {
  const share = transfer.bytesTotal > 0 ? Math.floor((transfer.bytesDone / transfer.bytesTotal) * 100) : 0;
  const parts = transfer.partCount > 1 ? `, part ${transfer.partsDone} of ${transfer.partCount}` : '';
  const phase = transfer.phase === 'sending' ? '' : `, ${transfer.phase}`;
  return `${share} % of ${formatBytes(transfer.bytesTotal)}${parts}${phase}  ${transfer.path}`;
}

/** Cut to the columns of a terminal, so that a line is one line. */
export function fitted(line: string, columns: number): string {
  const characters = [...line];
  return characters.length <= columns ? line : `${characters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}
