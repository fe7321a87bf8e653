import { SluiceError } from '../../../shared/errors.ts';
import type { StoreConnection } from '../../../shared/settings.ts';
import { environmentKeys } from './environmentKeys.ts';
import { memoCredentials } from './memoCredentials.ts';
import type { CredentialsProvider, StoreCredentials } from './store.ts';
import { storeError } from './storeError.ts';

/**
 * The standard AWS chain: environment, profiles, SSO, processes, web identity, IMDS. The SDK's part is loaded at the first call.
 * Throws `no-credentials` or `expired-credentials`, and `bad-settings` when the connection has typed keys.
 */
export function chainCredentials(connection: StoreConnection): CredentialsProvider {
  const source = connection.credentials;
  if (source.kind !== 'chain') {
    throw new SluiceError('bad-settings', 'This connection signs in with keys of its own, not with the AWS chain');
  }
  const { profile } = source;
  const place = { endpoint: connection.endpointUrl ?? 'AWS S3', bucket: null, profile };
  let chain: CredentialsProvider | undefined;
  return memoCredentials(async () => {
    try {
      const fromEnvironment = profile === null ? environmentKeys() : null;
      if (fromEnvironment) return fromEnvironment;
      chain ??= await loadChain(profile);
      return await chain();
    } catch (thrown) {
      throw signInError(storeError(thrown, 'sign-in', place), profile);
    }
  });
}

async function loadChain(profile: string | null): Promise<CredentialsProvider> {
  const { fromIni, fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  // ignoreCache: whoever signs in again while we run changes the files
  const options = { ignoreCache: true, logger: silent };
  // a profile asked for by name never falls through to keys of somebody else (the chain would go on to the machine's role)
  const provider = profile === null ? fromNodeProviderChain(options) : fromIni({ ...options, profile });
  return provider as () => Promise<StoreCredentials>;
}

const nothing = () => undefined;
const silent = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

/** What the chain throws is about signing in, whatever its class; but no network is no network. */
function signInError(error: SluiceError, profile: string | null): SluiceError {
  if (error.code === 'expired-credentials' || error.retryable) return error;
  if (profile === null) {
    return new SluiceError('no-credentials', 'No AWS credentials were found on this machine', { cause: error });
  }
  return new SluiceError('no-credentials', `Profile ${profile} gives no credentials`, {
    cause: error,
    remedy: `Check profile ${profile} in ~/.aws/config, or sign in: aws configure --profile ${profile}.`,
  });
}
