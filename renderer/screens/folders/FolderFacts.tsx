import type { ReactNode } from 'react';
import type { FolderView } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount } from '../../../shared/units.ts';
import { PathText } from '../../components/PathText.tsx';
import { useNow } from '../../components/useNow.ts';
import { presetLabels } from '../../text/ignorePresets.ts';
import { fullTime, timeAgo } from '../../text/timeAgo.ts';

const watchers: Readonly<Record<FolderView['watcher'], string>> = {
  off: 'Not watching',
  starting: 'Starting to watch',
  watching: 'Watching: changes are seen at once',
  polling: 'Looking regularly: this folder cannot be watched',
};

export function FolderFacts({ folder }: { readonly folder: FolderView }) {
  const now = useNow(30_000);
  const least = folder.totalsAtLeast ? 'at least ' : '';
  const files = (count: number, bytes: number) => `${formatCount(count)} (${formatBytes(bytes)})`;
  return (
    <dl className="folder-facts">
      <Fact name="Folder">
        <PathText path={folder.path} limit={80} className="mono" />
      </Fact>
      <Fact name="In S3">
        <PathText path={folder.uri} limit={80} className="mono" />
      </Fact>
      <Fact name="Endpoint">
        <bdi>{folder.endpointUrl ?? 'Amazon S3'}</bdi>
        {folder.region && <span className="muted"> · {folder.region}</span>}
      </Fact>
      <Fact name="Rules">
        <Rules folder={folder} />
      </Fact>
      <Fact name="On disk">{least + files(folder.filesTotal, folder.bytesTotal)}</Fact>
      <Fact name="Confirmed by S3">{files(folder.filesProven, folder.bytesProven)}</Fact>
      <Fact name="Waiting">
        {folder.filesQueued === 0 ? 'nothing' : least + files(folder.filesQueued, folder.bytesQueued)}
      </Fact>
      <Fact name="Need you">
        {folder.filesFailed + folder.issueCount === 0 ? (
          'none'
        ) : (
          <a href="#/issues">{formatCount(Math.max(folder.filesFailed, folder.issueCount))} to look at</a>
        )}
      </Fact>
      <Fact name="Last scan">
        <When at={folder.lastScanAt} now={now} />
      </Fact>
      <Fact name="Last upload">
        <When at={folder.lastUploadAt} now={now} />
      </Fact>
      <Fact name="Changes">{watchers[folder.watcher]}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function When({ at, now }: { readonly at: number | null; readonly now: number }) {
  if (at === null) return 'not yet';
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
      {timeAgo(at, now)}
    </time>
  );
}

function Rules({ folder }: { readonly folder: FolderView }) {
  const { include, exclude } = folder.rules;
  const presets = presetLabels(folder.rules);
  if (include.length + exclude.length + presets.length === 0) return 'everything, but what .sluiceignore names';
  return (
    <span className="rules">
      {include.map((pattern) => (
        <span key={`+${pattern}`} className="rule">
          only <bdi className="mono">{pattern}</bdi>
        </span>
      ))}
      {presets.map((label) => (
        <span key={label} className="rule">
          not {label}
        </span>
      ))}
      {exclude.map((pattern) => (
        <span key={`-${pattern}`} className="rule">
          not <bdi className="mono">{pattern}</bdi>
        </span>
      ))}
    </span>
  );
}
