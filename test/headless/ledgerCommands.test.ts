import { chmod, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { csvCell } from '../../main/headless/report/ledgerExport.ts';
import { MiB } from '../../shared/units.ts';
import { someBytes } from '../engine/restore/restoreHarness.ts';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';
import { jsonLines } from './support/runInProcess.ts';
import { startProcess } from './support/runProcess.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await openHarness();
});
afterEach(() => harness.close());

const sluice = (...args: string[]) => {
  const { accessKeyId, secretAccessKey, region } = harness.server;
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: region };
  return startProcess([...args, '--data-dir', harness.dataDir], { env }).ended;
};
const rebuild = (...more: string[]) =>
  sluice(
    'ledger',
    'rebuild',
    harness.root,
    `s3://${bucket}/${prefix}`,
    '--endpoint-url',
    harness.proxy.url,
    '--path-style',
    ...more,
  );

describe('ledger rebuild', () => {
  it('after a lost ledger, of an unchanged folder: the next pass reads nothing and sends nothing', async () => {
    for (let i = 0; i < 30; i++) await harness.write(`dir${i % 4}/file ${i}`, `content ${i}`);
    await harness.write('\u{1f4a9} and \uff5e', 'orders of UTF-8 and UTF-16 differ here');
    await harness.write('big', someBytes(12 * MiB));
    await harness.pass({ options: { settings: { partSizeBytes: 5 * MiB } } });
    await rm(harness.dataDir, { recursive: true });

    const rebuilt = await rebuild('--json');
    expect(jsonLines(rebuilt.stdout)).toMatchObject([
      {
        type: 'rebuild',
        filesScanned: 32,
        filesProven: 32,
        filesToCompare: 0,
        filesToUpload: 0,
        filesForeign: 0,
        objectsWithoutFile: 0,
      },
    ]);
    harness.server.clearLog();
    const summary = await harness.pass();
    expect(summary).toMatchObject({ exitCode: 0, filesUploaded: 0, filesUnchanged: 32, bytesSent: 0 });
    expect(harness.server.counts()).toEqual({ HeadBucket: 1 });
  });

  it('calls nothing proven that was touched: an edit with its old size and time is found and uploaded, a mere touch sends nothing', async () => {
    for (const name of ['edited', 'touched', 'same']) await harness.write(name, `before ${name}`);
    await harness.pass();
    await rm(harness.dataDir, { recursive: true });
    const { atimeMs, mtimeMs } = await stat(join(harness.root, 'edited'));
    await writeFile(join(harness.root, 'edited'), 'BEFORE edited');
    await utimes(join(harness.root, 'edited'), atimeMs / 1000, mtimeMs / 1000);
    await chmod(join(harness.root, 'touched'), 0o600);

    expect(jsonLines((await rebuild('--json')).stdout)).toMatchObject([{ filesProven: 1, filesToCompare: 2 }]);
    harness.server.clearLog();
    const summary = await harness.pass();
    expect(summary).toMatchObject({ exitCode: 0, filesUploaded: 1 });
    expect(harness.server.counts().PutObject).toBe(1);
    expect(await harness.differences()).toEqual([]);
  });

  it('knows what was copied for a rename like what was sent', async () => {
    await harness.write('old', 'content');
    await harness.pass();
    await rename(join(harness.root, 'old'), join(harness.root, 'new'));
    expect(await harness.pass()).toMatchObject({ filesCopied: 1 });
    await rm(harness.dataDir, { recursive: true });
    expect(jsonLines((await rebuild('--json')).stdout)).toMatchObject([{ filesProven: 1, filesToCompare: 0 }]);
  });

  it('takes objects of others for what they are, and lets no delete follow from objects that have no file', async () => {
    await harness.write('mine', 'mine');
    await harness.write('gone', 'gone from disk');
    await harness.pass();
    await rm(harness.dataDir, { recursive: true });
    await harness.remove('gone');
    await harness.write('new', 'not yet uploaded');
    expect(jsonLines((await rebuild('--json')).stdout)).toMatchObject([
      { filesProven: 1, filesToUpload: 1, objectsWithoutFile: 1 },
    ]);
    const deletes = { kind: 'mirror', limit: { kind: 'percent', percent: 100 }, holdMs: 0 } as const;
    expect(await harness.pass({ folder: { deletes } })).toMatchObject({
      exitCode: 0,
      filesDeleted: 0,
      filesUploaded: 1,
    });
    expect(harness.server.listKeys(bucket)).toContain(`${prefix}gone`);
  });

  it('sets a damaged ledger aside under another name, whole, and makes a new one', async () => {
    for (let i = 0; i < 200; i++) await harness.write(`file${i}`, `content ${i}`);
    await harness.pass();
    const path = join(harness.dataDir, 'ledger.sqlite');
    const damaged = await open(path, 'r+');
    const { size } = await damaged.stat();
    for (let at = 8192; at < size; at += 4096) await damaged.write(Buffer.alloc(2048, 0xa5), 0, 2048, at);
    await damaged.close();
    expect((await sluice('ledger', 'check')).code).toBe(1);

    const rebuilt = await rebuild();
    expect(rebuilt.code, rebuilt.stderr).toBe(0);
    expect(rebuilt.stdout).toContain('The ledger was damaged: it is now');
    const kept = (await readdir(harness.dataDir)).find((name) => /^ledger\.sqlite\.damaged-[\dTZ-]+$/.test(name)) ?? '';
    expect((await stat(join(harness.dataDir, kept))).size).toBe(size);
    const check = await sluice('ledger', 'check');
    expect(check).toMatchObject({ code: 0 });
    expect(check.stdout).toContain('is sound');
    expect(await harness.pass()).toMatchObject({ exitCode: 0, filesUploaded: 0, filesUnchanged: 200 });
  });

  it('leaves a sound ledger where it is, and what it knows as it was', async () => {
    await harness.write('a', 'a');
    await harness.pass();
    expect(jsonLines((await rebuild('--json')).stdout)).toMatchObject([
      { filesKnown: 1, filesProven: 0, setAside: null },
    ]);
    expect((await readdir(harness.dataDir)).filter((name) => name.includes('damaged'))).toEqual([]);
  });
});

describe('ledger export', () => {
  it('writes every file with what was proved of it, as NDJSON with names as they are', async () => {
    for (const name of ['plain', '=cmd()', 'quote"comma,', 'line\u2028break']) await harness.write(name, name);
    await harness.pass();
    const rows = jsonLines((await sluice('ledger', 'export')).stdout);
    expect(rows.map(({ path }) => path).sort()).toEqual(['=cmd()', 'line\u2028break', 'plain', 'quote"comma,'].sort());
    expect(rows.find(({ path }) => path === 'plain')).toMatchObject({
      key: `${prefix}plain`,
      state: 'proven',
      size: 5,
      checksum: expect.stringMatching(/^crc32:/),
    });
  });

  it('as CSV holds no cell that a spreadsheet takes for a formula, and overwrites no file', async () => {
    await harness.write('=HYPERLINK("evil","x")', 'x');
    await harness.pass();
    const output = join(harness.dataDir, 'out.csv');
    expect(await sluice('ledger', 'export', harness.root, '--format', 'csv', '--output', output)).toMatchObject({
      code: 0,
    });
    const text = await readFile(output, 'utf8');
    expect(text.split('\r\n')[1]).toContain(`,"'=HYPERLINK(""evil"",""x"")",`);
    expect(await sluice('ledger', 'export', '--output', output)).toMatchObject({ code: 2 });
    expect(await readFile(output, 'utf8')).toBe(text);
  });

  it('no text at all makes a cell that begins like a formula, or breaks out of its cell', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const cell = csvCell(text);
        const inner = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
        expect(inner).not.toMatch(/^[=+\-@\t\r\n]/);
        if (!cell.startsWith('"')) expect(cell).not.toMatch(/[",\r\n]/);
        expect(inner === text || inner === `'${text}`).toBe(true);
      }),
    );
  });
});
