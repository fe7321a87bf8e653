import { type ErrorView, SluiceError } from '../../shared/errors.ts';
import type { CommandHost, Output } from './host.ts';
import { printable } from './printable.ts';

/** One line for a person, made harmless. */
export function say(output: Output, line: string): void {
  output.write(`${printable(line)}\n`);
}

/** One NDJSON line, `type` and `time` first (cli.md). */
export function sayJson(host: CommandHost, line: { readonly type: string }): void {
  const { type, ...rest } = line;
  host.stdout.write(`${JSON.stringify({ type, time: new Date(host.now()).toISOString(), ...rest })}\n`);
}

/** What happened and what to do about it, as sentences on one line. */
export function errorSentence(error: Pick<ErrorView, 'message' | 'remedy'>): string {
  return `${asSentence(error.message)} ${asSentence(error.remedy)}`.trim();
}

/** The stack is for those who ask for it: it means nothing to anybody else. */
export function sayError(host: CommandHost, thrown: unknown, view: ErrorView): void {
  say(host.stderr, `sluice: ${errorSentence(view)}`);
  if (host.env.SLUICE_DEBUG === undefined) return;
  for (let cause: unknown = thrown; cause instanceof Error; cause = cause.cause) {
    for (const line of (cause.stack ?? cause.message).split('\n')) say(host.stderr, line);
  }
}

export const usageError = (message: string, remedy?: string): SluiceError =>
  new SluiceError('usage', message, remedy === undefined ? {} : { remedy });

function asSentence(text: string): string {
  const trimmed = text.trim();
  return trimmed === '' || /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
