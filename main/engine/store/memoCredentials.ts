import type { CredentialsProvider, StoreCredentials } from './store.ts';

/** Asked for again this long before they expire: a part in flight must not outlive them. */
export const renewBeforeMs = 5 * 60_000;
/** Keys without an expiry are read again after a while: somebody may have signed in with others. */
const undatedMs = 60_000;

/** One question at a time, its answer kept until 5 minutes before it expires. Errors are not kept. */
export function memoCredentials(ask: CredentialsProvider, now: () => number = Date.now): CredentialsProvider {
  let held: StoreCredentials | undefined;
  let goodUntil = 0;
  let asking: Promise<StoreCredentials> | undefined;
  return () => {
    if (held !== undefined && now() < goodUntil) return Promise.resolve(held);
    asking ??= ask()
      .then((credentials) => {
        held = credentials;
        goodUntil = credentials.expiration ? credentials.expiration.getTime() - renewBeforeMs : now() + undatedMs;
        return credentials;
      })
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
}
