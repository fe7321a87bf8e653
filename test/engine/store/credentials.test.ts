import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chainCredentials } from '../../../main/engine/store/credentials.ts';
import { memoCredentials } from '../../../main/engine/store/memoCredentials.ts';
import { StoreConnection } from '../../../shared/settings.ts';
import { failure } from './testStore.ts';

const connection = (profile: string | null) => StoreConnection.parse({ credentials: { kind: 'chain', profile } });

describe('the AWS chain', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'sluice-aws-'));
    mkdirSync(join(home, '.aws/sso/cache'), { recursive: true });
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
    vi.stubEnv('HOME', home);
    vi.stubEnv('USERPROFILE', home);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_CONFIG_FILE', join(home, '.aws/config'));
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(home, '.aws/credentials'));
    writeFileSync(join(home, '.aws/config'), '');
    writeFileSync(join(home, '.aws/credentials'), '');
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true });
  });

  it('takes keys from the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENV');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    expect(await chainCredentials(connection(null))()).toMatchObject({
      accessKeyId: 'AKIAENV',
      secretAccessKey: 'secret',
    });
  });

  it('a named profile wins over the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENV');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    writeFileSync(
      join(home, '.aws/credentials'),
      '[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = hidden\n',
    );
    expect(await chainCredentials(connection('work'))()).toMatchObject({ accessKeyId: 'AKIAWORK' });
  });

  it('says no-credentials when there are none, naming the profile', async () => {
    expect(await failure(chainCredentials(connection(null))())).toMatchObject({
      code: 'no-credentials',
      retryable: false,
    });
    const missing = await failure(chainCredentials(connection('nobody'))());
    expect(missing.code).toBe('no-credentials');
    expect(missing.message).toContain('nobody');
  });

  it('an expired SSO session asks to sign in again, with the command', async () => {
    writeFileSync(
      join(home, '.aws/config'),
      '[profile work]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = dev\n[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.invalid/start\n',
    );
    const cached = {
      accessToken: 'token',
      expiresAt: '2020-01-01T00:00:00Z',
      startUrl: 'https://corp.invalid/start',
      region: 'us-east-1',
    };
    const name = createHash('sha1').update('corp').digest('hex');
    writeFileSync(join(home, `.aws/sso/cache/${name}.json`), JSON.stringify(cached));
    const error = await failure(chainCredentials(connection('work'))());
    expect(error.code).toBe('expired-credentials');
    expect(error.details.remedy).toContain('aws sso login --profile work');
  });
});

describe('the memory of credentials', () => {
  const keys = (id: string, expiration?: Date) => ({
    accessKeyId: id,
    secretAccessKey: 's',
    ...(expiration && { expiration }),
  });

  it('keeps them until five minutes before they expire, and asks once for many', async () => {
    let now = 0;
    let asked = 0;
    const provider = memoCredentials(
      async () => keys(`K${++asked}`, new Date(now + 3_600_000)),
      () => now,
    );
    expect((await Promise.all([provider(), provider(), provider()])).map((one) => one.accessKeyId)).toEqual([
      'K1',
      'K1',
      'K1',
    ]);
    now = 3_299_000;
    expect((await provider()).accessKeyId).toBe('K1');
    now = 3_301_000;
    expect((await provider()).accessKeyId).toBe('K2');
  });

  it('does not keep a failure', async () => {
    let asked = 0;
    const provider = memoCredentials(async () => {
      if (++asked === 1) throw new Error('not yet');
      return keys('K');
    });
    await expect(provider()).rejects.toThrow('not yet');
    expect((await provider()).accessKeyId).toBe('K');
  });
});
