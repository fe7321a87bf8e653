import { describe, expect, it } from 'vitest';
import { printable } from '../../main/headless/printable.ts';

describe('a hostile file name cannot touch the terminal', () => {
  it.each([
    ['\u001b[2Jgone', '\\x1b[2Jgone'],
    ['a\rb\nc\td\b', 'a\\x0db\\x0ac\\x09d\\x08'],
    ['\u009b31m', '\\x9b31m'],
    ['\u007f', '\\x7f'],
    ['photo\u202egpj.exe', 'photo\\u{202e}gpj.exe'],
    ['a\u200bb\u2066c\ufeff', 'a\\u{200b}b\\u{2066}c\\u{feff}'],
    ['line\u2028break', 'line\\u{2028}break'],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
    ['lone\ud800', 'lone\\u{d800}'],
  ])('%j', (hostile, shown) => {
    expect(printable(hostile)).toBe(shown);
  });

  it('leaves ordinary names of all scripts as they are', () => {
    for (const name of [
      'Bericht 2026 (Kopie).pdf',
      'écran.png',
      '写真/東京.jpg',
      'تقرير.txt',
      '🙂.png',
      'back\\slash',
    ]) {
      expect(printable(name)).toBe(name);
    }
  });
});
