import type { FolderId } from '../../../shared/ids.ts';
import type { ActivityAction, ActivityRow, SyncApi } from '../../../shared/syncApi.ts';

export interface ActivityFilter {
  readonly folderId: FolderId | null;
  readonly search: string;
  readonly actions: readonly ActivityAction[];
}

interface Page {
  /** Cursor that fetches it again: the id of the row before it; null: the newest. */
  readonly before: number | null;
  readonly firstId: number;
  readonly lastId: number;
  readonly size: number;
  /** null: dropped to save memory; fetched again when it is looked at. */
  rows: readonly ActivityRow[] | null;
  usedAt: number;
}

export interface ActivityState {
  /** Rows that can be scrolled to now. */
  readonly count: number;
  readonly total: number;
  readonly hasMore: boolean;
  readonly loaded: boolean;
  readonly error: unknown;
}

const pageSize = 200;
/** 40 pages are 8,000 rows, a few MB; the list itself may be a million. */
const pagesKept = 40;

/**
 * The activity as a list of pages that are fetched when they are looked at, and forgotten again when too many are held.
 * One object per filter.
 */
export class ActivityPages {
  private readonly pages: Page[] = [];
  private state: ActivityState = { count: 0, total: 0, hasMore: true, loaded: false, error: null };
  private readonly listeners = new Set<() => void>();
  private readonly fetching = new Set<number | null>();
  private tick = 0;
  private readonly api: SyncApi;
  private readonly filter: ActivityFilter;

  constructor(api: SyncApi, filter: ActivityFilter) {
    this.api = api;
    this.filter = filter;
  }

  readonly getState = (): ActivityState => this.state;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** The row at `index`; undefined while it is being fetched. */
  row(index: number): ActivityRow | undefined {
    const found = this.locate(index);
    if (!found) return undefined;
    found.page.usedAt = ++this.tick;
    return found.page.rows?.[found.offset];
  }

  /** Fetches what `first`…`last` need, and the page after the end when they come near it. */
  async ensure(first: number, last: number): Promise<void> {
    const missing = new Set<Page>();
    for (const index of [first, last]) {
      const found = this.locate(index);
      if (found && !found.page.rows) missing.add(found.page);
    }
    await Promise.all([...missing].map((page) => this.refetch(page)));
    if (this.state.hasMore && last >= this.state.count - pageSize / 2) await this.fetchNext();
  }

  /** Looks for newer rows and puts them on top. Resolves to how many came. */
  async refresh(): Promise<number> {
    const newest = this.pages[0];
    if (!newest) {
      await this.fetchNext();
      return 0;
    }
    const fresh: ActivityRow[] = [];
    let before: number | null = null;
    let total = this.state.total;
    for (;;) {
      const answer = await this.ask(before);
      if (!answer) return 0;
      total = answer.total;
      const newer = answer.rows.filter(({ id }) => id > newest.firstId);
      fresh.push(...newer);
      if (newer.length < answer.rows.length || !answer.hasMore) break;
      // So much has come that the old pages are not worth keeping.
      if (fresh.length > pageSize * 10) {
        this.pages.length = 0;
        this.add(fresh, null);
        this.set({ total, hasMore: true, count: fresh.length });
        return fresh.length;
      }
      before = answer.rows.at(-1)!.id;
    }
    if (fresh.length > 0) {
      // Rows that trickle in join the top page; a page of one row each would push out those being looked at.
      const joins = newest.rows !== null && newest.size + fresh.length <= pageSize;
      const top = joins ? [...fresh, ...newest.rows!] : fresh;
      const pages = this.split(top, null);
      this.pages.splice(0, 1, ...pages, ...(joins ? [] : [{ ...newest, before: fresh.at(-1)!.id }]));
      this.drop();
      this.set({ count: this.state.count + fresh.length, total });
    } else if (total !== this.state.total) this.set({ total });
    return fresh.length;
  }

  private async fetchNext(): Promise<void> {
    const before = this.pages.at(-1)?.lastId ?? null;
    const answer = await this.ask(before);
    // A refresh in between may have replaced the pages.
    if (!answer || (this.pages.at(-1)?.lastId ?? null) !== before) return;
    this.add(answer.rows, before);
    this.set({
      count: this.state.count + answer.rows.length,
      total: answer.total,
      hasMore: answer.hasMore && answer.rows.length > 0,
      loaded: true,
    });
  }

  private async refetch(page: Page): Promise<void> {
    const answer = await this.ask(page.before, page.size);
    if (!answer) return;
    page.rows = answer.rows;
    page.usedAt = ++this.tick;
    this.drop();
    this.set({});
  }

  private async ask(before: number | null, limit = pageSize) {
    if (this.fetching.has(before)) return null;
    this.fetching.add(before);
    try {
      const { folderId, search, actions } = this.filter;
      return await this.api.activity({ before, limit: Math.min(500, limit), folderId, search, actions: [...actions] });
    } catch (error) {
      this.set({ error });
      return null;
    } finally {
      this.fetching.delete(before);
    }
  }

  private add(rows: readonly ActivityRow[], before: number | null): void {
    this.pages.push(...this.split(rows, before));
    this.drop();
  }

  private split(rows: readonly ActivityRow[], before: number | null): Page[] {
    const pages: Page[] = [];
    let cursor = before;
    for (let start = 0; start < rows.length; start += pageSize) {
      const part = rows.slice(start, start + pageSize);
      const [firstId, lastId] = [part[0]!.id, part.at(-1)!.id];
      pages.push({ before: cursor, firstId, lastId, size: part.length, rows: part, usedAt: ++this.tick });
      cursor = lastId;
    }
    return pages;
  }

  private drop(): void {
    const held = this.pages.filter((page) => page.rows !== null);
    if (held.length <= pagesKept) return;
    held.sort((a, b) => a.usedAt - b.usedAt);
    for (const page of held.slice(0, held.length - pagesKept)) page.rows = null;
  }

  private locate(index: number): { readonly page: Page; readonly offset: number } | undefined {
    let offset = index;
    for (const page of this.pages) {
      if (offset < page.size) return { page, offset };
      offset -= page.size;
    }
    return undefined;
  }

  private set(change: Partial<ActivityState>): void {
    this.state = { ...this.state, error: null, ...change };
    for (const listener of this.listeners) listener();
  }
}
