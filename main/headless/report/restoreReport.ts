import type { ErrorView } from '../../../shared/errors.ts';
import { formatBytes, formatCount, formatDuration, formatRate } from '../../../shared/units.ts';
import type { RestoredFile, RestoreFigures } from '../../engine/restore/restoreFolder.ts';
import type { CommandHost } from '../host.ts';
import { errorSentence, say, sayJson } from '../say.ts';
import type { LiveArea } from './liveArea.ts';

/** How `sluice restore` says what it does: NDJSON, or lines and a live one. */
export interface RestoreReport {
  readonly request: (operation: string) => void;
  readonly started: (figures: Readonly<RestoreFigures>) => void;
  readonly file: (file: RestoredFile) => void;
  readonly end: (exitCode: number, error?: ErrorView) => void;
}

export interface RestoreReportOptions {
  readonly json: boolean;
  readonly progress: boolean;
  readonly dryRun: boolean;
  readonly source: string;
  readonly target: string;
}

const drawEveryMs = 250;
const lineEveryMs = 10_000;

export async function openRestoreReport(host: CommandHost, options: RestoreReportOptions): Promise<RestoreReport> {
  const { json, dryRun, source, target } = options;
  const startedAt = host.now();
  const requests: Record<string, number> = {};
  let figures: Readonly<RestoreFigures> | null = null;
  let timer: NodeJS.Timeout | undefined;
  const live = await liveOf(host, options);
  if (!json) say(host.stdout, `${dryRun ? 'Looking at' : 'Restoring'} ${source} → ${target}`);

  const progress = (): void => {
    if (figures === null) return;
    if (json) sayJson(host, { type: 'progress', ...progressFields(figures, host.now() - startedAt) });
    else if (live) live.draw([progressLine(figures, host.now() - startedAt)]);
    else say(host.stderr, progressLine(figures, host.now() - startedAt));
  };
  return {
    request: (operation) => {
      requests[operation] = (requests[operation] ?? 0) + 1;
    },
    started: (growing) => {
      figures = growing;
      if (!options.progress || dryRun) return;
      timer = setInterval(progress, live || json ? drawEveryMs : lineEveryMs).unref();
    },
    file: (file) => {
      if (json) return sayJson(host, { type: 'file', ...file });
      const line = fileLine(file, dryRun);
      if (line === null) return;
      live?.clear();
      say(file.error ? host.stderr : host.stdout, line);
    },
    end: (exitCode, error) => {
      clearInterval(timer);
      live?.close();
      const durationMs = host.now() - startedAt;
      if (json) {
        if (error) sayJson(host, { type: 'error', ...error });
        const fields = figures ?? {};
        const throughputBytesPerSecond = rate(figures?.bytesReceived ?? 0, durationMs);
        return sayJson(host, {
          type: 'summary',
          ...{ ...fields, requests, durationMs, throughputBytesPerSecond, exitCode },
        });
      }
      // What ended before anything was done has its sentence on stderr.
      if (figures === null || (error && figures.filesListed === 0)) return;
      if (error?.code === 'interrupted') say(host.stdout, 'Stopped: run it again, and it goes on from here');
      for (const line of summaryLines(figures, durationMs, dryRun, error !== undefined)) say(host.stdout, line);
    },
  };
}

async function liveOf(host: CommandHost, { json, progress, dryRun }: RestoreReportOptions): Promise<LiveArea | null> {
  const animated = !json && progress && !dryRun && host.stderr.isTTY === true && host.env.TERM !== 'dumb';
  return animated ? (await import('./liveArea.ts')).openLiveArea(host.stderr) : null;
}

function fileLine({ path, key, action, bytes, verified, error }: RestoredFile, dryRun: boolean): string | null {
  if (error) return `${path || key}: ${errorSentence(error)}`;
  if (dryRun && action === 'restore') return `would restore ${path} (${formatBytes(bytes)})`;
  if (!dryRun && action === 'restore' && verified === 'none')
    return `${path}: restored, not verified: the store keeps no checksum of it`;
  return null;
}

const filesOf = (count: number): string => `${formatCount(count)} ${count === 1 ? 'file' : 'files'}`;

function summaryLines(figures: RestoreFigures, durationMs: number, dryRun: boolean, stopped: boolean): string[] {
  const { filesRestored, filesSkipped, filesFailed, filesNotVerified, bytesRestored, bytesReceived, bytesResumed } =
    figures;
  const counted = `${formatCount(filesSkipped)} there already, ${formatCount(filesFailed)} failed`;
  // A mistyped prefix must not look like a restore that went well.
  if (!stopped && figures.filesListed === 0 && figures.filesExcluded === 0 && filesFailed === 0)
    return ['There is no object below this address: nothing was restored'];
  if (dryRun)
    return [`Would restore ${filesOf(filesRestored)}, ${formatBytes(bytesRestored)}; ${counted}. Nothing was changed`];
  const proof = filesNotVerified > 0 ? `, ${formatCount(filesNotVerified)} of them not verified` : '';
  const resumed = bytesResumed > 0 ? `, ${formatBytes(bytesResumed)} of an earlier run kept` : '';
  const whole = !stopped && filesFailed === 0 && filesNotVerified === 0 && filesRestored + filesSkipped > 0;
  return [
    `${filesOf(filesRestored)} restored (${formatBytes(bytesRestored)})${proof}, ${counted}`,
    `${formatBytes(bytesReceived)} received in ${formatDuration(durationMs)}, ${formatRate(rate(bytesReceived, durationMs))}${resumed}`,
    ...(whole ? ['Every file was compared with what the store keeps of it'] : []),
  ];
}

function progressLine(figures: RestoreFigures, durationMs: number): string {
  const failed = figures.filesFailed > 0 ? ` · ${formatCount(figures.filesFailed)} failed` : '';
  return `${filesOf(figures.filesRestored + figures.filesSkipped)} · ${formatBytes(figures.bytesReceived)} · ${formatRate(rate(figures.bytesReceived, durationMs))}${failed}`;
}

const progressFields = (figures: RestoreFigures, durationMs: number) => ({
  filesDone: figures.filesRestored + figures.filesSkipped + figures.filesFailed,
  bytesDone: figures.bytesReceived,
  bytesPerSecond: rate(figures.bytesReceived, durationMs),
});

const rate = (bytes: number, durationMs: number): number =>
  durationMs > 0 ? Math.round((bytes * 1000) / durationMs) : 0;
