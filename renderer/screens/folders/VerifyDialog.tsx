import { CircleAlert, CircleCheck } from 'lucide-react';
import { useEffect, useState } from 'react';
import { type ErrorView, errorView } from '../../../shared/errors.ts';
import type { FolderView, VerifyProblem, VerifyProgress, VerifyReport } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount, formatDuration } from '../../../shared/units.ts';
import { useApi } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import { PathText } from '../../components/PathText.tsx';
import { CommandText } from '../../components/ShowCommand.tsx';
import { Switch } from '../../components/Switch.tsx';
import { verifyCommand } from '../../text/commandLine.ts';

type State =
  | { readonly kind: 'asking' }
  | { readonly kind: 'running' }
  | { readonly kind: 'done'; readonly report: VerifyReport }
  | { readonly kind: 'failed'; readonly error: ErrorView };

interface VerifyDialogProps {
  readonly folder: FolderView;
  readonly name: string;
  readonly open: boolean;
  readonly onClose: () => void;
}

const askEveryMs = 500;

export function VerifyDialog({ folder, name, open, onClose }: VerifyDialogProps) {
  const api = useApi();
  const [deep, setDeep] = useState(false);
  const [state, setState] = useState<State>({ kind: 'asking' });
  const progress = useVerifyProgress(folder.id, state.kind === 'running');
  const close = () => {
    onClose();
    // A check that still runs keeps its place: its report is there when the dialog is opened again.
    if (state.kind !== 'running') setState({ kind: 'asking' });
  };
  const verify = async () => {
    setState({ kind: 'running' });
    try {
      setState({ kind: 'done', report: await api.verifyFolder({ folderId: folder.id, deep }) });
    } catch (error) {
      setState({ kind: 'failed', error: errorView(error) });
    }
  };
  return (
    <Dialog
      open={open}
      onClose={close}
      size="wide"
      title={`Verify “${name}”`}
      description="Compares disk, ledger and bucket. Changes nothing."
      actions={
        <>
          <Button onClick={close}>Close</Button>
          <Button look="primary" busy={state.kind === 'running'} onClick={verify}>
            {state.kind === 'running' ? 'Verifying…' : state.kind === 'asking' ? 'Verify' : 'Verify again'}
          </Button>
        </>
      }
    >
      <Switch
        label="Read every local byte again"
        hint="Slower: finds damage on this disk that left size and time unchanged."
        checked={deep}
        onChange={setDeep}
      />
      <CommandText command={verifyCommand(folder, deep)} />
      <div role="status" className="stack">
        {state.kind === 'running' && <p className="muted">{progressText(folder, progress)}</p>}
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
function useVerifyProgress(folderId: FolderView['id'], running: boolean): VerifyProgress | null {
  const api = useApi();
  const [progress, setProgress] = useState<VerifyProgress | null>(null);
  useEffect(() => {
    if (!running) return setProgress(null);
    let over = false;
    const ask = async () => {
      const now = await api.verifyProgress({ folderId });
      if (!over && now !== null) setProgress(now);
    };
    // A question that got no answer is asked again soon; what is wrong is the verification's own to say.
    const timer = setInterval(() => void ask().catch(() => undefined), askEveryMs);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [api, folderId, running]);
  return progress;
}

function progressText({ filesTotal }: FolderView, progress: VerifyProgress | null): string {
  if (progress === null) return `Comparing ${formatCount(filesTotal)} files…`;
  const { filesChecked, bytesReread, problems } = progress;
  const read = bytesReread > 0 ? `, ${formatBytes(bytesReread)} read again` : '';
  const differ = problems > 0 ? `, ${formatCount(problems)} ${problems === 1 ? 'differs' : 'differ'}` : '';
  return `${formatCount(filesChecked)} of ${formatCount(filesTotal)} files compared${read}${differ}`;
}

function Report({ report }: { readonly report: VerifyReport }) {
  const read = report.deep ? `, ${formatBytes(report.bytesReread)} read again` : '';
  const checked = `${formatCount(report.filesChecked)} files, ${formatBytes(report.bytesChecked)}${read}, in ${formatDuration(report.durationMs)}`;
  return (
    <>
      <div className="result">
        {report.ok ? (
          <CircleCheck size={18} className="ink-safe" aria-hidden />
        ) : (
          <CircleAlert size={18} className="ink-warn" aria-hidden />
        )}
        <div>
          <strong>
            {report.ok
              ? 'Every file is in the bucket, with its checksum.'
              : `${formatCount(report.problems.length)} ${report.problems.length === 1 ? 'difference' : 'differences'}`}
          </strong>
          <p className="field-hint">{checked}</p>
        </div>
      </div>
      {report.problems.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
        <section className="table-scroll" tabIndex={0} aria-label="Differences">
          <table>
            <thead>
              <tr>
                <th scope="col">File</th>
                <th scope="col">Difference</th>
              </tr>
            </thead>
            <tbody>
              {report.problems.slice(0, shownProblems).map((problem) => (
                <tr key={`${problem.path} ${problem.problem}`}>
                  <td>
                    <PathText path={problem.path} limit={48} />
                  </td>
                  <td>
                    {problemText[problem.problem]}
                    <div className="field-hint">{problem.detail}</div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {report.problems.length > shownProblems && (
            <p className="field-hint">The first {shownProblems}; the command line lists all.</p>
          )}
        </section>
      )}
    </>
  );
}

const shownProblems = 200;
const problemText: Readonly<Record<VerifyProblem['problem'], string>> = {
  'not-uploaded': 'Not uploaded yet',
  'changed-since': 'Changed on disk since its upload',
  'object-missing': 'Missing in the bucket',
  'size-differs': 'Another size in the bucket',
  'checksum-differs': 'Another checksum in the bucket',
  'local-differs': 'Other bytes on disk than were uploaded',
  'local-missing': 'Gone from the disk',
  unreadable: 'Cannot be read',
  'not-confirmed': 'The store confirms no checksum',
};
