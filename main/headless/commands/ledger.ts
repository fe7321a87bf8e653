import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { errorView, exitCodeFor, SluiceError } from '../../../shared/errors.ts';
import { formatCount } from '../../../shared/units.ts';
import type { LedgerReader } from '../../engine/ledger/openLedgerReadOnly.ts';
import { dataDirOf } from '../dataDir.ts';
import { parseFlags } from '../flags/parseFlags.ts';
import { choiceFlag } from '../flags/quantities.ts';
import { addDataDirFlag, addStoreFlags } from '../flags/storeFlags.ts';
import type { CommandHost, Output } from '../host.ts';
import { exportLines } from '../report/ledgerExport.ts';
import { errorSentence, say, sayJson } from '../say.ts';

export function addLedgerCommand(program: Command, host: CommandHost, done: (code: number) => void): void {
  const ledger = program
    .command('ledger')
    .summary('the ledger of the data directory: check, export, rebuild')
    .description(
      'The ledger holds what is known: files as the disk showed them, and what the bucket confirmed of each.',
    );

  const check = ledger
    .command('check')
    .description(
      "Reads the whole ledger and checks it: SQLite's own integrity and what no constraint holds (counts, proofs, parts of uploads). Changes nothing. Exit code 0: sound; 1: not.",
    )
    .option('--json', 'a problem line each, then check');
  addDataDirFlag(check).action(async (raw: unknown) => done(await runCheck(host, raw)));

  const list = ledger
    .command('export')
    .description(
      'Writes every file that the ledger knows, a line each: where it is, where its object is, and what was proved.',
    )
    .argument('[folder|id]', 'one pair only: its path, s3:// address or id')
    .option('--format <format>', 'ndjson, or csv for spreadsheets (default: ndjson)')
    .option('--output <file>', 'into a file that is not there yet (default: stdout)');
  addDataDirFlag(list).action(async (name: string | undefined, raw: unknown) => done(await runExport(host, name, raw)));

  const rebuild = ledger
    .command('rebuild')
    .description(
      "Makes what the ledger knows of a folder again, from the disk's listing and the bucket's metadata; no data is read or moved. A damaged ledger is renamed first, never deleted.\nProven is only what the object shows to be read from the very file that is here, untouched; the rest is compared by the next pass.",
    )
    .argument('<folder>', 'local folder')
    .argument('<s3-uri>', 's3://bucket or s3://bucket/prefix')
    .option('--include <glob>', 'the rules that it was synced with, gitignore syntax (repeatable)', collect)
    .option('--exclude <glob>', 'the rules that it was synced with, gitignore syntax (repeatable)', collect)
    .option('--keep', 'a pair that the daemon and the app keep, not one of sluice sync')
    .option('--json', 'one line with the figures');
  addDataDirFlag(rebuild);
  addStoreFlags(rebuild).addHelpText('after', '\nExample:\n  sluice ledger rebuild ~/Photos s3://my-bucket/photos');
  rebuild.action(async (folder: string, uri: string, raw: unknown) => {
    const { runRebuild } = await import('../ledgerRebuild.ts');
    done(await runRebuild(host, folder, uri, raw));
  });
}

const CheckFlags = z.object({ json: z.boolean().default(false), dataDir: z.string().optional() });

async function runCheck(host: CommandHost, raw: unknown): Promise<number> {
  const flags = parseFlags(CheckFlags, raw);
  const dataDir = dataDirOf(host, flags.dataDir);
  const problems = await problemsOf(dataDir);
  const exitCode = problems.length === 0 ? 0 : 1;
  if (flags.json) {
    for (const problem of problems) sayJson(host, { type: 'problem', ...{ problem } });
    sayJson(host, { type: 'check', ...{ dataDir, problems: problems.length, exitCode } });
    return exitCode;
  }
  for (const problem of problems) say(host.stdout, problem);
  say(
    host.stdout,
    exitCode === 0
      ? `The ledger in ${dataDir} is sound`
      : `${formatCount(problems.length)} ${problems.length === 1 ? 'problem' : 'problems'} in the ledger in ${dataDir}. Run sluice ledger rebuild for each of its folders: it sets this ledger aside and makes a new one.`,
  );
  return exitCode;
}

/** Damage so deep that nothing can be opened is a finding too. */
async function problemsOf(dataDir: string): Promise<readonly string[]> {
  const { openLedgerReadOnly } = await import('../../engine/ledger/openLedgerReadOnly.ts');
  let ledger: LedgerReader | undefined;
  try {
    ledger = openLedgerReadOnly(dataDir);
    return ledger.check();
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'ledger-corrupt') return [error.message];
    throw error;
  } finally {
    ledger?.close();
  }
}

const ExportFlags = z.object({
  format: choiceFlag('ndjson', 'csv').default('ndjson'),
  output: z.string().min(1, 'the name of the file is empty').optional(),
  dataDir: z.string().optional(),
});

async function runExport(host: CommandHost, name: string | undefined, raw: unknown): Promise<number> {
  const flags = parseFlags(ExportFlags, raw);
  const { openLedgerReadOnly } = await import('../../engine/ledger/openLedgerReadOnly.ts');
  const ledger = openLedgerReadOnly(dataDirOf(host, flags.dataDir));
  try {
    const folders = ledger.folders();
    const chosen = name === undefined ? folders : [named(folders, name, host.cwd)];
    if (flags.output === undefined) {
      for (const text of exportLines(ledger, chosen, flags.format)) await written(host.stdout, text);
      return 0;
    }
    const file = createWriteStream(resolve(host.cwd, flags.output), { flags: 'wx', mode: 0o600 });
    const ended = finished(file);
    ended.catch(() => undefined);
    for (const text of exportLines(ledger, chosen, flags.format)) {
      if (file.errored) break;
      await written(file, text);
    }
    file.end();
    await ended;
    return 0;
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code !== 'EEXIST' && code !== 'ENOENT' && code !== 'EACCES' && code !== 'ENOSPC') throw thrown;
    const error = new SluiceError('usage', `'${flags.output}' can't be written (${code})`, {
      remedy: 'Name a file that is not there yet, in a folder that you may write.',
      cause: thrown,
    });
    say(host.stderr, `sluice: ${errorSentence(errorView(error))}`);
    return exitCodeFor(error.code);
  } finally {
    ledger.close();
  }
}

function named(folders: ReturnType<LedgerReader['folders']>, name: string, cwd: string) {
  const uri = name.startsWith('s3://') ? name.replace(/\/*$/, '/') : null;
  const path = resolve(cwd, name);
  const found = folders.find(({ id, ...pair }) =>
    uri === null ? String(id) === name || pair.path === path : `s3://${pair.bucket}/${pair.prefix}` === uri,
  );
  if (!found) throw new SluiceError('not-found', `No folder pair is called '${name}'`);
  return found;
}

/** A reader that is slower than we are holds us up, instead of filling memory; one that has gone ends nothing. */
async function written(output: Output, text: string): Promise<void> {
  if (output.write(text)) return;
  const stream = output as NodeJS.WritableStream & { readonly destroyed?: boolean };
  if (stream.destroyed) return;
  await new Promise<void>((go) => {
    const settle = (): void => {
      stream.off('drain', settle);
      stream.off('close', settle);
      stream.off('error', settle);
      go();
    };
    stream.once('drain', settle);
    stream.once('close', settle);
    stream.once('error', settle);
  });
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
