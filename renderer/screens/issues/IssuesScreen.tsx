import { CircleCheck, RotateCw, TriangleAlert, X } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { type ErrorView, errorView } from '../../../shared/errors.ts';
import type { IssueView } from '../../../shared/syncApi.ts';
import { formatCount } from '../../../shared/units.ts';
import { useAction } from '../../api/useAction.ts';
import { useApi, useSnapshot } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { PathText } from '../../components/PathText.tsx';
import { CommandText } from '../../components/ShowCommand.tsx';
import { useNow } from '../../components/useNow.ts';
import { fullTime, timeAgo } from '../../text/timeAgo.ts';
import { splitRemedy } from './splitRemedy.ts';

export function IssuesScreen() {
  const api = useApi();
  const { issueCount } = useSnapshot();
  const [issues, setIssues] = useState<readonly IssueView[] | null>(null);
  const [failure, setFailure] = useState<ErrorView | null>(null);
  const load = useCallback(async () => {
    try {
      setIssues((await api.issues({})).issues);
      setFailure(null);
    } catch (error) {
      setFailure(errorView(error));
    }
  }, [api]);

  // Another count means another list.
  useEffect(() => void load(), [load, issueCount]);

  if (failure && !issues) return <p className="muted">{failure.message}</p>;
  if (!issues) return null;
  if (issues.length === 0) {
    return (
      <div className="card">
        <EmptyState
          icon={CircleCheck}
          title="Nothing needs you"
          text="What Sluice cannot solve by itself is listed here, with what to do about it."
        />
      </div>
    );
  }
  return (
    <ul className="issues">
      {issues.map((issue) => (
        <IssueRow key={issue.id} issue={issue} onChanged={load} />
      ))}
    </ul>
  );
}

interface IssueRowProps {
  readonly issue: IssueView;
  readonly onChanged: () => Promise<void>;
}

function IssueRow({ issue, onChanged }: IssueRowProps) {
  const api = useApi();
  const now = useNow(30_000);
  const { folders } = useSnapshot();
  const { busy, run } = useAction();
  const act = async (action: () => Promise<unknown>, done?: string) => {
    if (await run(action, done)) await onChanged();
  };
  const isChoice = issue.code === 'foreign-object' && issue.path !== null;
  const { text, command } = splitRemedy(isChoice ? choiceText : issue.remedy);
  const folder = folders.find(({ id }) => id === issue.folderId);
  const about = issue.path ?? folder?.path;
  return (
    <li className="card issue">
      <TriangleAlert size={20} className="ink-warn issue-icon" aria-hidden />
      <div className="issue-body">
        {about && (
          <h2>
            <PathText path={about} limit={72} />
          </h2>
        )}
        <p>
          <bdi>{issue.message}</bdi>
        </p>
        <p className="issue-remedy">{text}</p>
        {command && <CommandText command={command} />}
        <p className="facts">
          {issue.path && folder && (
            <span>
              in <PathText path={folder.path} limit={40} />
            </span>
          )}
          <span title={fullTime(issue.firstSeenAt)}>since {timeAgo(issue.firstSeenAt, now)}</span>
          {issue.count > 1 && <span>seen {formatCount(issue.count)} times</span>}
          <span className="mono">{issue.code}</span>
        </p>
      </div>
      <div className="issue-actions">
        {isChoice && (
          <>
            <Button
              busy={busy}
              onClick={() =>
                act(() => api.resolveConflict({ issueId: issue.id, keep: 'theirs' }), 'The bucket’s stays')
              }
            >
              Keep theirs
            </Button>
            <Button
              busy={busy}
              onClick={() => act(() => api.resolveConflict({ issueId: issue.id, keep: 'ours' }), 'Uploading ours')}
            >
              Upload ours
            </Button>
          </>
        )}
        <Button
          busy={busy}
          icon={<RotateCw size={15} aria-hidden />}
          onClick={() => act(() => api.retryIssue({ issueId: issue.id }), 'Trying again')}
        >
          Try again
        </Button>
        <Button
          look="ghost"
          busy={busy}
          icon={<X size={15} aria-hidden />}
          onClick={() => act(() => api.dismissIssue({ issueId: issue.id }))}
        >
          Dismiss
        </Button>
      </div>
    </li>
  );
}

/** The remedy of such an issue is for the command line; here it is decided with two buttons. */
const choiceText =
  'Keep theirs: the object stays, and this file is not uploaded over it. Upload ours: this file replaces the object that is there now.';
