import { CircleAlert, CircleCheck, TriangleAlert } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { type ErrorView, errorView } from '../../../shared/errors.ts';
import { DeletePolicy } from '../../../shared/settings.ts';
import type { FolderView, PendingDeletes } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount, formatDuration } from '../../../shared/units.ts';
import { useAction } from '../../api/useAction.ts';
import { useApi } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import { PathText } from '../../components/PathText.tsx';
import { RadioCards } from '../../components/RadioCards.tsx';
import { CommandText } from '../../components/ShowCommand.tsx';
import { folderCommand } from '../../text/commandLine.ts';
import { fullTime, timeAgo } from '../../text/timeAgo.ts';

interface DeletesDialogProps {
  readonly folder: FolderView;
  readonly name: string;
  readonly onClose: () => void;
}

/** Whether objects of gone files are deleted, and the user's word on those that wait for it. */
export function DeletesDialog({ folder, name, onClose }: DeletesDialogProps) {
  const api = useApi();
  const { busy, run } = useAction();
  const [pending, setPending] = useState<PendingDeletes | null>(null);
  const [failure, setFailure] = useState<ErrorView | null>(null);
  const folderId = folder.id;
  const load = useCallback(async () => {
    try {
      setPending(await api.pendingDeletes({ folderId }));
      setFailure(null);
    } catch (error) {
      setFailure(errorView(error));
    }
  }, [api, folderId]);
  useEffect(() => void load(), [load]);
  const act = async (action: () => Promise<unknown>, done?: string) => {
    if (await run(action, done)) await load();
  };
  const asOf = pending?.asOf ?? 0;
  const hasHeld = (pending?.held ?? 0) > 0;
  return (
    <Dialog
      open
      onClose={onClose}
      size="wide"
      title={`Deletes of “${name}”`}
      description="What becomes of an object when its file is gone from this folder."
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          {hasHeld && (
            <>
              <Button
                busy={busy}
                onClick={() => act(() => api.approveDeletes({ folderId, asOf }), 'They are deleted with the next look')}
              >
                Delete {formatCount(pending?.held ?? 0)} objects
              </Button>
              <Button
                look="primary"
                busy={busy}
                onClick={() => act(() => api.keepDeletes({ folderId, asOf }), 'They stay in the bucket')}
              >
                Keep them all
              </Button>
            </>
          )}
        </>
      }
    >
      {failure && (
        <div className="result">
          <CircleAlert size={18} className="ink-bad" aria-hidden />
          <div>
            <bdi>{failure.message}</bdi>
            <p className="field-hint">{failure.remedy}</p>
          </div>
        </div>
      )}
      {!pending && !failure && <p className="muted">Looking at what is to be deleted…</p>}
      {pending && (
        <>
          <RadioCards
            label="When a file is gone"
            value={pending.policy.kind}
            options={policiesBeside(pending.policy)}
            onChange={(kind) => act(() => api.setDeletePolicy({ folderId, deletes: DeletePolicy.parse({ kind }) }))}
          />
          <CommandText command={folderCommand('deletes', folder)} />
          <Versioning versioning={pending.versioning} />
          <div role="status" className="stack">
            <Held pending={pending} />
          </div>
        </>
      )}
    </Dialog>
  );
}

/** Said of the limits in force, which the command line may have set; of the usual ones while deletes are off. */
function policiesBeside(policy: DeletePolicy) {
  const { holdMs, limit } = policy.kind === 'mirror' ? policy : usualMirror;
  const most = limit.kind === 'percent' ? `${limit.percent} % of the folder` : `${formatCount(limit.count)} files`;
  const later = holdMs > 0 ? `, ${formatDuration(holdMs)} later` : '';
  return [
    { value: 'never', label: 'Keep its object', hint: 'Nothing is ever deleted from the bucket.' },
    {
      value: 'mirror',
      label: `Delete its object${later}`,
      hint: `Unless it comes back. More than ${most} at once waits for your approval.`,
    },
  ] as const;
}

const usualMirror = DeletePolicy.parse({ kind: 'mirror' }) as Extract<DeletePolicy, { kind: 'mirror' }>;

function Versioning({ versioning }: Pick<PendingDeletes, 'versioning'>) {
  const isSafe = versioning === 'enabled';
  return (
    <div className="result">
      {isSafe ? (
        <CircleCheck size={18} className="ink-safe" aria-hidden />
      ) : (
        <TriangleAlert size={18} className="ink-warn" aria-hidden />
      )}
      <span>{versioningText[versioning]}</span>
    </div>
  );
}

const versioningText: Readonly<Record<PendingDeletes['versioning'], string>> = {
  enabled: 'The bucket keeps versions: a deleted object can be brought back.',
  suspended: 'The bucket’s versioning is suspended: a deleted object may be lost.',
  off: 'The bucket keeps no versions: a deleted object is lost.',
  unknown: 'The store does not say whether the bucket keeps versions.',
};

function Held({ pending }: { readonly pending: PendingDeletes }) {
  const { held, heldBytes, approved, kept, rows, needsApproval, asOf } = pending;
  return (
    <>
      <p>
        <strong>
          {held === 0
            ? 'Nothing is waiting to be deleted.'
            : `${formatCount(held)} objects, ${formatBytes(heldBytes)}, ${needsApproval ? 'wait for your approval' : 'are held back'}.`}
        </strong>{' '}
        {approved > 0 && `${formatCount(approved)} approved. `}
        {kept > 0 && `${formatCount(kept)} kept for good.`}
      </p>
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
        <section className="table-scroll" tabIndex={0} aria-label="Objects of gone files">
          <table>
            <thead>
              <tr>
                <th scope="col">File</th>
                <th scope="col" className="number">
                  Size
                </th>
                <th scope="col">Gone</th>
                <th scope="col">Deleted</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.path}>
                  <td>
                    <PathText path={row.path} limit={48} />
                  </td>
                  <td className="number">{formatBytes(row.bytes)}</td>
                  <td title={fullTime(row.noticedAt)}>{timeAgo(row.noticedAt, asOf)}</td>
                  <td>{whenText(row, asOf)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {held + approved > rows.length && <p className="field-hint">The first {rows.length}.</p>}
        </section>
      )}
    </>
  );
}

function whenText({ decision, dueAt }: PendingDeletes['rows'][number], asOf: number): string {
  if (decision === 'approved') return 'With the next look';
  if (dueAt === null) return 'When you approve';
  return dueAt <= asOf ? 'With the next look' : `In ${formatDuration(dueAt - asOf)}`;
}
