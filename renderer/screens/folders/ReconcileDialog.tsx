import { CircleAlert, CircleCheck } from 'lucide-react';
import { useState } from 'react';
import { type ErrorView, errorView } from '../../../shared/errors.ts';
import type { FolderView, ReconcileReport } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount, formatDuration } from '../../../shared/units.ts';
import { useApi } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import { PathText } from '../../components/PathText.tsx';
import { CommandText } from '../../components/ShowCommand.tsx';
import { folderCommand } from '../../text/commandLine.ts';

type State =
  | { readonly kind: 'asking' }
  | { readonly kind: 'running' }
  | { readonly kind: 'done'; readonly report: ReconcileReport }
  | { readonly kind: 'failed'; readonly error: ErrorView };

interface ReconcileDialogProps {
  readonly folder: FolderView;
  readonly name: string;
  readonly open: boolean;
  readonly onClose: () => void;
}

export function ReconcileDialog({ folder, name, open, onClose }: ReconcileDialogProps) {
  const api = useApi();
  const [state, setState] = useState<State>({ kind: 'asking' });
  const close = () => {
    onClose();
    // A comparison that still runs keeps its place: its report is there when the dialog is opened again.
    if (state.kind !== 'running') setState({ kind: 'asking' });
  };
  const compare = async () => {
    setState({ kind: 'running' });
    try {
      setState({ kind: 'done', report: await api.reconcileFolder({ folderId: folder.id }) });
    } catch (error) {
      setState({ kind: 'failed', error: errorView(error) });
    }
  };
  return (
    <Dialog
      open={open}
      onClose={close}
      size="wide"
      title={`Compare “${name}” with the bucket`}
      description="Holds the bucket’s listing against what was uploaded. Writes nothing into the bucket; done by itself once a week."
      actions={
        <>
          <Button onClick={close}>Close</Button>
          <Button look="primary" busy={state.kind === 'running'} onClick={compare}>
            {state.kind === 'running' ? 'Comparing…' : state.kind === 'asking' ? 'Compare' : 'Compare again'}
          </Button>
        </>
      }
    >
      <p className="field-hint">
        Objects that are missing are uploaded again. Objects that others changed become issues: you choose whose stays.
      </p>
      <CommandText command={folderCommand('reconcile', folder)} />
      <div role="status" className="stack">
        {state.kind === 'running' && (
          <p className="muted">
            Listing <bdi>{folder.uri}</bdi>…
          </p>
        )}
        {state.kind === 'failed' && (
          <div className="result">
            <CircleAlert size={18} className="ink-bad" aria-hidden />
            <div>
              <bdi>{state.error.message}</bdi>
              <p className="field-hint">{state.error.remedy}</p>
            </div>
          </div>
        )}
        {state.kind === 'done' && <Report report={state.report} />}
      </div>
    </Dialog>
  );
}

function Report({ report }: { readonly report: ReconcileReport }) {
  const { missing, changed, complete } = report;
  const isFine = missing === 0 && changed === 0 && complete;
  const others =
    report.otherObjects === 0
      ? ''
      : `; ${formatCount(report.otherObjects)} other objects (${formatBytes(report.otherBytes)}) were left alone`;
  return (
    <>
      <div className="result">
        {isFine ? (
          <CircleCheck size={18} className="ink-safe" aria-hidden />
        ) : (
          <CircleAlert size={18} className="ink-warn" aria-hidden />
        )}
        <div>
          <strong>
            {isFine
              ? 'The bucket holds what was uploaded.'
              : `${formatCount(missing)} missing, ${formatCount(changed)} changed by others`}
          </strong>
          <p className="field-hint">
            {formatCount(report.filesChecked)} files, {formatCount(report.requests)} requests, in{' '}
            {formatDuration(report.durationMs)}
            {others}
            {complete ? '' : '; the budget of requests ended before the listing did'}
          </p>
        </div>
      </div>
      {report.problems.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
        <section className="table-scroll" tabIndex={0} aria-label="Differences">
          <table>
            <thead>
              <tr>
                <th scope="col">File</th>
                <th scope="col">In the bucket</th>
              </tr>
            </thead>
            <tbody>
              {report.problems.map(({ path, problem, detail }) => (
                <tr key={path}>
                  <td>
                    <PathText path={path} limit={48} />
                  </td>
                  <td>
                    {problem === 'missing' ? 'Missing' : 'Changed by others'}
                    <div className="field-hint">{detail}</div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}
