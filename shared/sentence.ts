import { z } from 'zod';
import { formatCount, formatDuration } from './units.ts';

export const SentenceState = z.enum([
  'empty',
  'safe',
  'scanning',
  'uploading',
  'paused',
  'offline',
  'attention',
  'error',
]);
export type SentenceState = z.infer<typeof SentenceState>;

/** The one honest sentence: the same in window, tray, notification, CLI and `/healthz`. */
export const Sentence = z.object({ state: SentenceState, text: z.string() });
export type Sentence = z.infer<typeof Sentence>;

export interface SentenceFacts {
  readonly folders: number;
  readonly paused: boolean;
  readonly pausedUntil: string | null;
  /** Why no store can be reached, in words; null: at least one can, or nothing was tried. */
  readonly offlineReason: string | null;
  /** Why every store that is needed refuses us, in words. */
  readonly refusedReason?: string | null;
  /** Why nothing more is sent although it could be (the budget), in words. */
  readonly heldReason?: string | null;
  /** Folders whose first or current scan isn't finished: totals are "at least". */
  readonly scanning: boolean;
  readonly filesTotal: number;
  /** Files whose object the server confirmed, with its checksum, for the content now on disk. */
  readonly filesProven: number;
  readonly filesToUpload: number;
  /** null: not yet to be trusted. */
  readonly etaMs: number | null;
  /** Files or folders that need the user. */
  readonly needUser: number;
  readonly failure: string | null;
}

/** "All … are safely in S3" only when every known file is proven, no scan is open and nothing needs the user. */
export function sentenceFor(facts: SentenceFacts): Sentence {
  if (facts.failure !== null) return { state: 'error', text: `Sluice has stopped: ${facts.failure}` };
  if (facts.folders === 0) return { state: 'empty', text: 'No folder is kept in S3 yet' };
  const left = facts.filesToUpload;
  const waiting = left > 0 ? `, ${files(left)} waiting` : '';
  if (facts.paused) {
    return {
      state: 'paused',
      text: `Paused${facts.pausedUntil === null ? '' : ` until ${facts.pausedUntil}`}${waiting}`,
    };
  }
  if (facts.offlineReason !== null) return { state: 'offline', text: `Offline: ${facts.offlineReason}${waiting}` };
  if (facts.refusedReason) return { state: 'attention', text: `${facts.refusedReason}${waiting}` };
  if (facts.heldReason && left > 0) return { state: 'attention', text: `${facts.heldReason}${waiting}` };
  if (facts.needUser > 0 && left === 0 && !facts.scanning) {
    return { state: 'attention', text: `${needs(facts.needUser)} you; ${safeCount(facts)}` };
  }
  const aside = facts.needUser > 0 ? `; ${needs(facts.needUser)} you` : '';
  if (left > 0) {
    const total = facts.scanning ? `at least ${formatCount(facts.filesTotal)}` : formatCount(facts.filesTotal);
    const eta =
      facts.etaMs === null || facts.scanning ? '' : `, about ${formatDuration(Math.max(1000, facts.etaMs))} left`;
    return {
      state: 'uploading',
      text: `Uploading ${formatCount(left)} of ${total} ${plural(facts.filesTotal)}${eta}${aside}`,
    };
  }
  if (facts.scanning)
    return { state: 'scanning', text: `Looking for changes, ${files(facts.filesTotal)} so far${aside}` };
  if (facts.filesProven < facts.filesTotal) {
    return { state: 'attention', text: `${safeCount(facts)}; the rest is not confirmed yet` };
  }
  if (facts.filesTotal === 0) return { state: 'safe', text: 'Nothing to upload: the folders are empty' };
  if (facts.filesTotal === 1) return { state: 'safe', text: 'The 1 file is safely in S3' };
  return { state: 'safe', text: `All ${formatCount(facts.filesTotal)} files are safely in S3` };
}

const plural = (count: number): string => (count === 1 ? 'file' : 'files');
const files = (count: number): string => `${formatCount(count)} ${plural(count)}`;
const needs = (count: number): string => `${files(count)} ${count === 1 ? 'needs' : 'need'}`;
const safeCount = (facts: SentenceFacts): string =>
  `${formatCount(facts.filesProven)} of ${files(facts.filesTotal)} are safely in S3`;
