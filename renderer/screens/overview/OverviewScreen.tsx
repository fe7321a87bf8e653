import { FolderPlus } from 'lucide-react';
import { useState } from 'react';
import { formatBytes, formatCount, formatDuration } from '../../../shared/units.ts';
import { useSnapshot } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { StateIcon, stateTone } from '../../components/StateIcon.tsx';
import { hourAndMinute } from '../../text/timeAgo.ts';
import { AddFolderDialog } from '../folders/AddFolderDialog.tsx';
import { MovingNow } from './MovingNow.tsx';
import { Throughput } from './Throughput.tsx';

export function OverviewScreen() {
  const snapshot = useSnapshot();
  const { sentence, totals, pause } = snapshot;
  const [adding, setAdding] = useState(false);
  return (
    <>
      <section className={`sentence soft-${stateTone(sentence.state)}`} aria-label="How things are">
        <StateIcon state={sentence.state} size={34} />
        <div>
          <p className="sentence-text" role="status">
            <bdi>{sentence.text}</bdi>
          </p>
          {pause.kind === 'paused' && (
            <p className="sentence-aside">
              {pause.untilMs === null ? 'Until you resume.' : `Goes on by itself at ${hourAndMinute(pause.untilMs)}.`}
            </p>
          )}
          {sentence.state === 'attention' && (
            <p className="sentence-aside">
              <a href="#/issues">See what needs you</a>
            </p>
          )}
        </div>
      </section>
      {snapshot.folders.length === 0 && sentence.state !== 'error' ? (
        <div className="card">
          <EmptyState
            icon={FolderPlus}
            title="Keep a folder safe in S3"
            text="Choose a folder on this machine and a bucket. Sluice uploads what is in it, proves every file with its checksum, and keeps following your changes."
            action={
              <Button
                look="primary"
                className="button-big"
                icon={<FolderPlus size={18} aria-hidden />}
                onClick={() => setAdding(true)}
              >
                Add a folder
              </Button>
            }
          />
        </div>
      ) : (
        <>
          <Throughput samples={snapshot.rate} limit={snapshot.maxBandwidthBytesPerSecond} totals={totals} />
          <MovingNow snapshot={snapshot} />
          <section className="card" aria-labelledby="today">
            <h2 id="today" className="card-title">
              Today
            </h2>
            <dl className="numbers">
              <Figure name="Files uploaded" value={formatCount(totals.filesToday)} />
              <Figure name="Uploaded" value={formatBytes(totals.bytesToday)} />
              <Figure name="Tried again" value={formatCount(totals.retriesToday)} />
              <Figure name="Waiting" value={waiting(totals.filesQueued, totals.bytesQueued)} />
              <Figure name="Time left" value={totals.etaMs === null ? '–' : `about ${formatDuration(totals.etaMs)}`} />
            </dl>
          </section>
        </>
      )}
      <AddFolderDialog open={adding} onClose={() => setAdding(false)} />
    </>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

const waiting = (files: number, bytes: number): string =>
  files === 0 ? 'nothing' : `${formatCount(files)} (${formatBytes(bytes)})`;
