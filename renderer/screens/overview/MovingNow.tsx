import type { Snapshot, TransferView } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount, formatDuration, formatRate } from '../../../shared/units.ts';
import { PartMap } from '../../components/PartMap.tsx';
import { PathText } from '../../components/PathText.tsx';
import { ProgressBar } from '../../components/ProgressBar.tsx';

export function MovingNow({ snapshot }: { readonly snapshot: Snapshot }) {
  const { transfers, totals } = snapshot;
  const more = totals.filesInFlight - transfers.length;
  return (
    <section className="card" aria-labelledby="moving">
      <div className="card-head">
        <h2 id="moving" className="card-title">
          Moving now
        </h2>
        {totals.filesInFlight > 0 && <span className="muted">{count(totals.filesInFlight)}</span>}
      </div>
      {transfers.length === 0 ? (
        <p className="muted">{idleText(snapshot)}</p>
      ) : (
        <ul className="transfers">
          {transfers.map((transfer) => (
            <TransferRow key={transfer.id} transfer={transfer} />
          ))}
        </ul>
      )}
      {transfers.length > 0 && more > 0 && <p className="muted">and {count(more)} more</p>}
    </section>
  );
}

const phases: Readonly<Record<TransferView['phase'], string>> = {
  checking: 'Checking',
  sending: 'Sending',
  completing: 'Completing',
  verifying: 'Verifying',
  retrying: 'Trying again',
};

function TransferRow({ transfer }: { readonly transfer: TransferView }) {
  const { bytesTotal, bytesDone, bytesPerSecond, phase } = transfer;
  const percent = bytesTotal > 0 ? Math.min(100, Math.floor((bytesDone / bytesTotal) * 100)) : 100;
  const left = phase === 'sending' && bytesPerSecond > 0 ? ((bytesTotal - bytesDone) / bytesPerSecond) * 1000 : null;
  const slash = transfer.path.lastIndexOf('/');
  return (
    <li className="transfer">
      <div className="transfer-head">
        <span className="transfer-name">
          <PathText path={transfer.path.slice(slash + 1)} limit={76} className="strong" />
          {slash >= 0 && <PathText path={transfer.path.slice(0, slash)} limit={44} className="muted transfer-dir" />}
        </span>
        <span className="transfer-rate">{bytesPerSecond > 0 ? formatRate(bytesPerSecond) : ''}</span>
      </div>
      <ProgressBar
        label={`Progress of ${transfer.path}`}
        percent={percent}
        tone={phase === 'retrying' ? 'warn' : 'accent'}
        text={`${percent} percent, ${phases[phase]}`}
      />
      {transfer.strategy === 'multipart' && transfer.partMap !== '' && (
        <PartMap map={transfer.partMap} partsDone={transfer.partsDone} partCount={transfer.partCount} />
      )}
      <div className="facts">
        <span className={phase === 'retrying' ? 'ink-warn' : undefined}>{phases[phase]}</span>
        <span>
          {formatBytes(bytesDone)} of {formatBytes(bytesTotal)}
        </span>
        {transfer.strategy === 'multipart' && (
          <span>
            {formatCount(transfer.partsDone)} of {formatCount(transfer.partCount)} parts
          </span>
        )}
        {transfer.endpoint === 'accelerated' && <span>accelerated endpoint</span>}
        {left !== null && left >= 1000 && <span>about {formatDuration(left)} left</span>}
        {transfer.resumedParts > 0 && <span>{formatCount(transfer.resumedParts)} parts were there already</span>}
        {transfer.retries > 0 && <span>{formatCount(transfer.retries)} tried again</span>}
      </div>
    </li>
  );
}

function idleText({ sentence, totals }: Snapshot): string {
  if (sentence.state === 'paused') return 'Nothing moves while Sluice is paused.';
  if (sentence.state === 'offline') return 'Nothing can move until the store answers. The queue is kept.';
  if (totals.filesQueued > 0) return 'The next files are being made ready.';
  return 'Nothing is waiting to be uploaded.';
}

const count = (files: number): string => `${formatCount(files)} ${files === 1 ? 'file' : 'files'}`;
