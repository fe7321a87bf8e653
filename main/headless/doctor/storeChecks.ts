import type { StoreConnection } from '../../../shared/settings.ts';
import type { CommandHost } from '../host.ts';
import type { S3Location } from '../s3Uri.ts';
import type { Finding } from './finding.ts';

export interface StoreFindings {
  readonly findings: readonly Finding[];
  /** The IAM policy to ask for; null: nothing is missing. */
  readonly policy: string | null;
}

/** The way to the store, credentials, clock, bucket and what may be done there. Writes nothing. */
export async function checkStore(
  connection: StoreConnection,
  location: S3Location,
  host: Pick<CommandHost, 'env'>,
): Promise<StoreFindings> {
  const [{ probeStore }, { chainCredentials }, { minimalIamPolicy }] = await Promise.all([
    import('../../engine/store/probeStore.ts'),
    import('../../engine/store/credentials.ts'),
    import('../../engine/store/minimalIamPolicy.ts'),
  ]);
  const { steps } = await probeStore({ connection, credentials: chainCredentials(connection), ...location });
  const findings = steps.map(
    ({ name, ok, detail, remedy }): Finding => ({
      name,
      state: !ok ? 'wrong' : remedy === null ? 'fine' : 'note',
      detail,
      remedy,
    }),
  );
  const denied = steps.some(({ ok, remedy }) => !ok && /\bs3:\w+/.test(remedy ?? ''));
  return {
    findings: [credentialsSource(connection, host), ...findings],
    policy: denied ? minimalIamPolicy(location.bucket, location.prefix) : null,
  };
}

/** Where the chain looks first; which one answered shows in the key's last letters. */
function credentialsSource(connection: StoreConnection, { env }: Pick<CommandHost, 'env'>): Finding {
  const profile = (connection.credentials.kind === 'chain' ? connection.credentials.profile : null) ?? env.AWS_PROFILE;
  const source = profile
    ? `profile ${profile}`
    : env.AWS_ACCESS_KEY_ID
      ? 'environment (AWS_ACCESS_KEY_ID)'
      : 'default profile, SSO, container or instance metadata, in this order';
  return { name: 'Credentials from', state: 'fine', detail: source, remedy: null };
}
