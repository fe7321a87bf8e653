import { CircleAlert, CircleCheck, FolderOpen } from 'lucide-react';
import { useEffect, useState } from 'react';
import { type ErrorView, errorView } from '../../../shared/errors.ts';
import type { FolderView, RestoreProgress, RestoreReport } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount, formatDuration } from '../../../shared/units.ts';
import { useApi } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import { PathText } from '../../components/PathText.tsx';
import { CommandText } from '../../components/ShowCommand.tsx';
import { Switch } from '../../components/Switch.tsx';
import { TextField } from '../../components/TextField.tsx';
import { restoreCommand } from '../../text/commandLine.ts';
import { FolderBrowser } from './FolderBrowser.tsx';

type State =
  | { readonly kind: 'asking' }
  | { readonly kind: 'running' }
  | { readonly kind: 'done'; readonly report: RestoreReport }
  | { readonly kind: 'failed'; readonly error: ErrorView };

interface RestoreDialogProps {
  readonly folder: FolderView;
  readonly name: string;
  readonly open: boolean;
  readonly onClose: () => void;
}

const askEveryMs = 500;

export function RestoreDialog({ folder, name, open, onClose }: RestoreDialogProps) {
  const api = useApi();
  const folderId = folder.id;
  const [target, setTarget] = useState('');
  const [only, setOnly] = useState('');
  const [overwrite, setOverwrite] = useState(false);
  const [browsing, setBrowsing] = useState(false);
  const [state, setState] = useState<State>({ kind: 'asking' });
  const progress = useRestoreProgress(folderId, state.kind === 'running');
  const include = only.trim() === '' ? [] : [only.trim()];
  const running = state.kind === 'running';

  const close = () => {
    onClose();
    // One that still runs keeps its place: its report is there when the dialog is opened again.
    if (!running) setState({ kind: 'asking' });
  };
  const choose = async () => {
    const bridge = window.sluiceBridge;
    if (!bridge) return setBrowsing((shown) => !shown);
    const path = await bridge.pickFolder();
    if (path !== null) setTarget(path);
  };
  const restore = async () => {
    setState({ kind: 'running' });
    try {
      setState({ kind: 'done', report: await api.restoreFolder({ folderId, target, include, overwrite }) });
    } catch (error) {
      setState({ kind: 'failed', error: errorView(error) });
    }
  };
  // What can't be stopped any more has ended, and says so itself.
  const stop = () => void api.cancelRestore({ folderId }).catch(() => undefined);
  return (
    <Dialog
      open={open}
      onClose={close}
      size="wide"
      title={`Restore “${name}”`}
      description={`Downloads what ${folder.uri} holds, and proves every file. The bucket is not changed.`}
      actions={
        <>
          <Button onClick={close}>Close</Button>
          {running && <Button onClick={stop}>Stop</Button>}
          <Button look="primary" busy={running} disabled={target.trim() === ''} onClick={restore}>
            {running ? 'Restoring…' : state.kind === 'asking' ? 'Restore' : 'Restore again'}
          </Button>
        </>
      }
    >
      <div className="with-button">
        <TextField
          label="Into this folder"
          placeholder="/home/you/Restored"
          hint="Made if it is not there. A new or empty folder is the safest."
          value={target}
          onChange={setTarget}
        />
        <Button icon={<FolderOpen size={15} aria-hidden />} onClick={choose}>
          {window.sluiceBridge ? 'Choose…' : 'Browse'}
        </Button>
      </div>
      {browsing && <FolderBrowser path={target || null} onPick={setTarget} />}
      <TextField
        label="Only what matches (optional)"
        placeholder="album/*.jpg"
        hint="A pattern as in .gitignore, or the path of one file."
        value={only}
        onChange={setOnly}
      />
      <Switch
        label="Replace files that differ"
        hint="Off: a file that is there and differs stays as it is, and is named."
        checked={overwrite}
        onChange={setOverwrite}
      />
      <CommandText command={restoreCommand(folder, { target: target.trim() || 'FOLDER', include, overwrite })} />
      <div role="status" className="stack">
        {running && <p className="muted">{progressText(progress)}</p>}
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

/** null until there is something to tell. */
function useRestoreProgress(folderId: FolderView['id'], running: boolean): RestoreProgress | null {
  const api = useApi();
  const [progress, setProgress] = useState<RestoreProgress | null>(null);
  useEffect(() => {
    if (!running) return setProgress(null);
    let over = false;
    const ask = async () => {
      const now = await api.restoreProgress({ folderId });
      if (!over && now !== null) setProgress(now);
    };
    // A question that got no answer is asked again soon; what is wrong is the restore's own to say.
    const timer = setInterval(() => void ask().catch(() => undefined), askEveryMs);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [api, folderId, running]);
  return progress;
}

const files = (count: number): string => `${formatCount(count)} ${count === 1 ? 'file' : 'files'}`;

function progressText(progress: RestoreProgress | null): string {
  if (progress === null) return 'Asking the bucket what it holds…';
  const { filesRestored, filesSkipped, filesFailed, bytesReceived } = progress;
  const failed = filesFailed > 0 ? `, ${formatCount(filesFailed)} in the way or failed` : '';
  return `${files(filesRestored)} restored, ${formatCount(filesSkipped)} there already${failed}; ${formatBytes(bytesReceived)} received`;
}

function Report({ report }: { readonly report: RestoreReport }) {
  const { filesRestored, filesSkipped, filesFailed, filesNotVerified, bytesReceived, durationMs, failures } = report;
  const isWhole = filesFailed === 0 && filesNotVerified === 0;
  const nothing = filesRestored + filesSkipped + filesFailed === 0;
  return (
    <>
      <div className="result">
        {isWhole && !nothing ? (
          <CircleCheck size={18} className="ink-safe" aria-hidden />
        ) : (
          <CircleAlert size={18} className="ink-warn" aria-hidden />
        )}
        <div>
          <strong>{nothing ? 'Nothing there matches.' : outcome(report)}</strong>
          <p className="field-hint">
            {files(filesRestored)} restored, {formatCount(filesSkipped)} there already; {formatBytes(bytesReceived)}{' '}
            received in {formatDuration(durationMs)}
          </p>
        </div>
      </div>
      {failures.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
        <section className="table-scroll" tabIndex={0} aria-label="Not restored">
          <table>
            <thead>
              <tr>
                <th scope="col">File</th>
                <th scope="col">Why it was not restored</th>
              </tr>
            </thead>
            <tbody>
              {failures.map(({ path, error }) => (
                <tr key={path}>
                  <td>
                    <PathText path={path} limit={48} />
                  </td>
                  <td>
                    <bdi>{error.message}</bdi>
                    <div className="field-hint">{error.remedy}</div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {filesFailed > failures.length && (
            <p className="field-hint">The first {failures.length}; the command line lists all.</p>
          )}
        </section>
      )}
    </>
  );
}

function outcome({ filesFailed, filesNotVerified }: RestoreReport): string {
  if (filesFailed > 0) return `${files(filesFailed)} not restored.`;
  if (filesNotVerified > 0) return `${files(filesNotVerified)} not verified: the store keeps no checksum of them.`;
  return 'Every file is there, compared with what the bucket keeps of it.';
}
