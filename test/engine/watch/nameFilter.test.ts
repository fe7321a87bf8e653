import fc from 'fast-check';
import ignore from 'ignore';
import { describe, expect, it } from 'vitest';
import { presetPatterns } from '../../../main/engine/watch/ignorePresets.ts';
import { NameFilter } from '../../../main/engine/watch/nameFilter.ts';
import { PatternSet } from '../../../main/engine/watch/patternSet.ts';

describe('the look at a name before patterns are asked', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '.',
    '~',
    '#',
    '*',
    '**',
    '?',
    '[ab]',
    '[!a]',
    '\\',
    '\\*',
    '!',
    ' ',
    '/',
    'é',
  );
  const pattern = fc.array(piece, { minLength: 1, maxLength: 7 }).map((pieces) => pieces.join(''));
  const name = fc
    .array(fc.constantFrom('a', 'b', '.', '~', '#', '*', '!', ' ', 'é'), { minLength: 1, maxLength: 4 })
    .map((letters) => letters.join(''))
    .filter((text) => text !== '.' && text !== '..');

  it('never passes over a name that a pattern leaves out', () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 4 }),
        fc.array(name, { minLength: 1, maxLength: 4 }),
        (patterns, names) => {
          const set = PatternSet.empty.plus(patterns.map((text) => ({ pattern: text, mark: text || '-' })));
          for (let depth = 1; depth <= names.length; depth++) {
            for (const end of depth === names.length ? ['', '/'] : ['/']) {
              const path = names.slice(0, depth).join('/') + end;
              if (!ignore.isPathValid(path)) return;
              expect(set.matchEntry(path), `${JSON.stringify(patterns)} of ${path}`).toBe(set.match(path));
            }
            // its premise: nothing above is left out
            if (set.match(`${names.slice(0, depth).join('/')}/`) !== null) return;
          }
        },
      ),
      { numRuns: 4_000 },
    );
  });

  it('asks the patterns about few names of a tree of photos and documents', () => {
    const filter = NameFilter.of(
      presetPatterns(['litter', 'node-modules', 'vcs', 'editor-temp']).map(({ pattern }) => pattern),
    );
    const names = ['IMG_0001.jpg', 'Invoice.pdf', 'notes.md', 'main.ts', 'Désert.png', 'lost', 'System', 'index.html'];
    expect(names.filter((each) => filter.mayMatch(each))).toEqual([]);
    for (const each of [
      '.DS_Store',
      'Thumbs.db',
      'thumbs.db',
      '~$a.docx',
      '.a.swp',
      'node_modules',
      '.git',
      'a~',
      'Icon\r',
    ])
      expect(filter.mayMatch(each), each).toBe(true);
  });
});
