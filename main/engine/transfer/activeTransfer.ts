import type { TransferView } from '../../../shared/syncApi.ts';
import type { Lane, QueuedFile } from '../ledger/ledger.ts';
import { partLength } from '../plan/resumePlan.ts';
import type { FileRoute } from './acceleratedRoute.ts';

type PartState = '.' | '~' | '!' | '#';

const mapCells = 200;

/** One file on its way, as screens see it. */
export class ActiveTransfer {
  readonly file: QueuedFile;
  readonly lane: Lane;
  readonly key: string;
  readonly startedAt: number;
  phase: TransferView['phase'] = 'checking';
  retries = 0;
  resumedParts = 0;
  /** null: not chosen yet, or there is only the regional endpoint. */
  route: FileRoute | null = null;
  #strategy: 'put' | 'multipart' = 'put';
  #parts: PartState[] = ['.'];
  #partSizeBytes: number;
  #finishedBytes = 0;
  readonly #inFlight = new Map<number, number>();
  #rate = 0;
  #ratedBytes = 0;
  #ratedAt: number;

  constructor(file: QueuedFile, lane: Lane, key: string, startedAt: number) {
    this.file = file;
    this.lane = lane;
    this.key = key;
    this.startedAt = startedAt;
    this.#ratedAt = startedAt;
    this.#partSizeBytes = file.sizeBytes;
  }

  planned(partSizeBytes: number, partCount: number): void {
    this.#strategy = 'multipart';
    this.#partSizeBytes = partSizeBytes;
    this.#parts = Array.from({ length: partCount }, () => '.' as const);
  }

  partStarted(partNumber: number): void {
    this.#parts[partNumber - 1] = '~';
    this.#inFlight.set(partNumber, 0);
    this.phase = 'sending';
  }

  partSent(partNumber: number, bytes: number): void {
    this.#inFlight.set(partNumber, (this.#inFlight.get(partNumber) ?? 0) + bytes);
  }

  partFailed(partNumber: number): void {
    this.#parts[partNumber - 1] = '!';
    this.#inFlight.delete(partNumber);
    this.retries++;
  }

  partFinished(partNumber: number, how: 'sent' | 'resumed'): void {
    this.#inFlight.delete(partNumber);
    if (this.#parts[partNumber - 1] === '#') return;
    this.#parts[partNumber - 1] = '#';
    this.#finishedBytes += this.#lengthOf(partNumber);
    if (how === 'resumed') {
      this.resumedParts++;
      // Bytes that were there before are no speed.
      this.#ratedBytes += this.#lengthOf(partNumber);
    }
  }

  get strategy(): 'put' | 'multipart' {
    return this.#strategy;
  }

  get partSizeBytes(): number {
    return this.#partSizeBytes;
  }

  get bytesDone(): number {
    let bytes = this.#finishedBytes;
    for (const [partNumber, sent] of this.#inFlight) bytes += Math.min(sent, this.#lengthOf(partNumber));
    return bytes;
  }

  view(now: number): TransferView {
    this.#measure(now);
    const { file } = this;
    return {
      id: `${file.id}`,
      folderId: file.folderId,
      path: file.path,
      key: this.key,
      strategy: this.#strategy,
      phase: this.phase,
      bytesTotal: file.sizeBytes,
      bytesDone: this.bytesDone,
      bytesPerSecond: Math.round(this.#rate),
      partCount: this.#parts.length,
      partsDone: this.#parts.filter((state) => state === '#').length,
      partMap: this.#map(),
      resumedParts: this.resumedParts,
      retries: this.retries,
      endpoint: this.route?.current() ?? 'regional',
      startedAt: this.startedAt,
    };
  }

  #lengthOf(partNumber: number): number {
    const { sizeBytes } = this.file;
    return partLength(
      { sizeBytes, partSizeBytes: this.#partSizeBytes || sizeBytes, partCount: this.#parts.length },
      partNumber,
    );
  }

  /** Smoothed over about 3 s, measured at most every 200 ms. */
  #measure(now: number): void {
    const elapsed = now - this.#ratedAt;
    if (elapsed < 200) return;
    const bytes = this.bytesDone;
    const rate = (Math.max(0, bytes - this.#ratedBytes) * 1000) / elapsed;
    const weight = 1 - Math.exp(-elapsed / 3000);
    this.#rate = this.#rate === 0 ? rate : this.#rate + (rate - this.#rate) * weight;
    this.#ratedBytes = bytes;
    this.#ratedAt = now;
  }

  /** A cell shows the liveliest state of its parts, and done only when all are. */
  #map(): string {
    const perCell = Math.ceil(this.#parts.length / mapCells);
    let map = '';
    for (let start = 0; start < this.#parts.length; start += perCell) {
      const cell = this.#parts.slice(start, start + perCell);
      map += cell.includes('!') ? '!' : cell.includes('~') ? '~' : cell.every((state) => state === '#') ? '#' : '.';
    }
    return map;
  }
}
