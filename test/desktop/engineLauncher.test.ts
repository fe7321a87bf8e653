import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chooseLauncher, createEngineLauncher } from '../../main/desktop/engineLauncher.ts';
import { createEngineSupervisor, type EngineSupervisor } from '../../main/desktop/engineSupervisor.ts';

vi.mock('electron', () => import('../support/fakeElectron/electron.ts'));

const entry = fileURLToPath(new URL('./support/fixtureEngineProcess.ts', import.meta.url));
const noSecrets = { get: async () => null, set: async () => {}, delete: async () => {} };

let folder = '';
let supervisor: EngineSupervisor | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-launcher-'));
});
afterEach(async () => {
  await supervisor?.stop(0);
  supervisor = undefined;
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});
const supervise = (binary: string) => {
  const launcher = createEngineLauncher(entry, { nodeVersion: process.versions.node, engineNode: binary });
  supervisor = createEngineSupervisor({
    launcher,
    secrets: noSecrets,
    dataDir: folder,
    version: '1',
    report: () => {},
  });
  supervisor.start();
  return supervisor;
};
const pid = () =>
  existsSync(join(folder, 'engine.pid')) ? Number(readFileSync(join(folder, 'engine.pid'), 'utf8')) : 0;
const alive = (id: number) => {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
};

describe('which Node runs the engine', () => {
  it("the runtime's own when it is new enough, another one otherwise or when named", () => {
    expect(chooseLauncher({ nodeVersion: '24.9.0', engineNode: undefined })).toEqual({ kind: 'utility' });
    expect(chooseLauncher({ nodeVersion: '18.15.0', engineNode: undefined })).toEqual({ kind: 'node', binary: 'node' });
    expect(chooseLauncher({ nodeVersion: '24.9.0', engineNode: '/opt/node' })).toEqual({
      kind: 'node',
      binary: '/opt/node',
    });
  });
});

describe('the engine in a Node process of its own', () => {
  it('answers, is started again when killed, and checkpoints when stopped', async () => {
    const { api, status, stop } = supervise(process.execPath);
    expect(await api.snapshot({})).toMatchObject({ sentence: { state: 'safe' } });
    expect((await api.settings({})).maxConnections).toBe(100);
    const first = pid();
    expect(first).not.toBe(process.pid);
    process.kill(first, 'SIGKILL');
    await vi.waitFor(() => expect(status().kind).toBe('restarting'), 10_000);
    await expect(api.settings({})).rejects.toThrow('The engine is not running');
    await vi.waitFor(() => expect(status().kind).toBe('running'), 20_000);
    expect(pid()).not.toBe(first);
    expect((await api.settings({})).maxConnections).toBe(100);
    await stop(1_000);
    expect(existsSync(join(folder, 'checkpoint'))).toBe(true);
    expect(alive(pid())).toBe(false);
  });

  it('a Node that is not there is a crash with a reason, not an exception', async () => {
    const { api } = supervise(join(folder, 'no-such-node'));
    expect(await api.snapshot({})).toMatchObject({
      sentence: { state: 'error', text: expect.stringContaining('exit code 127') },
    });
  });

  it('checkpoints and ends by itself when the main process is gone', async () => {
    const script = `
      const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, [${JSON.stringify(entry)}], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      child.send({ kind: 'start', dataDir: ${JSON.stringify(folder)}, version: '1' });`;
    const main: ChildProcess = spawn(process.execPath, ['-e', script], { stdio: 'inherit' });
    await vi.waitFor(() => expect(pid()).toBeGreaterThan(0), 20_000);
    const engine = pid();
    main.kill('SIGKILL');
    await vi.waitFor(() => expect(alive(engine)).toBe(false), 20_000);
    expect(readFileSync(join(folder, 'checkpoint'), 'utf8')).toBe(String(engine));
  });
});
