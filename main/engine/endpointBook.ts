import { z } from 'zod';
import { ChecksumAlgorithm, type StoreConnection } from '../../shared/settings.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Clock } from './ports.ts';
import { type Capabilities, capabilitiesOf, type Learnt, type ProviderName } from './store/capabilities.ts';
import { resolveEndpoint } from './store/endpoint.ts';
import { profileOf, providerOfHost } from './store/providers/detectProvider.ts';
import type { ChecksumPlacement } from './store/store.ts';

/** What is known of one endpoint, and kept for 30 days of what its answers teach. */
export interface Endpoint {
  capabilities(): Capabilities;
  learn(fact: Learnt): void;
  /** By the headers of an answer; null: they told nothing. */
  recognised(provider: ProviderName | null): void;
  /** The store doesn't take this one; false: there is no other to try. */
  refuseChecksum(algorithm: ChecksumAlgorithm): boolean;
  /** Bodies that are objects at once: only what is certain. */
  placement(): ChecksumPlacement;
  /** For a part, which is no object yet: one at a time may find out whether trailers work. Each is told of with `partStored` or `partFailed`. */
  partPlacement(): PartPlacement;
  /** `confirmed`: the store repeated our checksum. false: it must be sent again, since nobody knows what the store made of the trailer. */
  partStored(part: PartPlacement, confirmed: boolean): boolean;
  /** `refused`: by the store, for what may be the trailer. */
  partFailed(part: PartPlacement, refused: boolean): void;
}

export interface PartPlacement {
  readonly placement: ChecksumPlacement;
  readonly explores: boolean;
}

/** The endpoints that this engine talks to. */
export interface EndpointBook {
  of(connection: StoreConnection): Endpoint;
}

const keptMs = 30 * 24 * 3_600_000;

const Stored = z.object({
  at: z.number(),
  provider: z.enum(['aws', 'minio', 'r2', 'b2', 'wasabi', 'ceph', 'versitygw', 'generic']).optional(),
  trailers: z.boolean().optional(),
  conditionalPut: z.boolean().optional(),
  conditionalComplete: z.boolean().optional(),
  refusedChecksums: z.array(ChecksumAlgorithm).optional(),
});

export function createEndpointBook(
  ledger: Pick<Ledger, 'setting' | 'setSetting'>,
  clock: Pick<Clock, 'now'>,
): EndpointBook {
  const endpoints = new Map<string, Endpoint>();
  return {
    of: (connection) => {
      const { url, host, signsPayload } = resolveEndpoint(connection);
      const key = `endpoint:${url ?? 'aws'}`;
      let endpoint = endpoints.get(key);
      if (!endpoint) {
        endpoint = openEndpoint({ ledger, clock, key, host, signsPayload });
        endpoints.set(key, endpoint);
      }
      return endpoint;
    },
  };
}

interface OpenEndpoint {
  readonly ledger: Pick<Ledger, 'setting' | 'setSetting'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly key: string;
  readonly host: string | null;
  readonly signsPayload: boolean;
}

const inHeader: PartPlacement = { placement: 'header', explores: false };
const inTrailer: PartPlacement = { placement: 'trailer', explores: false };
const exploring: PartPlacement = { placement: 'trailer', explores: true };

function openEndpoint({ ledger, clock, key, host, signsPayload }: OpenEndpoint): Endpoint {
  let learnt = readLearnt(ledger.setting(key), clock.now());
  /** Where trailers are to be learnt: a header must have been confirmed first, and one part at a time tries. */
  let headerConfirmed = false;
  let isExploring = false;

  const known = (): Capabilities =>
    capabilitiesOf(profileOf(providerOfHost(host) ?? learnt.provider ?? 'generic'), learnt);
  let current = known();
  const capabilities = (): Capabilities => current;
  const learn = (fact: Learnt): void => {
    const changes = Object.entries(fact).some(([name, value]) => learnt[name as keyof Learnt] !== value);
    if (!changes) return;
    learnt = { ...learnt, ...fact };
    current = known();
    ledger.setSetting(key, { at: clock.now(), ...learnt });
  };
  const trailers = (): boolean | 'learn' => (signsPayload ? false : capabilities().trailers);

  return {
    capabilities,
    learn,
    recognised: (provider) => {
      if (provider !== null && providerOfHost(host) === null) learn({ provider });
    },
    refuseChecksum: (algorithm) => {
      const { checksums } = capabilities();
      if (!checksums.some((other) => other !== algorithm)) return false;
      learn({ refusedChecksums: [...(learnt.refusedChecksums ?? []), algorithm] });
      return true;
    },
    placement: () => (trailers() === true ? 'trailer' : 'header'),
    partPlacement: () => {
      const known = trailers();
      if (known === true) return inTrailer;
      if (known === false || !headerConfirmed || isExploring) return inHeader;
      isExploring = true;
      return exploring;
    },
    partStored: ({ placement, explores }, confirmed) => {
      if (placement === 'header') {
        headerConfirmed ||= confirmed;
        return true;
      }
      if (explores) isExploring = false;
      if (explores || !confirmed) learn({ trailers: confirmed });
      return confirmed;
    },
    partFailed: ({ explores }, refused) => {
      if (explores) isExploring = false;
      if (refused) learn({ trailers: false });
    },
  };
}

/** What can't be read, or is too old, is learnt anew. */
function readLearnt(stored: unknown, nowMs: number): Learnt {
  const parsed = Stored.safeParse(stored);
  if (!parsed.success || nowMs - parsed.data.at > keptMs) return {};
  const { at: _, ...learnt } = parsed.data;
  return learnt;
}
