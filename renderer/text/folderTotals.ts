import type { FolderView } from '../../shared/syncApi.ts';
import { formatBytes, formatCount } from '../../shared/units.ts';

export interface FolderTotals {
  /** 0…100, whole; 100 only when every byte and file is proven and no scan is open. */
  readonly percent: number;
  readonly bytesLeft: number;
  readonly text: string;
}

/** How far a folder is, without ever rounding up to "all". `bytesOnTheWay`: sent of files that are not proven yet. */
export function folderTotals(folder: FolderView, bytesOnTheWay = 0): FolderTotals {
  const unproven = Math.max(0, folder.bytesTotal - folder.bytesProven);
  const bytesLeft = Math.max(0, unproven - bytesOnTheWay);
  const filesLeft = Math.max(0, folder.filesTotal - folder.filesProven);
  const share = folder.bytesTotal > 0 ? 1 - bytesLeft / folder.bytesTotal : filesLeft === 0 ? 1 : 0;
  const complete = filesLeft === 0 && unproven === 0 && !folder.totalsAtLeast;
  const percent = complete ? 100 : Math.max(0, Math.min(99, Math.floor(share * 100)));
  const least = folder.totalsAtLeast ? 'at least ' : '';
  const text = complete
    ? `${formatCount(folder.filesTotal)} ${folder.filesTotal === 1 ? 'file' : 'files'}, ${formatBytes(folder.bytesTotal)}`
    : `${least}${formatBytes(bytesLeft)} in ${formatCount(filesLeft)} ${filesLeft === 1 ? 'file' : 'files'} left`;
  return { percent, bytesLeft, text };
}
