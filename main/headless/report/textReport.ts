import type { ErrorView } from '../../../shared/errors.ts';
import type { EngineEvent, FileEvent, ProgressEvent } from '../../../shared/events.ts';
import type { Sentence } from '../../../shared/sentence.ts';
import type { TransferView } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount, MiB } from '../../../shared/units.ts';
import type { CommandHost } from '../host.ts';
import { errorSentence, say } from '../say.ts';
import type { LiveArea } from './liveArea.ts';
import { progressBar, progressLine, transferLine } from './progressText.ts';
import { endSentence, files, summaryFigures } from './summaryText.ts';
import type { SyncReport } from './syncReport.ts';

const lineEveryMs = 10_000;
const transfersShown = 4;
/** Smaller ones are gone before they are read. */
const shownFromBytes = MiB;
const barWidth = 30;
const repeatAfterMs = 10 * 60_000;

export interface TextReportOptions {
  readonly source: string;
  readonly target: string;
  readonly watch: boolean;
  readonly dryRun: boolean;
  /** false: no live area and no lines now and then. */
  readonly progress: boolean;
  /** null: not a terminal. */
  readonly live: LiveArea | null;
}

/** For people: what is lasting goes to stdout, what is wrong to stderr, the live area is drawn below. */
export function textReport(host: CommandHost, options: TextReportOptions): SyncReport {
  const { live } = options;
  let lineAt = host.now();
  let progress: ProgressEvent | null = null;
  let transfers: readonly TransferView[] = [];
  let sentence: Sentence | null = null;
  const said = new Map<string, number>();
  const planned = { files: 0, bytes: 0, deletes: 0 };

  const lasting = (line: string, output = host.stdout) => {
    live?.clear();
    say(output, line);
    draw();
  };
  const draw = () => {
    if (live === null || !options.progress || (progress === null && sentence === null)) return;
    const bar = progress && progressBar(progress, barWidth);
    live.draw([
      ...(sentence === null ? [] : [sentence.text]),
      ...(bar === null ? [] : [bar]),
      ...(progress === null || progress.filesTotal === 0 ? [] : [progressLine(progress)]),
      ...transfers
        .filter(({ bytesTotal }) => bytesTotal >= shownFromBytes)
        .slice(0, transfersShown)
        .map((transfer) => `  ${transferLine(transfer)}`),
    ]);
  };
  /** A failed file comes as an issue too; and what lasts isn't said over and over. */
  const problem = (path: string | undefined, error: ErrorView) => {
    const line = `${path === undefined ? '' : `${path}: `}${errorSentence(error)}`;
    const saidAt = said.get(line);
    if (saidAt !== undefined && host.now() - saidAt < repeatAfterMs) return;
    said.set(line, host.now());
    lasting(line, host.stderr);
  };
  const nowAndThen = () => {
    if (live !== null || !options.progress || progress === null || host.now() - lineAt < lineEveryMs) return;
    lineAt = host.now();
    say(host.stdout, progressLine(progress));
  };

  return {
    started: () => lasting(`${options.dryRun ? 'Looking at' : 'Syncing'} ${options.source} → ${options.target}`),
    note: (line) => lasting(line, host.stderr),
    moving: (now) => {
      transfers = now.transfers ?? transfers;
      if (now.sentence !== null && now.sentence.text !== sentence?.text) {
        sentence = now.sentence;
        if (options.watch && live === null && now.sentence.state !== 'uploading') say(host.stdout, now.sentence.text);
      }
      draw();
    },
    event: (event: EngineEvent) => {
      switch (event.type) {
        case 'progress':
          progress = event;
          draw();
          return nowAndThen();
        case 'file':
          if (event.error) problem(event.path, event.error);
          else if (options.watch && event.action !== 'skip') lasting(finishedLine(event));
          return;
        case 'issue':
          return problem(event.error.path, event.error);
        case 'scan':
          if (event.phase === 'finished' && options.watch && event.filesToUpload > 0) {
            lasting(`${files(event.filesScanned)} scanned, ${formatCount(event.filesToUpload)} to upload`);
          }
      }
    },
    planned: (file) => {
      if (file.action === 'delete') {
        planned.deletes++;
        return lasting(`would delete ${file.key} (${reasonText[file.reason]})`);
      }
      planned.files++;
      planned.bytes += file.bytes;
      const parts = file.action === 'multipart' ? `, ${formatCount(file.parts)} parts` : '';
      lasting(
        `would upload ${file.path} → ${file.key} (${reasonText[file.reason]}, ${formatBytes(file.bytes)}${parts})`,
      );
    },
    end: (result) => {
      live?.close();
      if (options.dryRun) {
        // What the ledger knew before it, and figures of a pass that was none, would say nothing true of what is on disk.
        const code = result.error?.code;
        if (code !== undefined && code !== 'mass-delete' && code !== 'root-changed') return;
        const deletes = code === undefined && planned.deletes > 0 ? ` and delete ${files(planned.deletes)}` : '';
        say(
          host.stdout,
          `Would upload ${files(planned.files)}, ${formatBytes(planned.bytes)}${deletes}; nothing was sent or changed`,
        );
        return;
      }
      if (result.error === null || (result.counts?.filesTotal ?? 0) > 0 || result.summary.exitCode === 130)
        say(host.stdout, endSentence(result));
      if (result.error === null || result.summary.filesScanned > 0) {
        for (const line of summaryFigures(result.summary)) say(host.stdout, line);
      }
    },
  };
}

const reasonText = { new: 'new', changed: 'changed', unfinished: 'unfinished', gone: 'gone from the folder' } as const;

function finishedLine(event: FileEvent): string {
  if (event.action === 'delete') return `deleted ${event.key}`;
  const verb = event.action === 'copy' ? 'copied' : 'uploaded';
  return `${verb} ${event.path} → ${event.key} (${formatBytes(event.bytes)})`;
}
