import type { FolderCounts, Lane, Proof } from '../../../main/engine/ledger/ledger.ts';
import type { ObservedFile, SourceIdentity } from '../../../shared/source.ts';

interface ModelFile {
  /** Order of arrival in the ledger. */
  readonly seq: number;
  size: number;
  identity: SourceIdentity;
  state: 'proven' | 'queued' | 'claimed' | 'waiting' | 'failed' | 'gone';
  /** A worker has it, though it is gone from disk. */
  isHeld: boolean;
  /** Observed anew since it was claimed. */
  isStale: boolean;
  attempt: number;
  retryAt: number | null;
  priority: number;
  proof: Proof | null;
}

/** What the ledger promises, in the plainest way: a map, and no thought of speed. */
export class LedgerModel {
  readonly files = new Map<string, ModelFile>();
  readonly #smallFileLimit: number;
  #seq = 0;

  constructor(smallFileLimit: number) {
    this.#smallFileLimit = smallFileLimit;
  }

  see(path: string, file: ObservedFile, by: 'scan' | 'watcher'): void {
    const priority = by === 'scan' ? 1 : 0;
    const known = this.files.get(path);
    if (!known) {
      this.files.set(path, {
        seq: ++this.#seq,
        size: file.sizeBytes,
        identity: file.identity,
        state: 'queued',
        isHeld: false,
        isStale: false,
        attempt: 0,
        retryAt: null,
        priority,
        proof: null,
      });
      return;
    }
    const isFreshTry =
      known.identity !== file.identity || known.state === 'gone' || (known.state === 'failed' && by === 'scan');
    if (!isFreshTry) return;
    known.identity = file.identity;
    known.size = file.sizeBytes;
    known.priority = ['queued', 'claimed', 'waiting'].includes(known.state)
      ? Math.min(known.priority, priority)
      : priority;
    known.attempt = 0;
    known.retryAt = null;
    if (known.state === 'claimed' || known.isHeld) {
      known.state = 'claimed';
      known.isHeld = false;
      known.isStale = true;
    } else {
      known.state = isConfirmed(known) ? 'proven' : 'queued';
    }
  }

  vanish(path: string): void {
    const known = this.files.get(path);
    if (!known || known.state === 'gone') return;
    const isHeld = known.state === 'claimed';
    known.state = 'gone';
    known.isHeld = isHeld;
    this.#settleGone(path, known);
  }

  /** In the order in which they are to be claimed. */
  queue(lane: Lane): string[] {
    return [...this.files]
      .filter(([, file]) => file.state === 'queued' && (file.size <= this.#smallFileLimit ? 'small' : 'large') === lane)
      .sort(([, a], [, b]) => a.priority - b.priority || a.seq - b.seq)
      .map(([path]) => path);
  }

  claim(path: string): void {
    const known = this.files.get(path)!;
    known.state = 'claimed';
    known.isStale = false;
  }

  giveBack(path: string, to: 'queued' | 'waiting' | 'failed', untilMs: number | null): void {
    const known = this.files.get(path);
    if (!known) return;
    if (known.isHeld) {
      known.isHeld = false;
      this.#settleGone(path, known);
    }
    if (known.state !== 'claimed') return;
    if (isConfirmed(known)) known.state = 'proven';
    else if (to === 'failed' && known.isStale) known.state = 'queued';
    else known.state = to;
    if (known.state === 'waiting') {
      known.attempt = known.isStale ? 0 : known.attempt + 1;
      known.retryAt = untilMs;
    }
  }

  markGone(path: string): void {
    const known = this.files.get(path);
    if (!known) return;
    if (known.state === 'claimed' && known.isStale) {
      known.state = isConfirmed(known) ? 'proven' : 'queued';
      return;
    }
    known.state = 'gone';
    known.isHeld = false;
    this.#settleGone(path, known);
  }

  prove(path: string, proof: Proof): void {
    const known = this.files.get(path);
    if (!known) return;
    known.proof = proof;
    known.attempt = 0;
    known.isHeld = false;
    if (known.state !== 'gone') known.state = isConfirmed(known) ? 'proven' : 'queued';
  }

  wake(nowMs: number): void {
    for (const file of this.files.values()) {
      if (file.state === 'waiting' && file.retryAt! <= nowMs) {
        file.state = 'queued';
        file.retryAt = null;
      }
    }
  }

  retry(path: string | null): void {
    for (const [at, file] of this.files) {
      if ((path !== null && at !== path) || (file.state !== 'failed' && file.state !== 'waiting')) continue;
      file.state = 'queued';
      file.attempt = 0;
      file.retryAt = null;
      if (path !== null) file.priority = 0;
    }
  }

  forget(path: string): void {
    const known = this.files.get(path);
    if (known?.state === 'gone' && !known.isHeld) this.files.delete(path);
  }

  reopen(): void {
    for (const path of [...this.files.keys()]) this.giveBack(path, 'queued', null);
  }

  counts(): FolderCounts {
    const here = [...this.files.values()].filter((file) => file.state !== 'gone');
    const bytes = (files: readonly ModelFile[]) => files.reduce((sum, file) => sum + file.size, 0);
    const proven = here.filter((file) => file.state === 'proven' && file.proof?.checksum !== null);
    const queued = here.filter((file) => ['queued', 'claimed', 'waiting'].includes(file.state));
    return {
      filesTotal: here.length,
      bytesTotal: bytes(here),
      filesProven: proven.length,
      bytesProven: bytes(proven),
      filesQueued: queued.length,
      bytesQueued: bytes(queued),
      filesFailed: here.filter((file) => file.state === 'failed').length,
    };
  }

  #settleGone(path: string, file: ModelFile): void {
    file.retryAt = null;
    if (!file.isHeld && file.proof === null) this.files.delete(path);
  }
}

const isConfirmed = (file: ModelFile): boolean => file.proof?.identity === file.identity;
