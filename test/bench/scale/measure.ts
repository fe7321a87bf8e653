import { spawn } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';

export type Figures = Readonly<Record<string, number>>;

export interface ScaleFigures {
  readonly firstScan: Figures;
  readonly rescan: Figures;
  readonly watch: Figures;
  readonly claims: Figures;
}

/** Each in a process of its own, one after the other; `place` gets the ledgers. Throws when one of them fails. */
export async function measure(options: {
  /** Of bundleMeasures(). */
  readonly bundles: string;
  readonly root: string;
  readonly place: string;
  readonly files: number;
  /** Seconds. */
  readonly idle: string;
  readonly changes: string;
}): Promise<ScaleFigures> {
  const { bundles, root, place, files, idle, changes } = options;
  const dataDir = join(place, 'ledger');
  const run = (name: string, ...args: string[]) => figuresOf([join(bundles, `${name}.js`), ...args]);
  const firstScan = await run('scan', '--root', root, '--data-dir', dataDir);
  // as the first scan left it: everything queued
  const queue = join(place, 'queue');
  cpSync(dataDir, queue, { recursive: true });
  const rescan = await run('scan', '--root', root, '--data-dir', dataDir);
  const what = ['--files', String(files), '--idle', idle, '--changes', changes];
  const watch = await run('watch', '--root', root, '--data-dir', dataDir, ...what);
  return { firstScan, rescan, watch, claims: await run('claims', '--data-dir', queue) };
}

async function figuresOf(args: readonly string[]): Promise<Figures> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += String(chunk);
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  return JSON.parse(said) as Figures;
}
