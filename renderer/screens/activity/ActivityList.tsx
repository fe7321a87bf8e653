import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowUp, History } from 'lucide-react';
import { type KeyboardEvent, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { errorView } from '../../../shared/errors.ts';
import { formatCount } from '../../../shared/units.ts';
import { useSnapshot } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ActivityItem } from './ActivityItem.tsx';
import type { ActivityPages } from './activityPages.ts';

const rowHeight = 44;
/** ms between looks for newer rows while files finish. */
const refreshPause = 1_000;

interface ActivityListProps {
  readonly pages: ActivityPages;
  readonly filtered: boolean;
}

export function ActivityList({ pages, filtered }: ActivityListProps) {
  const state = useSyncExternalStore(pages.subscribe, pages.getState);
  const scroller = useRef<HTMLDivElement>(null);
  const [openId, setOpenId] = useState<number | null>(null);
  const [active, setActive] = useState(0);
  const [unseen, setUnseen] = useState(0);
  const list = useVirtualizer({
    count: state.count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => pages.row(index)?.id ?? `#${index}`,
    overscan: 8,
  });
  const items = list.getVirtualItems();
  const first = items.at(0)?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;

  // A longer list may need the next page already.
  useEffect(() => void pages.ensure(first, last), [pages, first, last, state.count]);
  // Another filter begins at its top.
  useEffect(() => {
    setUnseen(0);
    setActive(0);
    scroller.current?.scrollTo({ top: 0 });
  }, [pages]);
  useLiveRows(pages, (fresh) => {
    const element = scroller.current;
    setActive((index) => (index === 0 ? 0 : index + fresh));
    if (!element || element.scrollTop < rowHeight) return;
    // Whoever reads further down keeps the place.
    element.scrollTop += fresh * rowHeight;
    setUnseen((count) => count + fresh);
  });

  const move = (event: KeyboardEvent) => {
    const page = Math.max(1, last - first - 16);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    const step = event.key === 'Home' ? -state.count : event.key === 'End' ? state.count : steps[event.key];
    if (step === undefined || !(event.target instanceof HTMLElement) || !event.target.matches('.activity-row')) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(state.count - 1, active + step));
    setActive(next);
    list.scrollToIndex(next);
    // The row may not be in the page yet: it is drawn in the next frame.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus()),
    );
  };

  if (state.error) {
    return (
      <EmptyState
        icon={History}
        title="The activity cannot be read now"
        text={errorView(state.error).message}
        action={<Button onClick={() => void pages.refresh()}>Try again</Button>}
      />
    );
  }
  if (state.loaded && state.count === 0) {
    return (
      <EmptyState
        icon={History}
        title={filtered ? 'Nothing matches' : 'Nothing has happened yet'}
        text={
          filtered
            ? 'Search for less, or choose another folder.'
            : 'Every file that is uploaded, copied or refused is listed here.'
        }
      />
    );
  }
  return (
    <>
      <div className="activity-count" role="status">
        {state.loaded && `${formatCount(state.total)} ${state.total === 1 ? 'entry' : 'entries'}`}
      </div>
      {unseen > 0 && (
        <Button
          className="unseen"
          icon={<ArrowUp size={15} aria-hidden />}
          onClick={() => {
            setUnseen(0);
            scroller.current?.scrollTo({ top: 0 });
          }}
        >
          {formatCount(unseen)} new
        </Button>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrow keys move between the rows inside */}
      <div
        ref={scroller}
        className="activity-scroller"
        onKeyDown={move}
        onScroll={(event) => event.currentTarget.scrollTop < rowHeight && unseen > 0 && setUnseen(0)}
      >
        <ul className="activity-list" aria-label="Activity, newest first" style={{ height: list.getTotalSize() }}>
          {items.map((item) => (
            <ActivityItem
              key={item.key}
              ref={list.measureElement}
              index={item.index}
              top={item.start}
              total={state.total}
              row={pages.row(item.index)}
              reachable={item.index === active || (item === items[0] && (active < first || active > last))}
              open={openId !== null && pages.row(item.index)?.id === openId}
              onToggle={(id) => {
                setActive(item.index);
                setOpenId((current) => (current === id ? null : id));
              }}
            />
          ))}
        </ul>
      </div>
    </>
  );
}

/** Looks for newer rows when the snapshot says that a file came to its end. */
function useLiveRows(pages: ActivityPages, onFresh: (fresh: number) => void): void {
  const { totals, folders } = useSnapshot();
  const failed = folders.reduce((sum, folder) => sum + folder.filesFailed, 0);
  const mark = `${totals.filesToday} ${failed} ${Math.max(0, ...folders.map((folder) => folder.lastUploadAt ?? 0))}`;
  const tell = useRef(onFresh);
  tell.current = onFresh;
  const lookedAt = useRef(0);
  // The mark is what tells that there may be more.
  useEffect(() => {
    if (!pages.getState().loaded) return;
    const wait = Math.max(0, lookedAt.current + refreshPause - Date.now());
    const timer = setTimeout(() => {
      lookedAt.current = Date.now();
      void pages.refresh().then((fresh) => fresh > 0 && tell.current(fresh));
    }, wait);
    return () => clearTimeout(timer);
  }, [pages, mark]);
}
