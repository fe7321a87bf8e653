import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../shared/errors.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = ['.', 'docs'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);
/** Everything that `pattern`'s first group matches, once each. */
const allIn = (text: string, pattern: RegExp): string[] => [
  ...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? '')),
];

describe('the docs say what is there', () => {
  it.each(pages)('no link of %s leads nowhere', (page) => {
    const text = read(page);
    const broken = allIn(text, /\]\(([^)\s]+)\)/g).filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? join(root, page) : resolve(root, dirname(page), path);
      if (!existsSync(file)) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it.each(pages)('every npm script that %s names exists', (page) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = allIn(read(page), /npm run ([a-z][\w:-]*)/g);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('every test that reliability.md names exists under that name', () => {
    const rows = [...read('docs/reliability.md').matchAll(/`(test\/[^`]+\.test\.ts)` "([^"]+)"/g)];
    expect(rows.length).toBeGreaterThan(25);
    const missing = rows.filter(([, file = '', name = '']) => {
      const path = join(root, file);
      return !existsSync(path) || !titlesIn(readFileSync(path, 'utf8')).has(name);
    });
    expect(missing.map(([text]) => text)).toEqual([]);
  });

  it.each(pages)('every source and test file that %s names exists', (page) => {
    const named = allIn(read(page), /`((?:main|renderer|shared|test|scripts)\/[\w./-]+)`/g);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('every error code has its row in troubleshooting.md, and no other has one', () => {
    const cells = allIn(read('docs/troubleshooting.md'), /^\| (`[^|]*) \|/gm);
    const codes = cells.flatMap((cell) => allIn(cell, /`([^`]+)`/g));
    expect(codes.toSorted()).toEqual([...errorCodes].toSorted());
  });

  it('dependencies.md lists the packages of package.json and no others', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, object>;
    const cells = [...read('docs/dependencies.md').matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = '']) =>
      cell.split(/,\s*/),
    );
    const listed = new Set(cells.filter((cell) => cell !== 'package'));
    expect([...listed].toSorted()).toEqual(Object.keys({ ...dependencies, ...devDependencies }).toSorted());
  });

  it('every command and flag of cli.md is in the help, and every flag of the help is in cli.md', async () => {
    const text = read('docs/cli.md');
    const commands = new Map((await Promise.all(commandLines.map(help))).map((one) => [one.command, one.text]));
    const named = allIn(text, /sluice ((?:[a-z]+ )?[a-z]+)\b/g).map((words) => {
      const [first = '', second = ''] = words.split(' ');
      return commands.has(`${first} ${second}`) ? `${first} ${second}` : first;
    });
    expect(named.filter((command) => command !== 'command' && !commands.has(command))).toEqual([]);
    const flag = /(--[a-z][a-z-]*)/g;
    const known = new Set([...commands.values()].flatMap((one) => allIn(one, flag)));
    const written = new Set(allIn(text, flag));
    expect([...written].filter((name) => !known.has(name))).toEqual([]);
    expect([...known].filter((name) => !written.has(name) && name !== '--version')).toEqual([]);
    for (const command of commands.keys()) if (command !== '') expect(text).toContain(`sluice ${command}`);
  }, 30_000);
});

const commandLines = [
  ...['', 'sync', 'daemon', 'status', 'verify', 'plan', 'bench', 'doctor'],
  ...['folder', 'folder add', 'folder list', 'folder remove', 'folder pause', 'folder resume'],
  ...['uploads', 'uploads list', 'uploads abort', 'restore'],
  ...['ledger', 'ledger check', 'ledger export', 'ledger rebuild'],
  ...['folder deletes', 'folder reconcile'],
  ...['cost', 'lifecycle', 'lifecycle show', 'lifecycle diff', 'lifecycle apply'],
  ...['accelerate', 'accelerate status', 'accelerate probe', 'accelerate analyze', 'accelerate enable'],
  ...['policy', 'policy check'],
];

async function help(command: string): Promise<{ readonly command: string; readonly text: string }> {
  const words = command.split(' ').filter((word) => word !== '');
  const program = join(root, 'main/headless/sluice.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...words, '--help']);
  return { command, text: stdout };
}

/** What vitest would call tests: the first string of each call, quotes of the source undone. */
function titlesIn(source: string): Set<string> {
  const titles = source.matchAll(/\(\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)")/g);
  return new Set([...titles].map(([, single, double]) => (single ?? double ?? '').replace(/\\(.)/g, '$1')));
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): Set<string> {
  const headings = allIn(text, /^#{1,6} (.+)$/gm);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
