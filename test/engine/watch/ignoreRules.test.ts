import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainExclusion } from '../../../main/engine/watch/ignoreRules.ts';
import { scanTree } from '../../../main/engine/watch/scanTree.ts';
import { asRelativePath } from '../../../shared/ids.ts';
import type { FolderRules } from '../../../shared/settings.ts';
import { scanned } from './scanned.ts';
import { tempFolder } from './tempFolder.ts';

type Files = Readonly<Record<string, string>>;

function explain(path: string, rules: Partial<FolderRules>, ignoreFiles: Files = {}) {
  const files = new Map(Object.entries(ignoreFiles).map(([directory, text]) => [asRelativePath(directory), text]));
  return explainExclusion({ include: [], exclude: [], ...rules }, files, asRelativePath(path));
}

describe('ignore rules', () => {
  const table: readonly [
    what: string,
    path: string,
    excluded: boolean,
    rules: Partial<FolderRules>,
    ignoreFiles?: Files,
  ][] = [
    ['nothing is left out unasked', 'node_modules/.git/x~', false, {}],
    ['a name matches at any depth', 'a/b/x.log', true, { exclude: ['*.log'] }],
    ['upper case is another name', 'a/X.LOG', false, { exclude: ['*.log'] }],
    ['a leading slash anchors', 'a/build/x', false, { exclude: ['/build'] }],
    ['a slash in the middle anchors', 'x/a/b', false, { exclude: ['a/b'] }],
    ['a directory takes all below with it', 'build/deep/x', true, { exclude: ['build/'] }],
    ['a trailing slash spares files', 'build', false, { exclude: ['build/'] }],
    ['later patterns take back', 'keep.log', false, { exclude: ['*.log', '!keep.log'] }],
    ['nothing comes back from an excluded directory', 'build/keep', true, { exclude: ['build/', '!build/keep'] }],
    ['** spans directories', 'a/b/c/d', true, { exclude: ['a/**/d'] }],
    ['** beside a name is one *', 'ab/x', true, { exclude: ['a**/x'] }],
    ['… and spans nothing', 'ab/c/x', false, { exclude: ['a**/x'] }],
    ['an ignore file counts for its directory', 'a/x.tmp', true, {}, { a: '*.tmp' }],
    ['and not beside it', 'b/x.tmp', false, {}, { a: '*.tmp' }],
    ['and its slashes are relative to it', 'a/sub/x', true, {}, { a: '/sub' }],
    ['deeper wins', 'a/b/x.tmp', false, {}, { '': '*.tmp', 'a/b': '!x.tmp' }],
    ['deeper wins for directories, and what is below them', 'a/b/c', false, {}, { '': 'b', a: '!b' }],
    ['an ignore file in a left-out directory is not read', 'a/x', true, {}, { '': 'a', a: '!x' }],
    ['settings can not be overruled from inside', 'x.log', true, { exclude: ['*.log'] }, { '': '!x.log' }],
    ['litter is left out', 'photos/.DS_Store', true, {}],
    ['… by its whole name only', 'photos/my.DS_Store', false, {}],
    ['litter of open documents', 'docs/~$report.docx', true, {}],
    ['lock files', 'docs/.~lock.report.odt#', true, {}],
    ['swap files', '.notes.txt.swp', true, {}],
    ['no swap file', 'notes.swp', false, {}],
    ['settings bring litter back', 'desktop.ini', false, { exclude: ['![Dd]esktop.ini'] }],
    ['an ignore file does not', 'desktop.ini', true, {}, { '': '!desktop.ini' }],
    ['include takes only what it names', 'a/x.txt', true, { include: ['*.jpg'] }],
    ['… at any depth', 'a/b/x.jpg', false, { include: ['*.jpg'] }],
    ['include of a directory takes all below', 'docs/deep/x', false, { include: ['docs/'] }],
    ['include with an exception', 'docs/draft', true, { include: ['docs/*', '!docs/draft'] }],
    ['exclude beats include', 'docs/x.log', true, { include: ['docs/'], exclude: ['*.log'] }],
    ['the ignore file itself is kept', 'a/.sluiceignore', false, {}, { a: 'x' }],
    ['glob characters in directory names mean themselves', 'a*[b]?/x', true, {}, { 'a*[b]?': 'x' }],
    ['… and only themselves', 'axb/x', false, {}, { 'a*b': 'x' }],
    ['comments and blank lines', 'x', false, {}, { a: '# x\n\n   \n' }],
    ['Windows line ends and a byte order mark', 'a/x', true, {}, { a: '\uFEFFx\r\ny\r\n' }],
  ];
  it.for(table)('%s: %s → %s', ([, path, excluded, rules, ignoreFiles]) => {
    expect(explain(path, rules, ignoreFiles).excluded).toBe(excluded);
  });

  it('says why', () => {
    expect(explain('a/b/x.tmp', {}, { a: 'y\n*.tmp' })).toEqual({
      excluded: true,
      by: 'ignore-file',
      pattern: '*.tmp',
      reason: 'Excluded by *.tmp in a/.sluiceignore.',
    });
    expect(explain('out/x', { exclude: ['out/'] })).toMatchObject({ by: 'settings', pattern: 'out/' });
    expect(explain('x/Thumbs.db', {})).toMatchObject({ by: 'preset' });
    expect(explain('x', { include: ['y'] })).toMatchObject({ by: 'not-included', pattern: null });
  });

  it('hold for a scan: left out is counted, not walked, and the ignore file itself is taken', async () => {
    const root = tempFolder();
    const files = [
      'src/a.ts',
      'src/a.js',
      'out/1',
      'out/2',
      'node_modules/m/x',
      '.DS_Store',
      'src/gen/x',
      'src/gen/keep',
    ];
    for (const file of files) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), '');
    }
    writeFileSync(join(root, '.sluiceignore'), 'out/\n*.js\n');
    writeFileSync(join(root, 'src/gen/.sluiceignore'), '*\n!keep\n');
    const all = await scanned(root, { exclude: ['node_modules/'] });
    expect([...all.files.keys()]).toEqual(['.sluiceignore', 'src/a.ts', 'src/gen/keep']);
    // out, node_modules, .DS_Store, a.js, gen/x and gen's ignore file, which says so itself
    expect(all.excluded).toBe(6);
    expect(all.directories).toEqual(['', 'src', 'src/gen']);
  });
});

const git = spawnSync('git', ['--version']).status === 0;

describe.skipIf(!git)('ignore files mean what git makes of them', () => {
  const segment = fc.constantFrom('a', 'b', 'ab', 'a.b', '.x', 'B', 'a b', 'a[b', '#a', '!b', 'a*');
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
  const glob = fc.oneof(
    segment.map((name) => name.replace(/[*[]/, '\\$&')),
    fc.constantFrom('*', '**', '?', 'a*', '*b', '[ab]', '[!a]', '*.b', '\\#a', '\\!b', 'a\\*', 'a\\[b', '[[:alpha:]]'),
  );
  const line = fc
    .tuple(
      fc.constantFrom('', '', '', '!'),
      fc.constantFrom('', '', '/'),
      fc.array(glob, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/')),
      fc.constantFrom('', '', '/', ' ', '/*', '/**'),
    )
    .map((parts) => parts.join(''));
  const ignoreFile = fc
    .array(fc.oneof({ weight: 9, arbitrary: line }, fc.constantFrom('', '# a', 'a\r')), { minLength: 1, maxLength: 4 })
    .map((lines) => lines.join('\n'));

  it('for any tree and any rules (git ls-files is the judge)', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(path, { minLength: 3, maxLength: 14 }),
        fc.array(fc.tuple(fc.oneof(fc.constant(''), path), ignoreFile), { minLength: 1, maxLength: 4 }),
        (paths, ignoreFiles) => {
          const root = tempFolder();
          const write = (to: string, text: string) => {
            try {
              mkdirSync(dirname(join(root, to)), { recursive: true });
              writeFileSync(join(root, to), text);
            } catch {
              // a file is where a directory should be, or the other way round: one of them is enough
            }
          };
          for (const each of paths) write(each, '');
          for (const [directory, text] of ignoreFiles)
            write(directory === '' ? '.sluiceignore' : `${directory}/.sluiceignore`, text);
          spawnSync('git', ['init', '-q', '.'], { cwd: root });
          const judged = spawnSync(
            'git',
            ['-c', 'core.quotePath=false', 'ls-files', '-o', '-z', '--exclude-per-directory=.sluiceignore'],
            { cwd: root, encoding: 'utf8' },
          );
          expect(judged.status, judged.stderr).toBe(0);
          const kept = judged.stdout.split('\0').filter((name) => name !== '');
          const taken: string[] = [];
          for (const piece of scanTree({ root, rules: { include: [], exclude: ['/.git/'] }, keyPrefix: '' })) {
            for (const { directory, files } of piece.listings)
              for (const { name } of files) taken.push(directory === '' ? name : `${directory}/${name}`);
          }
          expect(taken.sort()).toEqual(kept.sort());
        },
      ),
      { numRuns: 100, interruptAfterTimeLimit: 3_000 },
    );
  });
});
