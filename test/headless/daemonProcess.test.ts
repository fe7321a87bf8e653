import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';
import { jsonLines } from './support/runInProcess.ts';
import { keysOf, runProcess, startProcess } from './support/runProcess.ts';

let root: string;
let s3: S3TestServer;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-daemon-process-'));
  s3 = await startS3Server({ dir: join(root, 's3'), buckets: ['bucket'] });
});
afterAll(async () => {
  await s3.close();
  rmSync(root, { recursive: true, force: true });
});

describe('sluice daemon', () => {
  it('keeps folders added while it runs, answers commands and /healthz, guards its address, and leaves nothing behind', async () => {
    const dataDir = join(root, 'data');
    const folder = join(root, 'folder');
    mkdirSync(folder);
    writeFileSync(join(folder, 'a.txt'), 'alpha');
    const at = ['--data-dir', dataDir];
    const daemon = startProcess(['daemon', '--port', '0', ...at], { env: keysOf(s3) });
    try {
      const [, url = '', token = ''] = await daemon.until(
        /Sluice is running: (http:\/\/127\.0\.0\.1:\d+)\/\?token=(\S+)/,
      );
      const file = join(dataDir, 'daemon.json');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
        port: Number(new URL(url).port),
        token,
        pid: daemon.child.pid,
      });
      expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ state: 'empty' });

      const added = await runProcess([
        'folder',
        'add',
        folder,
        's3://bucket/kept',
        '--endpoint-url',
        s3.endpoint,
        ...at,
      ]);
      expect(added).toMatchObject({ code: 0, stderr: '' });
      const health = await healthUntil(url, 'safe');
      expect(health).toEqual({ state: 'safe', text: 'The 1 file is safely in S3' });
      expect(String(await s3.readObject('bucket', 'kept/a.txt'))).toBe('alpha');

      const status = await runProcess(['status', '--json', ...at]);
      expect(jsonLines(status.stdout)[0]).toMatchObject({
        running: true,
        pid: daemon.child.pid,
        sentence: health,
        folders: [{ phase: 'safe' }],
      });
      expect((await runProcess(['verify', folder, ...at])).stdout).toContain('agree (1 file');
      expect((await runProcess(['folder', 'pause', folder, ...at])).code).toBe(0);
      expect((await runProcess(['status', ...at])).stdout).toContain('Paused');

      const second = await runProcess(['daemon', '--port', '0', ...at], { env: keysOf(s3) });
      expect(second).toMatchObject({ code: 2, stdout: '' });
      expect(second.stderr).toContain(`in use by sluice daemon (process ${daemon.child.pid})`);
      const taken = await runProcess(['daemon', '--port', new URL(url).port, '--data-dir', join(root, 'other')]);
      expect(taken.code).toBe(2);
      expect(taken.stderr).toContain('is taken by another program');

      daemon.child.kill('SIGTERM');
      const end = await daemon.ended;
      expect(end.code).toBe(0);
      expect(() => statSync(file)).toThrow('ENOENT');
      for (const line of jsonLines(end.stderr))
        expect(line).toMatchObject({ level: expect.any(String), time: expect.any(String) });
      expect(end.stderr).not.toContain(token);
      expect(end.stderr).not.toContain(s3.secretAccessKey);
    } finally {
      daemon.child.kill('SIGKILL');
    }
  });

  it('an address left behind by a killed daemon misleads nobody', async () => {
    const dataDir = join(root, 'killed');
    const daemon = startProcess(['daemon', '--port', '0', '--data-dir', dataDir], { env: keysOf(s3) });
    await daemon.until(/Sluice is running/);
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    expect(statSync(join(dataDir, 'daemon.json')).isFile()).toBe(true);
    const status = await runProcess(['status', '--data-dir', dataDir]);
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(status.stdout).toContain('No Sluice is running here');
  });
});

async function healthUntil(url: string, state: string): Promise<unknown> {
  for (;;) {
    const health = (await (await fetch(`${url}/healthz`)).json()) as { state: string };
    if (health.state === state) return health;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
