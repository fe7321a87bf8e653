import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startProcess } from './support/runProcess.ts';

const place = mkdtempSync(join(tmpdir(), 'sluice-why-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

const run = (...args: string[]) => startProcess([...args, '--data-dir', join(place, 'data')]).ended;

describe('sluice folder why', () => {
  it('names the rule of the pair that a path is in, and refuses one that is in none', { timeout: 60_000 }, async () => {
    const folder = join(place, 'kept');
    mkdirSync(join(folder, 'web/node_modules'), { recursive: true });
    writeFileSync(join(folder, 'web/node_modules/a.js'), '');
    writeFileSync(join(folder, 'a.js'), '');
    const target = ['s3://bucket/p', '--endpoint-url', 'http://127.0.0.1:9', '--ignore-preset', 'node-modules'];
    expect(await run('folder', 'add', folder, ...target)).toMatchObject({ code: 0 });
    const left = await run('folder', 'why', join(folder, 'web/node_modules/a.js'), '--json');
    expect(JSON.parse(left.stdout)).toMatchObject({
      type: 'why',
      path: 'web/node_modules/a.js',
      kind: 'left-out',
      reason: expect.stringContaining('preset node-modules'),
    });
    const taken = await run('folder', 'why', join(folder, 'a.js'));
    expect(taken).toMatchObject({ code: 0, stdout: expect.stringContaining('uploaded: No rule leaves it out.') });
    expect(await run('folder', 'why', place)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is in no folder pair'),
    });
    const mixed = ['--ignore-preset', 'none', '--ignore-preset', 'vcs'];
    expect(await run('folder', 'add', folder, 's3://bucket/q', ...mixed)).toMatchObject({ code: 2 });
  });
});
