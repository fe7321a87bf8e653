import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSecretVault } from '../../main/desktop/secretVault.ts';
import { setKeychain } from '../support/fakeElectron/electron.ts';
import { resetElectron } from '../support/fakeElectron/world.ts';

vi.mock('electron', () => import('../support/fakeElectron/electron.ts'));

const keys = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'hush/hush' };
let folder = '';
let path = '';
const accept = vi.fn(async () => false);
const vault = () => createSecretVault({ path, acceptPlainText: accept });

beforeEach(() => {
  resetElectron();
  accept.mockClear();
  folder = mkdtempSync(join(tmpdir(), 'sluice-vault-'));
  path = join(folder, 'deep/keys.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['async', 'sync'] as const)('the secret vault on a runtime with the %s keychain calls', (kind) => {
  beforeEach(() => setKeychain({ kind }));

  it('gives back what it was given, also to the next start, and null for what it never had', async () => {
    await vault().set('a', keys);
    expect(await vault().get('a')).toEqual(keys);
    expect(await vault().get('b')).toBe(null);
  });

  it('writes ciphertext only, for the user only', async () => {
    await vault().set('a', keys);
    const written = readFileSync(path, 'utf8');
    expect(written).not.toContain('hush');
    expect(
      Buffer.from(Object.values(JSON.parse(written) as object)[0] as string, 'base64').toString('latin1'),
    ).not.toContain('hush');
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('loses nothing when many keys come at once', async () => {
    const one = vault();
    await Promise.all(Array.from({ length: 20 }, (_, i) => one.set(`ref${i}`, { ...keys, accessKeyId: String(i) })));
    await one.delete('ref3');
    expect(await one.get('ref19')).toMatchObject({ accessKeyId: '19' });
    expect(await one.get('ref3')).toBe(null);
  });

  it('refuses when there is no keychain, and writes nothing', async () => {
    setKeychain({ available: false });
    await expect(vault().set('a', keys)).rejects.toMatchObject({ code: 'keychain-unavailable' });
    expect(() => statSync(path)).toThrow();
  });

  it.runIf(process.platform === 'linux')(
    'refuses the backend that only pretends, unless the user accepted it',
    async () => {
      setKeychain({ backend: 'basic_text' });
      await expect(vault().set('a', keys)).rejects.toMatchObject({
        code: 'keychain-unavailable',
        details: { remedy: expect.stringContaining('GNOME Keyring') },
      });
      accept.mockResolvedValueOnce(true);
      await vault().set('a', keys);
      expect(await vault().get('a')).toEqual(keys);
    },
  );

  it('says so when the keychain was reset, instead of forgetting the keys', async () => {
    await vault().set('a', keys);
    setKeychain({ available: false });
    await expect(vault().get('a')).rejects.toMatchObject({ code: 'keychain-unavailable' });
    setKeychain({ available: true });
    expect(await vault().get('a')).toEqual(keys);
  });

  it('a damaged file is an error, never an empty vault that is written over', async () => {
    await vault().set('a', keys);
    writeFileSync(path, '{"a":');
    await expect(vault().set('b', keys)).rejects.toMatchObject({ code: 'keychain-unavailable' });
    expect(readFileSync(path, 'utf8')).toBe('{"a":');
  });
});

it('keys are encrypted again after the keychain rotated its own', async () => {
  await vault().set('a', keys);
  const before = statSync(path, { bigint: true }).ino;
  setKeychain({ rotated: true });
  expect(await vault().get('a')).toEqual(keys);
  expect(statSync(path, { bigint: true }).ino).not.toBe(before);
});
