import type { ErrorView } from '../../../shared/errors.ts';
import type { FileEvent } from '../../../shared/events.ts';
import type { NewActivity } from '../ledger/ledger.ts';

/** What the ledger keeps of a finished file. `error`: it failed for good. */
export function activityOf(event: FileEvent, at: number, error: ErrorView | null = null): NewActivity {
  const { folderId, path, key, bytes, parts, durationMs, retries, etag, checksum } = event;
  const action = error === null ? event.action : 'failed';
  return { at, folderId, path, key, action, bytes, parts, durationMs, retries, etag, checksum, error };
}
