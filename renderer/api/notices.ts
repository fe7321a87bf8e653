/** What an action came to, shown for a while at the window's foot and read out by screen readers. */
export interface Notice {
  readonly id: number;
  readonly kind: 'done' | 'failed';
  readonly text: string;
  readonly remedy: string | null;
}

/** ms; failures stay until dismissed. */
const shownFor = 5_000;
let notices: readonly Notice[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

export function notify(notice: Omit<Notice, 'id'>): void {
  const id = ++lastId;
  set([...notices.slice(-2), { ...notice, id }]);
  if (notice.kind === 'done') setTimeout(() => dismissNotice(id), shownFor);
}

export const dismissNotice = (id: number): void => set(notices.filter((notice) => notice.id !== id));

export const noticeStore = {
  get: (): readonly Notice[] => notices,
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};

function set(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}
