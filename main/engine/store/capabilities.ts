import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import { formatBytes } from '../../../shared/units.ts';

export type ProviderName = 'aws' | 'minio' | 'r2' | 'b2' | 'wasabi' | 'ceph' | 'versitygw' | 'generic';

/** What is known of a kind of store before the first request. */
export interface ProviderProfile {
  readonly name: ProviderName;
  readonly title: string;
  /** Of its endpoints; null: runs anywhere. */
  readonly host: RegExp | null;
  /** Of the `Server` header of its answers; null: it has none of its own. */
  readonly server: RegExp | null;
  /** That it verifies and keeps, best first. */
  readonly checksums: readonly [ChecksumAlgorithm, ...ChecksumAlgorithm[]];
  /** Of those, the ones it keeps as one value over all parts; of the others it keeps a checksum of checksums. */
  readonly fullObject: readonly ChecksumAlgorithm[];
  /** `learn`: tried with one part once a checksum in the header was confirmed. */
  readonly trailers: boolean | 'learn';
  /** `If-None-Match: *` and `If-Match` on PutObject, and on CompleteMultipartUpload. A store that ignores them loses nothing by being sent them: only a refusal is `false`. */
  readonly conditionalPut: boolean;
  readonly conditionalComplete: boolean;
  /** `x-amz-mp-object-size` on Complete. */
  readonly objectSizeAtComplete: boolean;
  readonly maxObjectBytes: number;
  /** The bucket has to be in the path. */
  readonly needsPathStyle: boolean;
  /** Sentences, for `doctor`. */
  readonly quirks: readonly string[];
}

/** What answers have taught of one endpoint. */
export interface Learnt {
  readonly provider?: ProviderName | undefined;
  readonly trailers?: boolean | undefined;
  readonly conditionalPut?: boolean | undefined;
  readonly conditionalComplete?: boolean | undefined;
  readonly refusedChecksums?: readonly ChecksumAlgorithm[] | undefined;
}

/** What may be asked of a store. */
export interface Capabilities {
  readonly provider: ProviderName;
  readonly title: string;
  /** Never empty: without a checksum nothing is sent. */
  readonly checksums: readonly [ChecksumAlgorithm, ...ChecksumAlgorithm[]];
  readonly fullObject: readonly ChecksumAlgorithm[];
  readonly trailers: boolean | 'learn';
  readonly conditionalPut: boolean;
  readonly conditionalComplete: boolean;
  readonly objectSizeAtComplete: boolean;
  readonly maxObjectBytes: number;
  readonly needsPathStyle: boolean;
  readonly quirks: readonly string[];
}

/** What was learnt goes before what was thought. Pure. */
export function capabilitiesOf(profile: ProviderProfile, learnt: Learnt): Capabilities {
  const refused = new Set(learnt.refusedChecksums ?? []);
  const [first, ...rest] = profile.checksums.filter((algorithm) => !refused.has(algorithm));
  return {
    provider: profile.name,
    title: profile.title,
    checksums: first === undefined ? profile.checksums : [first, ...rest],
    fullObject: profile.fullObject,
    trailers: learnt.trailers ?? profile.trailers,
    conditionalPut: learnt.conditionalPut ?? profile.conditionalPut,
    conditionalComplete: learnt.conditionalComplete ?? profile.conditionalComplete,
    objectSizeAtComplete: profile.objectSizeAtComplete,
    maxObjectBytes: profile.maxObjectBytes,
    needsPathStyle: profile.needsPathStyle,
    quirks: profile.quirks,
  };
}

/** `auto`: the best that the store keeps; what the user ordered is sent even where it may be refused. */
export function checksumFor(setting: 'auto' | ChecksumAlgorithm, { checksums }: Capabilities): ChecksumAlgorithm {
  return setting === 'auto' ? checksums[0] : setting;
}

/**
 * Of the parts of a large file: CRC32C where the store has it and the machine a native one, which takes a fifth of what zlib's CRC32 does (engine-facts: 25 against 4.8 GiB/s) and
 * finds as much.
 */
export function partChecksumFor(
  setting: 'auto' | ChecksumAlgorithm,
  capabilities: Capabilities,
  machine: { readonly hasNativeCrc32c: boolean },
): ChecksumAlgorithm {
  const isFast = setting === 'auto' && machine.hasNativeCrc32c && capabilities.checksums.includes('crc32c');
  return isFast ? 'crc32c' : checksumFor(setting, capabilities);
}

/** For people: what is known of the store, without having asked it. */
export function capabilitiesText(store: Capabilities): string {
  const { title, checksums, fullObject, trailers, quirks } = store;
  const whole = fullObject.length === 0 ? 'over parts only' : `whole-object ${fullObject.join(', ')}`;
  const conditional = store.conditionalPut
    ? store.conditionalComplete
      ? 'conditional writes'
      : 'conditional writes except of multipart uploads'
    : 'no conditional writes';
  const trailing = {
    true: 'trailing checksums',
    false: 'no trailing checksums',
    learn: 'trailing checksums if it takes them',
  };
  return [
    `${title}: checksums ${checksums.join(', ')} (${whole})`,
    conditional,
    trailing[`${trailers}`],
    `objects up to ${formatBytes(store.maxObjectBytes)}`,
  ]
    .join('; ')
    .concat(quirks.map((quirk) => `. ${quirk.replace(/\.$/, '')}`).join(''));
}
