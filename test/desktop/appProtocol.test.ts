import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  contentSecurityPolicy,
  declareAppProtocol,
  isAppUrl,
  localPath,
  serveAppProtocol,
} from '../../main/desktop/appProtocol.ts';
import { resetElectron, world } from '../support/fakeElectron/world.ts';

vi.mock('electron', () => import('../support/fakeElectron/electron.ts'));

let folder = '';
const fetchApp = async (url: string, init?: RequestInit): Promise<Response> => {
  const handler = world.protocolHandlers.get('app');
  if (!handler) throw new Error('app:// is not served');
  return await handler(new Request(url, init));
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-protocol-'));
  mkdirSync(join(folder, 'renderer/assets'), { recursive: true });
  mkdirSync(join(folder, 'renderer-secret'));
  writeFileSync(join(folder, 'renderer/index.html'), '<!doctype html>');
  writeFileSync(join(folder, 'renderer/assets/index.js'), 'export {}');
  writeFileSync(join(folder, 'renderer/assets/a b.svg'), '<svg/>');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(folder, 'renderer-secret/secret.txt'), 'secret');
  symlinkSync(join(folder, 'secret.txt'), join(folder, 'renderer/link.txt'));
  resetElectron();
  declareAppProtocol();
  world.ready = true;
  serveAppProtocol(join(folder, 'renderer'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('app://sluice', () => {
  it('is a standard and secure scheme', () => {
    expect(world.privilegedSchemes).toMatchObject([{ scheme: 'app', privileges: { standard: true, secure: true } }]);
    expect(world.privilegedSchemes[0]?.privileges).not.toHaveProperty('bypassCSP');
  });

  it.each([
    ['app://sluice/', 'text/html; charset=utf-8'],
    ['app://sluice/index.html#/issues', 'text/html; charset=utf-8'],
    ['app://sluice/assets/index.js?v=1', 'text/javascript; charset=utf-8'],
    ['app://sluice/assets/a%20b.svg', 'image/svg+xml'],
  ])('serves %s with its type and the policy', async (url, type) => {
    const response = await fetchApp(url);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('content-security-policy')).toBe(contentSecurityPolicy);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('allows nothing inline, nothing evaluated, nothing from elsewhere', () => {
    expect(contentSecurityPolicy).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
  });

  it.each([
    'app://sluice/../secret.txt',
    'app://sluice/..%2fsecret.txt',
    'app://sluice/%2e%2e/secret.txt',
    'app://sluice/assets/..%2f..%2fsecret.txt',
    'app://sluice/..%2frenderer-secret/secret.txt',
    'app://sluice/..%5csecret.txt',
    'app://sluice/%252e%252e%252fsecret.txt',
    'app://sluice/index.html%00.js',
    'app://sluice/C:/secret.txt',
    'app://sluice/index.html::$DATA',
    'app://sluice/%',
    'app://sluice/link.txt',
    'app://sluice/assets',
    'app://sluice/assets/',
    'app://sluice/absent.js',
    'app://elsewhere/index.html',
  ])('refuses %s', async (url) => {
    const response = await fetchApp(url);
    expect(response.status).toBe(404);
    expect(await response.text()).toBe('');
  });

  it('refuses every path that leads out, however it is written', async () => {
    const root = join(folder, 'renderer');
    for (const path of [
      '/../secret.txt',
      '/assets/../../secret.txt',
      '/..%2Fsecret.txt',
      `/${folder}/secret.txt`,
      '//etc/passwd',
      '/..',
    ]) {
      expect(await localPath(root, path), path).toBe(null);
    }
    expect(await localPath(root, '/assets/../index.html')).toMatch(/index\.html$/);
  });

  it('answers reading only', async () => {
    expect((await fetchApp('app://sluice/index.html', { method: 'POST', body: 'x' })).status).toBe(405);
    expect((await fetchApp('app://sluice/index.html', { method: 'HEAD' })).status).toBe(200);
  });

  it('its own page is told from look-alikes', () => {
    expect(['app://sluice/', 'app://sluice/index.html?x#y'].map(isAppUrl)).toEqual([true, true]);
    const others = [
      'app://sluice:1/',
      'app://x@sluice/',
      'app://sluice.x/',
      'APP2://sluice/',
      'about:blank',
      '',
      'app:sluice',
    ];
    expect(others.filter(isAppUrl)).toEqual([]);
  });
});
