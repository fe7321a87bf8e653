import { closeSync, linkSync, openSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenUpload, StoredPart } from './storage.ts';

export interface Placement {
  /** Relative to the bucket. */
  readonly file: string;
  readonly offset: number;
  /** In the file that all parts share: written in place, never deleted alone. */
  readonly shared: boolean;
}

/** Where the parts of one upload lie in the file they share. */
export interface PartSlots {
  /** Bytes from one part's start to the next one's; null before the first part. */
  stride: number | null;
  readonly taken: Set<number>;
  /** Bodies under way into the shared file. */
  writers: number;
}

/**
 * Parts of one length are written straight to where they will be in the object, so that Complete is a link and not a copy. What doesn't fit
 * the pattern (a longer part, one sent twice) gets a file of its own, and Complete copies.
 */
export function placePart(open: OpenUpload, partNumber: number, length: number, ownFile: string): Placement {
  const { slots } = open;
  // NTFS would fill the hole before a late part with zeros.
  const fits = length > 0 && (slots.stride === null || length <= slots.stride) && process.platform !== 'win32';
  if (!fits || slots.taken.has(partNumber)) return { file: ownFile, offset: 0, shared: false };
  slots.stride ??= length;
  slots.taken.add(partNumber);
  return { file: sharedFile(open.upload.uploadId), offset: (partNumber - 1) * slots.stride, shared: true };
}

export function slotsOf(uploadId: string, parts: Iterable<StoredPart>): PartSlots {
  const slots: PartSlots = { stride: null, taken: new Set(), writers: 0 };
  for (const part of parts) {
    if (part.file !== sharedFile(uploadId)) continue;
    slots.taken.add(part.partNumber);
    if (part.partNumber > 1) slots.stride = part.offset / (part.partNumber - 1);
    else slots.stride ??= part.size;
  }
  return slots;
}

/** Makes the shared file the object's, where it is exactly these parts in this order. */
export function linkParts(
  open: OpenUpload,
  parts: readonly StoredPart[],
  size: number,
  from: string,
  to: string,
): boolean {
  let offset = 0;
  for (const part of parts) {
    if (part.file !== sharedFile(open.upload.uploadId) || part.offset !== offset) return false;
    offset += part.size;
  }
  const last = parts.at(-1)?.partNumber ?? 0;
  if (open.slots.writers > 0 || [...open.slots.taken].some((partNumber) => partNumber > last)) return false;
  // A body that broke off may have left bytes behind the end.
  truncateSync(from, size);
  linkSync(from, to);
  return true;
}

export function sharedFile(uploadId: string): string {
  return join('uploads', uploadId, 'parts');
}

export function createSharedFile(path: string): void {
  closeSync(openSync(path, 'a'));
}
