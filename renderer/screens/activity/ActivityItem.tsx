import { ChevronRight, CircleArrowUp, CircleX, Copy, type LucideIcon, SkipForward, Trash2 } from 'lucide-react';
import type { ReactNode, Ref } from 'react';
import type { ActivityAction, ActivityRow } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount, formatDuration, formatRate } from '../../../shared/units.ts';
import { PathText } from '../../components/PathText.tsx';
import { clockTime, fullTime } from '../../text/timeAgo.ts';

const looks: Readonly<
  Record<ActivityAction, { readonly words: string; readonly icon: LucideIcon; readonly tone: string }>
> = {
  put: { words: 'Uploaded', icon: CircleArrowUp, tone: 'ink-safe' },
  multipart: { words: 'Uploaded', icon: CircleArrowUp, tone: 'ink-safe' },
  copy: { words: 'Copied', icon: Copy, tone: 'ink-safe' },
  delete: { words: 'Deleted', icon: Trash2, tone: 'ink-idle' },
  skip: { words: 'Skipped', icon: SkipForward, tone: 'ink-idle' },
  failed: { words: 'Failed', icon: CircleX, tone: 'ink-bad' },
};

interface ActivityItemProps {
  readonly ref: Ref<HTMLLIElement>;
  readonly index: number;
  readonly top: number;
  readonly total: number;
  /** undefined: on its way. */
  readonly row: ActivityRow | undefined;
  /** The one row that Tab reaches; arrows reach the others. */
  readonly reachable: boolean;
  readonly open: boolean;
  readonly onToggle: (id: number) => void;
}

export function ActivityItem({ ref, index, top, total, row, reachable, open, onToggle }: ActivityItemProps) {
  return (
    <li
      ref={ref}
      data-index={index}
      className="activity-item"
      style={{ transform: `translateY(${top}px)` }}
      aria-setsize={total}
      aria-posinset={index + 1}
    >
      {row ? (
        <>
          <button
            type="button"
            className="activity-row"
            data-row={index}
            tabIndex={reachable ? 0 : -1}
            aria-expanded={open}
            onClick={() => onToggle(row.id)}
          >
            <Summary row={row} />
          </button>
          {open && <Details row={row} />}
        </>
      ) : (
        <div className="activity-row activity-coming" />
      )}
    </li>
  );
}

function Summary({ row }: { readonly row: ActivityRow }) {
  const { words, icon: Icon, tone } = looks[row.action];
  return (
    <>
      <ChevronRight size={14} aria-hidden className="disclosure-icon" />
      <time className="activity-time" dateTime={new Date(row.at).toISOString()} title={fullTime(row.at)}>
        {dayAndTime(row.at)}
      </time>
      <span className={`activity-action ${tone}`}>
        <Icon size={16} aria-hidden />
        {words}
      </span>
      <PathText path={row.path} limit={88} className="activity-path" />
      <span className="activity-bytes">{row.action === 'delete' ? '' : formatBytes(row.bytes)}</span>
    </>
  );
}

function Details({ row }: { readonly row: ActivityRow }) {
  const moved = row.action === 'put' || row.action === 'multipart';
  return (
    <dl className="activity-details">
      {row.error && (
        <Detail name="Why">
          <bdi>{row.error.message}</bdi>
          <div className="field-hint">{row.error.remedy}</div>
        </Detail>
      )}
      <Detail name="Path">
        <bdi className="mono">{row.path}</bdi>
      </Detail>
      <Detail name="Object key">
        <bdi className="mono">{row.key}</bdi>
      </Detail>
      <Detail name="Finished">{fullTime(row.at)}</Detail>
      {moved && (
        <Detail name="Transfer">
          {formatBytes(row.bytes)} in {formatCount(row.parts)} {row.parts === 1 ? 'part' : 'parts'},{' '}
          {formatDuration(row.durationMs)}
          {row.durationMs > 0 && ` (${formatRate((row.bytes / row.durationMs) * 1000)})`}
          {row.retries > 0 && `, ${formatCount(row.retries)} tried again`}
        </Detail>
      )}
      {row.etag && (
        <Detail name="ETag">
          <bdi className="mono">{row.etag}</bdi>
        </Detail>
      )}
      {row.action !== 'delete' && row.action !== 'failed' && (
        <Detail name="Proof">
          {row.checksum ? (
            <>
              confirmed by S3, <bdi className="mono">{row.checksum}</bdi>
            </>
          ) : (
            'the store confirmed no checksum'
          )}
        </Detail>
      )}
    </dl>
  );
}

function Detail({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const dayAndTime = (at: number): string => `${day.format(at)}, ${clockTime(at)}`;
