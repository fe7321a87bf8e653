import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { environmentKeys } from '../../../main/engine/store/environmentKeys.ts';

const keys = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };

afterEach(() => vi.unstubAllEnvs());

describe('keys in the environment, read without the SDK', () => {
  it.each([
    ['plain', keys],
    [
      'with a session that ends',
      { ...keys, AWS_SESSION_TOKEN: 'token', AWS_CREDENTIAL_EXPIRATION: '2030-01-01T00:00:00Z' },
    ],
    ['with empty extras', { ...keys, AWS_SESSION_TOKEN: '', AWS_CREDENTIAL_EXPIRATION: '', AWS_PROFILE: '' }],
  ])('are what the SDK finds: %s', async (_name, env) => {
    for (const [name, value] of Object.entries({
      AWS_PROFILE: '',
      AWS_SESSION_TOKEN: '',
      AWS_CREDENTIAL_EXPIRATION: '',
      ...env,
    }))
      vi.stubEnv(name, value);
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await fromNodeProviderChain()();
    expect(environmentKeys()).toEqual({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken && { sessionToken }),
      ...(expiration && { expiration }),
    });
  });

  it.each([
    ['a profile is named, which the chain prefers', { ...keys, AWS_PROFILE: 'work' }],
    ['one of the two is missing', { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE' }],
    ['one of the two is empty', { ...keys, AWS_SECRET_ACCESS_KEY: '' }],
    ['there are none', {}],
  ])('are not taken when %s', (_name, env) => {
    expect(environmentKeys(env)).toBeNull();
  });
});
