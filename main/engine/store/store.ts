import type { Writable } from 'node:stream';
import type { ObjectKey, S3UploadId, UploadToken } from '../../../shared/ids.ts';
import type { AdminPolicy } from '../../../shared/policy.ts';
import type { ChecksumAlgorithm, ObjectPolicy, StoreConnection } from '../../../shared/settings.ts';
import type { ProviderName } from './capabilities.ts';
import type { OnMetered } from './meteredAs.ts';

/** Keys as the SDK wants them; asked for again when they expire. */
export interface StoreCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}
export type CredentialsProvider = () => Promise<StoreCredentials>;

export interface StoreTarget {
  readonly connection: StoreConnection;
  readonly bucket: string;
  /** The administrator's rules for it, enforced by the store itself. */
  readonly policy: AdminPolicy | undefined;
}

export interface StoreOptions {
  readonly target: StoreTarget;
  readonly credentials: CredentialsProvider;
  /** Sockets of this client's pool, 1…250. */
  readonly maxSockets: number;
  /** A request with no byte of progress either way for this long fails with `store-timeout`. */
  readonly stallTimeoutMs: number;
  /** Called once per HTTP request sent, retries of the SDK included, with S3's operation name (`PutObject`). */
  readonly onRequest: (operation: string) => void;
  /** Told of each request once it has ended; for the meter. */
  readonly onMetered?: OnMetered | undefined;
}

/** `value` is base64 of the digest, as in `x-amz-checksum-*`. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}

/**
 * Where the checksum of a body travels: before it as a header, which means reading the file twice (hash, then send), or behind it as a trailer (aws-chunked,
 * `STREAMING-UNSIGNED-PAYLOAD-TRAILER`), so that it is read once. Trailers only where the payload isn't signed and the store is known to take them.
 */
export type ChecksumPlacement = 'header' | 'trailer';

/** A body of known length. Data plane only. */
export type StoreBody =
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly checksum: Checksum; readonly sha256Hex?: string }
  /** Sent once; after an error the caller makes a new one. */
  | {
      readonly kind: 'pumped';
      readonly length: number;
      /** Writes exactly `length` bytes, each buffer reused only after its write's callback. Rejects with `source-*` or the signal's reason; never ends `destination`. */
      readonly pump: (destination: Writable) => Promise<void>;
      readonly checksum:
        | { readonly placement: 'header'; readonly checksum: Checksum }
        /** `result` is asked once, after the last byte was pumped. */
        | { readonly placement: 'trailer'; readonly algorithm: ChecksumAlgorithm; readonly result: () => Checksum };
      /** Hex SHA-256 of the payload; needed where `signsPayload` of the store is true, ignored elsewhere. */
      readonly sha256Hex?: string;
    };

/** What must hold of the key for a write to happen; else the store answers 412 (`precondition-failed`). */
export type WriteCondition =
  | { readonly kind: 'none' }
  | { readonly kind: 'if-absent' }
  | { readonly kind: 'if-match'; readonly etag: string };

/** How one request with a body went, ms. */
export interface SendTiming {
  /** DNS, TCP and TLS; 0 on a kept-alive connection. */
  readonly connectMs: number;
  /** From having a connection until the last byte of the body left for the kernel. */
  readonly bodyMs: number;
  /** From there to the first byte of the answer. */
  readonly answerMs: number;
}

export interface SentObject extends StoredObject {
  readonly timing: SendTiming;
}

export interface ObjectMetadata {
  readonly token: UploadToken;
  /** Which folder of which machine wrote it (transfer/originOf.ts): what is ours by an earlier ledger may be overwritten, what is somebody else's may not. */
  readonly origin: string;
  /** Source mtime, ms since the epoch. */
  readonly mtimeMs: number;
  readonly sizeBytes: number;
  /** The very file that was read (transfer/originOf.ts): a ledger made anew knows by it what needs no second reading. */
  readonly source?: string;
}

export interface PutObjectInput {
  readonly key: ObjectKey;
  readonly body: StoreBody;
  readonly policy: ObjectPolicy;
  readonly metadata: ObjectMetadata;
  readonly condition: WriteCondition;
  readonly signal?: AbortSignal;
}

/** What the server said it stored. `checksum` null: this store doesn't say; ask with headObject. */
export interface StoredObject {
  readonly etag: string;
  readonly checksum: Checksum | null;
  /** The encryption it named, of PutObject and CopyObject only. */
  readonly sse?: string | null;
}

export interface UploadPartInput {
  readonly key: ObjectKey;
  readonly uploadId: S3UploadId;
  readonly partNumber: number;
  readonly body: StoreBody;
  /** A connection of its own, not one from the pool: a straggler's second try must not share its fate. */
  readonly freshConnection: boolean;
  readonly signal?: AbortSignal;
}

/** An object of the same bucket, as it must be for a copy of it to count. */
export interface CopySource {
  readonly key: ObjectKey;
  readonly etag: string;
}

export interface CopyObjectInput {
  readonly source: CopySource;
  readonly key: ObjectKey;
  /** That the store is to compute of what it copied. */
  readonly algorithm: ChecksumAlgorithm;
  readonly policy: ObjectPolicy;
  readonly metadata: ObjectMetadata;
  readonly condition: WriteCondition;
}

/** What becomes of an object that is deleted; `unknown`: the store doesn't say. */
export type BucketVersioning = 'enabled' | 'suspended' | 'off' | 'unknown';

export interface ListedPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksum: Checksum | null;
}

export interface CompletedPart {
  readonly partNumber: number;
  readonly etag: string;
  readonly checksum: Checksum;
}

export interface ListedUpload {
  readonly key: ObjectKey;
  readonly uploadId: S3UploadId;
  readonly initiatedAtMs: number;
}

export interface ObjectHead {
  readonly sizeBytes: number;
  readonly etag: string;
  /** The whole object's checksum, `base64-N` when composite (`checksumType`); null when the store keeps none. */
  readonly checksum: Checksum | null;
  readonly checksumType: 'full-object' | 'composite' | null;
  readonly token: UploadToken | null;
  readonly origin: string | null;
  /** Of the file that it was read from; null: written by others, or before there was such a thing. */
  readonly source?: string | null;
  /** As the store says it, `AES256` or `aws:kms`; null: it says none. */
  readonly sse: string | null;
  readonly mtimeMs: number | null;
  readonly lastModifiedMs: number | null;
  readonly versionId: string | null;
}

/** Which bytes of an object: all, a range, or a part as it was uploaded (numbered from 1). */
export type ObjectSlice =
  | { readonly kind: 'whole' }
  | { readonly kind: 'range'; readonly offset: number; readonly length: number }
  | { readonly kind: 'part'; readonly partNumber: number };

/** What is about to come. `sizeBytes` is the whole object's; `checksum` that of what was asked for, where the store says one. */
export interface ObjectAnswer extends ObjectHead {
  readonly offset: number;
  readonly length: number;
}

export interface GetObjectInput {
  readonly key: ObjectKey;
  readonly slice: ObjectSlice;
  /** Only while it is still this object (`precondition-failed`); null: whichever there is. */
  readonly ifMatch: string | null;
  readonly signal?: AbortSignal | undefined;
  /** Once, before the first byte. What it or `write` throws fails the request. */
  readonly begin: (answer: ObjectAnswer) => void;
  /** The connection waits while a returned promise is pending: memory stays bounded by whoever writes. */
  readonly write: (chunk: Buffer) => Promise<void> | undefined;
}

/** The first part of an object that was uploaded in parts; null where it was not, or where the store doesn't say. */
export interface PartLayout {
  readonly firstPartBytes: number;
  readonly partCount: number;
}

export interface FoundBucket {
  readonly region: string | null;
  /** The kind of store, by the headers of its answer (providers/detectProvider.ts); null or absent: they don't tell. */
  readonly provider?: ProviderName | null;
}

export interface ListedObject {
  readonly key: ObjectKey;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly lastModifiedMs: number;
}

/**
 * Requests with a body, signed and sent by ourselves: the SDK spends 660 µs of CPU on each, five times what it takes (engine-facts.md). Each is sent once: retrying is
 * transfer's business. Every one carries a checksum that the server verifies. Throws SluiceError with a store code (shared/errors.ts), `operation` and, where known,
 * `httpStatus`, `s3Code`, `requestId`, `retryAfterMs`.
 */
export interface DataStore {
  readonly target: StoreTarget;
  /** Plain HTTP to another host: the payload's SHA-256 is part of the signature. TLS and loopback: it isn't. */
  readonly signsPayload: boolean;
  /** As Store's; here so that a run with nothing to send, and a worker thread, need not load the SDK. */
  headBucket(): Promise<FoundBucket>;
  headObject(key: ObjectKey): Promise<ObjectHead | null>;
  /** Sent once. Throws `no-such-key`, `object-archived`, `precondition-failed`, `store-unreachable` (cut in the middle of the body)… */
  getObject(input: GetObjectInput): Promise<void>;
  partLayout(input: { readonly key: ObjectKey; readonly ifMatch: string | null }): Promise<PartLayout | null>;
  putObject(input: PutObjectInput): Promise<SentObject>;
  uploadPart(input: UploadPartInput): Promise<SentObject>;
  close(): void;
}

/** The bucket through the SDK: all requests without a body of ours; retried by the SDK (3 attempts). Throws as DataStore does. */
export interface Store {
  readonly target: StoreTarget;
  /** Throws `no-such-bucket`, `access-denied`, `wrong-keys`, `wrong-region`, `clock-skew`, `store-*`. */
  headBucket(): Promise<FoundBucket>;
  listBuckets(): Promise<readonly string[]>;
  /** `unknown`: we may not ask. `unsupported`: this store, or this region, has none. */
  accelerationStatus(): Promise<'enabled' | 'suspended' | 'off' | 'unknown' | 'unsupported'>;
  /** Changes the bucket's configuration: only when the user asked for just that. */
  enableAcceleration(): Promise<void>;
  /** Sent once: each attempt may make an upload, and the caller must know of each. */
  createMultipartUpload(input: {
    readonly key: ObjectKey;
    readonly algorithm: ChecksumAlgorithm;
    /** What the store is to keep over all parts; full-object unless given, sha256 is composite always. */
    readonly checksumType?: 'full-object' | 'composite';
    readonly policy: ObjectPolicy;
    readonly metadata: ObjectMetadata;
  }): Promise<S3UploadId>;
  /**
   * `checksum`: of the whole object for crc32 and crc64nvme (FULL_OBJECT), null for sha256 (composite only). Throws on an error inside a 200 too. The SDK's own retry is
   * on; `no-such-upload` may mean that an earlier attempt went through: reconcile with headObject and the token.
   */
  completeMultipartUpload(input: {
    readonly key: ObjectKey;
    readonly uploadId: S3UploadId;
    readonly parts: readonly CompletedPart[];
    /** null: not told, for a store that doesn't take it. */
    readonly sizeBytes: number | null;
    readonly checksum: Checksum | null;
    readonly condition: WriteCondition;
  }): Promise<StoredObject>;
  /** Up to 5 GiB, metadata and policy as given, nothing of the source's. `no-such-key`, `precondition-failed`: the source is another one by now, or the target. */
  copyObject(input: CopyObjectInput): Promise<StoredObject>;
  /** `first`…`last` (inclusive) of the source as a part. */
  uploadPartCopy(input: {
    readonly source: CopySource;
    readonly key: ObjectKey;
    readonly uploadId: S3UploadId;
    readonly partNumber: number;
    readonly first: number;
    readonly last: number;
  }): Promise<StoredObject>;
  bucketVersioning(): Promise<BucketVersioning>;
  /** Resolves too when the upload is already gone. */
  abortMultipartUpload(input: { readonly key: ObjectKey; readonly uploadId: S3UploadId }): Promise<void>;
  /** Throws `no-such-upload`. */
  listParts(input: { readonly key: ObjectKey; readonly uploadId: S3UploadId }): AsyncIterable<ListedPart>;
  listMultipartUploads(prefix: string): AsyncIterable<ListedUpload>;
  /** null: no such object. */
  headObject(key: ObjectKey): Promise<ObjectHead | null>;
  listObjects(prefix: string): AsyncIterable<ListedObject>;
  deleteObject(input: { readonly key: ObjectKey; readonly ifMatch: string | null }): Promise<void>;
  close(): void;
}
