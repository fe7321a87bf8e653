import type { FileId } from '../../../shared/ids.ts';
import type { Lane, QueuedFile } from '../ledger/ledger.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import type { UploadContext } from './uploadContext.ts';

/** A folder whose queue is being worked off. */
export interface Member {
  readonly context: UploadContext;
  abort: AbortController;
  paused: boolean;
  rootGone: boolean;
  readonly active: Map<FileId, ActiveTransfer>;
  /** Small files are claimed by the batch. */
  readonly claimed: QueuedFile[];
  /** false: the ledger had none left when last asked. */
  readonly maybe: Record<Lane, boolean>;
  lastGivenAt: number;
  toldUnconfirmed: boolean;
  toldUnencrypted: boolean;
}

export const newMember = (context: UploadContext): Member => ({
  context,
  abort: new AbortController(),
  paused: context.folder.paused,
  rootGone: false,
  active: new Map(),
  claimed: [],
  maybe: { small: true, large: true },
  lastGivenAt: 0,
  toldUnconfirmed: false,
  toldUnencrypted: false,
});

export const hasWork = (member: Member, lane: Lane): boolean =>
  member.maybe[lane] || (lane === 'small' && member.claimed.length > 0);
