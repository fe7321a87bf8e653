import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileSecrets } from '../../main/headless/fileSecrets.ts';

let parent: string;
let dataDir: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'sluice-secrets-'));
  dataDir = join(parent, 'data');
});
afterEach(() => rmSync(parent, { recursive: true }));

const keys = (name: string) => ({ accessKeyId: `id-${name}`, secretAccessKey: `secret-${name}` });

describe('typed-in keys on disk', () => {
  it('come back, are replaced and forgotten', async () => {
    const secrets = fileSecrets(dataDir);
    expect(await secrets.get('a')).toBeNull();
    await secrets.set('a', keys('1'));
    await secrets.set('a', keys('2'));
    expect(await fileSecrets(dataDir).get('a')).toEqual(keys('2'));
    await secrets.delete('a');
    expect(await fileSecrets(dataDir).get('a')).toBeNull();
  });

  it('can be read by their owner only, and so can the folder made for them', async () => {
    await fileSecrets(dataDir).set('a', keys('1'));
    expect(statSync(join(dataDir, 'secrets.json')).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  });

  it('are all kept when many are set at once, and no half-written file is left', async () => {
    const secrets = fileSecrets(dataDir);
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
    await Promise.all(names.map((name) => secrets.set(name, keys(name))));
    for (const name of names) expect(await fileSecrets(dataDir).get(name)).toEqual(keys(name));
    expect(readdirSync(dataDir)).toEqual(['secrets.json']);
  });

  it('that are damaged are neither overwritten nor quoted in the error', async () => {
    await fileSecrets(dataDir).set('a', keys('1'));
    const path = join(dataDir, 'secrets.json');
    writeFileSync(path, '{"version":1,"secrets":{"a":"hunter2"');
    const failure = await fileSecrets(dataDir)
      .set('b', keys('2'))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ledger-io' });
    expect(JSON.stringify([String(failure), (failure as Error).stack, (failure as Error).cause])).not.toContain(
      'hunter2',
    );
    expect(readFileSync(path, 'utf8')).toContain('hunter2');
  });
});
