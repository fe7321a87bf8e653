import type { StoreCredentials } from './store.ts';

/**
 * The first link of the AWS chain, without loading the SDK's (100 ms of every start): keys in the environment count unless AWS_PROFILE names a profile. null: go on along
 * the chain. Read anew at each call, as the SDK's own does.
 */
export function environmentKeys(
  env: Readonly<Record<string, string | undefined>> = process.env,
): StoreCredentials | null {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION, AWS_PROFILE } = env;
  if (AWS_PROFILE || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return null;
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
    ...(AWS_CREDENTIAL_EXPIRATION && { expiration: new Date(AWS_CREDENTIAL_EXPIRATION) }),
  };
}
