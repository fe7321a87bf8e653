import { CircleAlert, CircleCheck, X } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { createPortal } from 'react-dom';
import { dismissNotice, noticeStore } from '../api/notices.ts';

export function Notices() {
  const notices = useSyncExternalStore(noticeStore.subscribe, noticeStore.get);
  // Above dialogs: an action in one may fail.
  return createPortal(
    <section className="notices" aria-label="Messages" aria-live="polite">
      {notices.map((notice) => (
        <div key={notice.id} className={`notice notice-${notice.kind}`}>
          {notice.kind === 'done' ? (
            <CircleCheck size={18} className="ink-safe" aria-hidden />
          ) : (
            <CircleAlert size={18} className="ink-bad" aria-hidden />
          )}
          <div className="notice-text">
            <bdi>{notice.text}</bdi>
            {notice.remedy && <div className="field-hint">{notice.remedy}</div>}
          </div>
          <button
            type="button"
            className="button button-ghost button-square"
            aria-label="Dismiss"
            onClick={() => dismissNotice(notice.id)}
          >
            <X size={15} aria-hidden />
          </button>
        </div>
      ))}
    </section>,
    document.body,
  );
}
