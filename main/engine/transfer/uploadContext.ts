import type { EngineSettings } from '../../../shared/settings.ts';
import type { Endpoint } from '../endpointBook.ts';
import type { RunMetrics } from '../insight/runMetrics.ts';
import type { FolderRow, Ledger, Proof } from '../ledger/ledger.ts';
import type { Clock, Random } from '../ports.ts';
import type { Checksum, Store } from '../store/store.ts';
import type { BucketAcceleration } from './acceleratedRoute.ts';
import type { EncryptionCheck } from './encryptionCheck.ts';
import type { SendPool } from './sendPool.ts';
import type { StoreKey } from './sendProtocol.ts';
import type { Slots } from './slots.ts';
import type { StoreFlow } from './storeFlow.ts';
import type { StoreHealth } from './storeHealth.ts';

/** What the coordinators of one folder's uploads work with. */
export interface UploadContext {
  readonly folder: FolderRow;
  readonly storeKey: StoreKey;
  /** For requests without a body, on the control thread. */
  readonly store: Store;
  readonly ledger: Ledger;
  readonly pool: SendPool;
  readonly slots: Slots;
  readonly flow: StoreFlow;
  readonly health: StoreHealth;
  /** What this store can do, as known and learnt. */
  readonly endpoint: Endpoint;
  /** `sluice-origin` of what this folder writes. */
  readonly origin: string;
  readonly encryption: EncryptionCheck;
  readonly copying: Copying;
  /** null: this store has no accelerated endpoint. */
  readonly acceleration: BucketAcceleration | null;
  readonly metrics: RunMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: () => EngineSettings;
}

export interface Copying {
  /** Up to here by CopyObject, beyond by UploadPartCopy. */
  readonly objectLimitBytes: number;
  /** The store, or these keys, may not copy: asked once a run, not for each of a million files. */
  refused: boolean;
}

/** What a coordinator brings back when the bucket holds the file. */
export interface Uploaded {
  readonly proof: Proof;
  /** `skip`: the bytes were there already. */
  readonly action: 'put' | 'multipart' | 'copy' | 'skip';
  readonly parts: number;
  /** The ledger has the proof already (multipart: in one transaction with the end of the upload). */
  readonly recorded: boolean;
  /** It changed while it was being completed: proven is the file as it was. */
  readonly sourceChanged?: boolean;
  /** The encryption that HeadObject named, null: none; absent: it wasn't asked. */
  readonly sse?: string | null;
}

/** `crc32:base64`; a composite says over which parts: `sha256:base64-80@134217728`. */
export const checksumText = ({ algorithm, value }: Checksum, partSizeBytes?: number): string =>
  isComposite(value) && partSizeBytes !== undefined
    ? `${algorithm}:${value}@${partSizeBytes}`
    : `${algorithm}:${value}`;

/** A checksum of the parts' checksums. */
export const isComposite = (value: string): boolean => /-\d+$/.test(value);
