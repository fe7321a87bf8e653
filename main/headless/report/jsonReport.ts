import type { CommandHost } from '../host.ts';
import { say, sayJson } from '../say.ts';
import type { SyncReport } from './syncReport.ts';

/** cli.md: at most 4 a second. */
const progressEveryMs = 250;

/** NDJSON on stdout and nothing else there; `summary` is the last line. */
export function jsonReport(host: CommandHost, options: { readonly progress: boolean }): SyncReport {
  let progressAt = Number.NEGATIVE_INFINITY;
  return {
    started: () => {},
    moving: () => {},
    note: (line) => say(host.stderr, line),
    event: (event) => {
      if (event.type === 'progress') {
        if (!options.progress || host.now() - progressAt < progressEveryMs) return;
        progressAt = host.now();
      }
      sayJson(host, event);
    },
    planned: (file) => sayJson(host, { type: 'planned', ...file }),
    end: ({ summary, error }) => {
      if (error !== null) sayJson(host, { type: 'error', ...error });
      sayJson(host, summary);
    },
  };
}
