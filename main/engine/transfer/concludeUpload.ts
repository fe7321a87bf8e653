import { type ErrorView, SluiceError } from '../../../shared/errors.ts';
import type { FileEvent } from '../../../shared/events.ts';
import type { FolderId } from '../../../shared/ids.ts';
import type { RunMetrics } from '../insight/runMetrics.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Clock } from '../ports.ts';
import type { ActiveTransfer } from './activeTransfer.ts';
import { activityOf } from './activityOf.ts';
import type { Member } from './member.ts';
import type { ProofWriter } from './proofWriter.ts';
import type { Settler } from './settleFailure.ts';
import type { Uploaded } from './uploadContext.ts';
import type { UploadPlans } from './uploadPlans.ts';

export interface ConcludeOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly metrics: RunMetrics;
  readonly writer: ProofWriter;
  readonly settler: Settler;
  readonly plans: UploadPlans;
  readonly guarded: <T>(work: () => T) => T | undefined;
  readonly onFile: (event: FileEvent) => void;
  readonly onIssue: (folderId: FolderId, error: ErrorView) => void;
  /** The file isn't active any more. */
  readonly onDone: () => void;
}

/** What is to be done when the bucket holds a file: its proof written, its event told, what it taught of the store remembered. */
export function concludeUpload(options: ConcludeOptions) {
  const { ledger, clock, metrics, writer, settler, plans, guarded } = options;

  /** Once for each folder: it is about the store, not about the file. */
  const tellUnconfirmed = (member: Member): void => {
    if (member.toldUnconfirmed) return;
    member.toldUnconfirmed = true;
    const { id, bucket } = member.context.folder;
    const error = new SluiceError('proof-missing', `The store of ${bucket} confirmed only sizes, no checksums`).view();
    ledger.raiseIssue({ folderId: id, path: null, error, atMs: clock.now() });
    options.onIssue(id, error);
  };

  /** The store takes the setting and doesn't do it, or an object was there that has none: the bytes are safe, and not as the user asked. */
  const noteEncryption = (member: Member, sse: string | null): void => {
    const { folder, encryption } = member.context;
    const asked = folder.objects.sse.kind;
    if (asked === 'bucket-default') return;
    if (encryption.holds(sse))
      return member.toldUnencrypted ? undefined : ledger.settleIssues(folder.id, null, ['encryption-missing']);
    if (member.toldUnencrypted) return;
    member.toldUnencrypted = true;
    const says = sse === null ? 'names no encryption' : `names ${sse}`;
    const error = new SluiceError(
      'encryption-missing',
      `The store of ${folder.bucket} ${says} where ${asked} was asked`,
    );
    ledger.raiseIssue({ folderId: folder.id, path: null, error: error.view(), atMs: clock.now() });
    options.onIssue(folder.id, error.view());
  };

  return (member: Member, active: ActiveTransfer, { proof, action, parts, recorded, sse }: Uploaded): void => {
    const { file, key, lane } = active;
    const sent = action !== 'skip';
    const durationMs = clock.now() - active.startedAt;
    const event: FileEvent = {
      type: 'file',
      folderId: file.folderId,
      path: file.path,
      key,
      action,
      bytes: sent && action !== 'copy' ? file.sizeBytes : 0,
      parts,
      durationMs,
      retries: active.retries,
      etag: proof.etag,
      checksum: proof.checksum,
      accelerated: sent && active.route?.wasAccelerated() === true,
    };
    const activity = sent ? activityOf(event, clock.now()) : null;
    if (proof.checksum === null) tellUnconfirmed(member);
    if (sse !== undefined) noteEncryption(member, sse);
    if (sent && action !== 'copy' && active.resumedParts === 0) {
      const partSizeBytes = action === 'multipart' ? active.partSizeBytes : 0;
      plans.learn(member.context, { lane, sizeBytes: file.sizeBytes, partSizeBytes, durationMs });
    }
    const written = (): void => {
      if (action === 'copy') metrics.counts.filesCopied++;
      else if (sent) {
        metrics.counts.filesUploaded++;
        metrics.counts.bytesUploaded += file.sizeBytes;
      } else metrics.counts.filesUnchanged++;
      settler.succeeded(file);
      member.active.delete(file.id);
      options.onFile(event);
      options.onDone();
    };
    if (!recorded) return writer.add({ fileId: file.id, proof, activity, written: () => guarded(written) });
    if (activity) ledger.recordActivity([activity]);
    written();
  };
}
