import type { QueuedFile } from '../ledger/ledger.ts';
import type { WriteCondition } from '../store/store.ts';

/** What must hold of the key before a file is written there: nothing where it was never written, the very object where it was. */
export function writeCondition({ proof }: Pick<QueuedFile, 'proof'>, isSupported: boolean): WriteCondition {
  if (!isSupported) return { kind: 'none' };
  return proof === null || proof.etag === '' ? { kind: 'if-absent' } : { kind: 'if-match', etag: proof.etag };
}
