import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { jsonLines, runInProcess } from './support/runInProcess.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-policy-'));
});
afterEach(() => rm(dir, { recursive: true }));

const check = async (text: string, ...flags: string[]) => {
  const file = join(dir, 'policy.json');
  await writeFile(file, text);
  return runInProcess(['policy', 'check', file, ...flags]);
};

it('policy check prints every lock with its reason', async () => {
  const text = JSON.stringify({
    version: 1,
    settings: { maxConnections: { value: 20, reason: 'shared line' } },
    buckets: { allow: ['corp-*'], reason: 'residency' },
  });
  const { code, stdout } = await check(text);
  expect(code).toBe(0);
  expect(stdout).toContain('maxConnections is 20 (shared line)');
  expect(stdout).toContain('Buckets: corp-* (residency)');
  const json = await check(text, '--json');
  expect(jsonLines(json.stdout)).toMatchObject([
    { type: 'policy', ok: true, locks: [{ setting: 'maxConnections' }, {}] },
  ]);
});

it('doctor says that the policy forbids the bucket, not that nothing is wrong', async () => {
  const file = join(dir, 'policy.json');
  await writeFile(file, JSON.stringify({ version: 1, buckets: { allow: ['corp-*'], reason: 'residency' } }));
  const args = ['doctor', 's3://mine', '--endpoint-url', 'http://127.0.0.1:9', '--data-dir', dir];
  const { code, stdout } = await runInProcess(args, { env: { SLUICE_POLICY_FILE: file } });
  expect(stdout).toContain('WRONG  Admin policy: The bucket mine is not one of corp-* (residency)');
  expect(stdout).not.toContain('Nothing is wrong');
  expect(code).toBe(2);
  await writeFile(file, '{');
  const broken = await runInProcess(['doctor', '--data-dir', dir], { env: { SLUICE_POLICY_FILE: file } });
  expect(broken.stdout).toContain('WRONG  Admin policy: ');
});

it('policy check names the place of every problem and ends with 2', async () => {
  const text = '{"version":1,"settings":{"maxConnections":{"value":900}},"tls":{"minimum":"1.1"}}';
  const { code, stderr } = await check(text);
  expect(code).toBe(2);
  expect(stderr).toContain('settings.maxConnections.value: ');
  expect(stderr).toContain('tls.minimum: ');
  const json = await check(text, '--json');
  expect(json.code).toBe(2);
  expect(jsonLines(json.stdout)[0]).toMatchObject({
    ok: false,
    problems: [{ path: 'settings.maxConnections.value' }, {}],
  });
  expect(await runInProcess(['policy', 'check', join(dir, 'nowhere')])).toMatchObject({ code: 2 });
});
