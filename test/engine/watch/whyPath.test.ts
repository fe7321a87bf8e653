import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { whyPath } from '../../../main/engine/watch/whyPath.ts';
import { asRelativePath } from '../../../shared/ids.ts';
import type { FolderRules } from '../../../shared/settings.ts';
import { scanned } from './scanned.ts';
import { tempFolder } from './tempFolder.ts';

const rules: FolderRules = {
  include: [],
  exclude: ['/private/'],
  presets: ['litter', 'node-modules', 'vcs', 'editor-temp'],
};

function tree(): string {
  const root = tempFolder();
  for (const directory of ['src/.git', 'private/deep', 'web/node_modules/x', 'docs'])
    mkdirSync(join(root, directory), { recursive: true });
  for (const file of [
    'src/main.ts',
    'src/main.ts~',
    'src/.git/HEAD',
    'private/deep/key',
    'web/node_modules/x/y.js',
    'docs/a.tmp',
    'docs/a.md',
    '.DS_Store',
    'tab\t',
  ])
    writeFileSync(join(root, file), 'x');
  writeFileSync(join(root, 'docs/.sluiceignore'), '*.tmp\n');
  symlinkSync('main.ts', join(root, 'src/link'));
  return root;
}

describe('why a path is left out', () => {
  it('names the rule and where it is written', () => {
    const root = tree();
    const why = (path: string, given = rules) => whyPath(root, given, '', asRelativePath(path));
    expect(why('src/main.ts')).toMatchObject({ kind: 'taken' });
    expect(why('docs/a.tmp')).toEqual({ kind: 'left-out', reason: 'Excluded by *.tmp in docs/.sluiceignore.' });
    expect(why('private/deep/key').reason).toBe(
      'private/, above it, is left out. Excluded by /private/ in the settings of this folder.',
    );
    expect(why('web/node_modules/x/y.js').reason).toContain("this folder's preset node-modules");
    expect(why('src/.git').reason).toContain('preset vcs');
    expect(why('src/main.ts~').reason).toContain('preset editor-temp');
    expect(why('.DS_Store').reason).toContain('Left behind by a program');
    expect(why('src/link')).toEqual({ kind: 'left-out', reason: 'It is a link, and links are not followed.' });
    expect(why('src/link/below')).toEqual({
      kind: 'left-out',
      reason: 'src/link, above it, is a link, and links are not followed.',
    });
    expect(why('tab\t')).toMatchObject({ kind: 'impossible', reason: expect.stringContaining('U+0009') });
    expect(why('docs/none.md')).toMatchObject({ kind: 'missing' });
    expect(why('docs/none.tmp')).toMatchObject({ kind: 'left-out' });
    expect(why('../outside')).toMatchObject({ kind: 'left-out' });
    expect(why('src/main.ts', { ...rules, include: ['*.md'] }).reason).toContain('include patterns');
  });

  it('presets are chosen folder by folder; only litter is left out unasked', () => {
    const root = tree();
    const kind = (path: string, presets: FolderRules['presets']) =>
      whyPath(root, { include: [], exclude: [], ...(presets && { presets }) }, '', asRelativePath(path)).kind;
    expect(kind('src/.git/HEAD', undefined)).toBe('taken');
    expect(kind('.DS_Store', undefined)).toBe('left-out');
    expect(kind('.DS_Store', [])).toBe('taken');
    expect(kind('src/.git/HEAD', ['vcs'])).toBe('left-out');
  });

  it('says of every path what a scan makes of it', async () => {
    const root = tree();
    const { files, problems } = await scanned(root, rules);
    for (const path of [
      'src/main.ts',
      'src/main.ts~',
      'src/.git/HEAD',
      'private/deep/key',
      'docs/a.tmp',
      'docs/a.md',
      'docs/.sluiceignore',
      '.DS_Store',
      'tab\t',
    ]) {
      const { kind } = whyPath(root, rules, '', asRelativePath(path));
      expect(kind === 'taken', path).toBe(files.has(asRelativePath(path)));
      expect(kind === 'impossible', path).toBe(problems.some((problem) => problem.path === path));
    }
  });
});
