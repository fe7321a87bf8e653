import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keyProblem } from '../../../main/engine/watch/keyProblem.ts';
import { asRelativePath } from '../../../shared/ids.ts';
import { scanned } from './scanned.ts';
import { tempFolder } from './tempFolder.ts';

describe('names', () => {
  it('keeps every name an S3 key can spell, byte for byte', async () => {
    const root = tempFolder();
    const names = [
      'caf\u00e9', // the NFC twin …
      'cafe\u0301', // … and the NFD one
      '😀 emoji 👩‍👩‍👧',
      ' leading and trailing ',
      '.hidden',
      'trailing.',
      '...',
      '-rf',
      '--include=x',
      'back\\slash',
      'quote"s and \'s',
      'percent%20',
      'plus+and&?#=;:,@',
      '*star?',
      '[brackets]',
      '$(touch x) `y`',
      'n'.repeat(255),
      '日本語',
      'עברית',
      '\u200b zero width',
      '\ufffd is a character too',
      '__proto__',
      'constructor',
      'CON',
      'aux.txt',
      '~',
      '!bang',
      '#hash',
      '\u0080 C1 is no C0',
    ];
    for (const name of names) writeFileSync(join(root, name), 'x');
    mkdirSync(join(root, 'dir \ufffd'));
    writeFileSync(join(root, 'dir \ufffd', 'file'), '');
    const { files, problems } = await scanned(root);
    expect(problems).toEqual([]);
    expect(new Set(files.keys())).toEqual(new Set([...names, 'dir \ufffd/file']));
  });

  it('reports control characters instead of uploading something else', async () => {
    const root = tempFolder();
    for (const name of ['new\nline', 'tab\t', 'bell\u0007', 'del\u007f', 'fffe\ufffe', 'ffff\uffff'])
      writeFileSync(join(root, name), '');
    mkdirSync(join(root, 'dir\u0001'));
    for (let i = 0; i < 5; i++) writeFileSync(join(root, 'dir\u0001', `file${i}`), '');
    const { files, problems } = await scanned(root);
    expect(files.size).toBe(0);
    expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(['name-unsupported']));
    // one for a folder, not one for each file in it
    expect(problems.map(({ path }) => path).sort()).toEqual([
      'bell\u0007',
      'del\u007f',
      'dir\u0001',
      'fffe\ufffe',
      'ffff\uffff',
      'new\nline',
      'tab\t',
    ]);
    expect(problems.find(({ path }) => path === 'tab\t')?.detail).toContain('U+0009');
  });

  it('reports names that are no UTF-8, each with its bytes, and takes their neighbours', async () => {
    const root = tempFolder();
    const raw = (...bytes: number[]) => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(bytes)]);
    writeFileSync(raw(0x63, 0x61, 0x66, 0xe9), '');
    writeFileSync(raw(0x63, 0x61, 0x66, 0xe8), '');
    // half of a surrogate pair, as some programs write it
    writeFileSync(raw(0xed, 0xa0, 0x80), '');
    mkdirSync(raw(0xff));
    writeFileSync(raw(0xff, 0x2f, 0x61), '');
    writeFileSync(join(root, 'caf\u00e9 \ufffd'), '');
    writeFileSync(join(root, 'plain'), '');
    const { files, problems } = await scanned(root);
    expect([...files.keys()]).toEqual(['caf\u00e9 \ufffd', 'plain']);
    expect(problems.map(({ code, path }) => [code, path]).sort()).toEqual([
      ['name-not-utf8', '\\xed\\xa0\\x80'],
      ['name-not-utf8', '\\xff'],
      ['name-not-utf8', 'caf\\xe8'],
      ['name-not-utf8', 'caf\\xe9'],
    ]);
  });

  it('refuses half of a surrogate pair, as Windows can hand it out', () => {
    expect(keyProblem('', asRelativePath('half \ud83d'))?.code).toBe('name-unsupported');
    expect(keyProblem('', asRelativePath('whole \ud83d\ude00'))).toBeNull();
  });

  it('leaves out excluded files before it complains about their names', async () => {
    const root = tempFolder();
    writeFileSync(join(root, 'tmp\n'), '');
    const { problems, excluded } = await scanned(root, { exclude: ['tmp*'] });
    expect([problems, excluded]).toEqual([[], 1]);
  });
});
