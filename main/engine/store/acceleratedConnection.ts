import type { StoreConnection } from '../../../shared/settings.ts';
import { resolveEndpoint } from './endpoint.ts';

/**
 * The same bucket over its accelerated endpoint: `bucket.s3-accelerate.amazonaws.com`, signed for the bucket's region; null where the store has none. Only requests with a body go there: creating,
 * completing and looking have nothing to gain.
 */
export function acceleratedConnection(
  connection: StoreConnection,
  region: string | null,
  dualStack: boolean,
): StoreConnection | null {
  if (connection.accelerateUrl !== undefined) return { ...connection, endpointUrl: connection.accelerateUrl };
  if (!mayAccelerate(connection)) return null;
  const stack = dualStack ? '.dualstack' : '';
  return {
    ...connection,
    endpointUrl: `https://s3-accelerate${stack}.amazonaws.com`,
    region: connection.region ?? region,
    pathStyle: false,
  };
}

/** AWS itself, named or not: no other store has acceleration. FIPS endpoints and path style exclude it. */
export function mayAccelerate(connection: StoreConnection): boolean {
  if (connection.accelerateUrl !== undefined) return true;
  if (connection.pathStyle || process.env.AWS_USE_FIPS_ENDPOINT === 'true') return false;
  const { host } = resolveEndpoint(connection);
  return host === null || /^s3([.-][a-z0-9-]+)?\.amazonaws\.com$/.test(host);
}
