import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';

let harness: Harness | null = null;
afterEach(async () => {
  await harness?.close();
  harness = null;
});

/** Names that a file can have on Linux, as bytes: 300 and more, none of them ordinary. */
function corpus(): readonly Buffer[] {
  const texts = new Set<string>();
  // every character of ASCII that a name can hold, in the middle and alone
  for (let code = 1; code < 128; code++) {
    const letter = String.fromCharCode(code);
    if (letter === '/') continue;
    texts.add(`in${letter}side`);
    if (letter !== '.') texts.add(letter);
  }
  for (const text of [
    '...',
    '. ',
    ' .',
    '-rf',
    '--',
    '~$lock',
    '%2F',
    '%00',
    '%',
    '+',
    'a+b c',
    '&amp;',
    '<Key>',
    ']]>',
    '?prefix=',
    '#frag',
    '//'.replace(/\//g, '\u2215'),
    'CON',
    'nul.txt',
    'con ',
    'trailing.',
    '__proto__',
    'constructor',
    'toString',
    "'; DROP TABLE file;--",
    '$(id)',
    '`id`',
    '$' + '{HOME}',
    '{{x}}',
  ])
    texts.add(text);
  // twins that normalise, fold or look alike
  for (const text of [
    'caf\u00e9',
    'cafe\u0301',
    'CAF\u00c9',
    '\u212b',
    '\u00c5',
    'A\u030a',
    '\ufb01',
    'fi',
    '\u1e9e',
    'ss',
    '\u0130',
    'i\u0307',
    '\u03c3',
    '\u03c2',
    '\u200d',
    '\u202eexe.txt',
    '\ufeffbom',
    '\u00a0',
    '\u3000',
    '\u2028',
    '\ufffd',
    '\ufffe',
    '\uffff',
    '\u{10ffff}',
    '👩‍👩‍👧',
    '日本語',
    'עברית',
    '\u0080',
    '\u009f',
    'é'.repeat(127),
    'n'.repeat(255),
    '語'.repeat(85),
  ])
    texts.add(text);
  const bytes = [
    [0xff],
    [0xc3],
    [0xc3, 0x28],
    [0xed, 0xa0, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0x61, 0xe9],
    [0xc0, 0xaf],
    [0x80],
  ];
  return [...[...texts].map((text) => Buffer.from(text)), ...bytes.map((each) => Buffer.from(each))];
}

describe.runIf(process.platform === 'linux')('a corpus of hostile names', () => {
  it('each is in the bucket byte for byte, or an issue that says why not', { timeout: 120_000 }, async () => {
    const here = await openHarness();
    harness = here;
    const names = corpus();
    expect(names.length).toBeGreaterThanOrEqual(300);
    mkdirSync(join(here.root, 'names'));
    for (const [at, name] of names.entries())
      writeFileSync(Buffer.concat([Buffer.from(`${here.root}/names/`), name]), `content ${at}`);
    // and one whose key would be too long
    const deep = `names/${'d'.repeat(250)}/${'d'.repeat(250)}/${'d'.repeat(250)}/${'d'.repeat(250)}`;
    await here.write(`${deep}/too-long-a-key`, 'x');

    await here.pass({ folder: { rules: { include: [], exclude: [], presets: [] } } });
    const keys = new Set(here.server.listKeys(bucket));
    const engine = await here.open();
    const { issues } = await engine.api.issues({});
    const problems = new Set(issues.flatMap(({ path }) => (path === null ? [] : [path])));
    let taken = 0;
    let told = 0;
    for (const [at, name] of names.entries()) {
      const text = name.toString('utf8');
      const key = `${prefix}names/${text}`;
      if (Buffer.from(text).equals(name) && keys.delete(key)) {
        expect((await here.server.readObject(bucket, key)).toString(), JSON.stringify(text)).toBe(`content ${at}`);
        taken++;
      } else {
        const spelt = Buffer.from(text).equals(name) ? text : escaped(name);
        expect(problems, JSON.stringify(text)).toContain(`names/${spelt}`);
        told++;
      }
    }
    expect([...keys], 'objects of no file').toEqual([]);
    expect(taken).toBeGreaterThan(220);
    // control characters, U+FFFE, U+FFFF and what is no UTF-8
    expect(told).toBeGreaterThan(60);
    expect([...problems].some((path) => path.startsWith(deep))).toBe(true);
    for (const issue of issues) expect(issue.remedy.length, issue.path ?? '').toBeGreaterThan(10);
  });
});

/** As issues spell bytes that are no UTF-8. */
function escaped(name: Buffer): string {
  let text = '';
  for (const byte of name) text += byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`;
  return text;
}
