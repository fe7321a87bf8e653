import type { ProviderName, ProviderProfile } from '../capabilities.ts';
import { aws } from './aws.ts';
import { b2 } from './b2.ts';
import { ceph } from './ceph.ts';
import { generic } from './generic.ts';
import { minio } from './minio.ts';
import { r2 } from './r2.ts';
import { versitygw } from './versitygw.ts';
import { wasabi } from './wasabi.ts';

const profiles: Readonly<Record<ProviderName, ProviderProfile>> = {
  ...{ aws, minio, r2, b2, wasabi, ceph, versitygw, generic },
};

export const profileOf = (name: ProviderName): ProviderProfile => profiles[name];

/** By the endpoint's host (null: AWS itself); null where the host tells nothing. */
export function providerOfHost(host: string | null): ProviderName | null {
  if (host === null) return 'aws';
  return named(({ host: pattern }) => pattern?.test(host) === true);
}

/** By the headers of any answer, names in lower case; null where they tell nothing. */
export function providerOfAnswer(headers: Readonly<Record<string, string | undefined>>): ProviderName | null {
  const { server } = headers;
  if (server === undefined) return headers['x-rgw-object-type'] === undefined ? null : 'ceph';
  return named(({ server: pattern }) => pattern?.test(server) === true);
}

const named = (fits: (profile: ProviderProfile) => boolean): ProviderName | null =>
  Object.values(profiles).find(fits)?.name ?? null;
