import type { Readable } from 'node:stream';
import type { ObjectKey, S3UploadId, UploadToken } from '../../../shared/ids.ts';
import type { ChecksumAlgorithm, ObjectPolicy, StoreConnection } from '../../../shared/settings.ts';

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
}

/** `value` is base64 of the digest, as in `x-amz-checksum-*`. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}

/**
 * A body of known length and checksum. Data plane only: whoever sends it computed the checksum beforehand.
 * A Readable is sent once; after an error the caller makes a new one.
 */
export interface StoreBody {
  readonly bytes: Buffer | Readable;
  readonly length: number;
  readonly checksum: Checksum;
  /** Hex SHA-256 of the payload; needed where `signsPayload` of the store is true, ignored elsewhere. */
  readonly sha256Hex?: string;
}

export interface ObjectMetadata {
  readonly token: UploadToken;
  /** Source mtime, ms since the epoch. */
  readonly mtimeMs: number;
  readonly sizeBytes: number;
}

export interface PutObjectInput {
  readonly key: ObjectKey;
  readonly body: StoreBody;
  readonly policy: ObjectPolicy;
  readonly metadata: ObjectMetadata;
  readonly signal?: AbortSignal;
}

/** What the server said it stored. `checksum` null: this store doesn't say; ask with headObject. */
export interface StoredObject {
  readonly etag: string;
  readonly checksum: Checksum | null;
}

export interface UploadPartInput {
  readonly key: ObjectKey;
  readonly uploadId: S3UploadId;
  readonly partNumber: number;
  readonly body: StoreBody;
  readonly signal?: AbortSignal;
}

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
  readonly mtimeMs: number | null;
  readonly lastModifiedMs: number | null;
  readonly versionId: string | null;
}

export interface ListedObject {
  readonly key: ObjectKey;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly lastModifiedMs: number;
}

/**
 * The bucket. Every method throws SluiceError with a store code (shared/errors.ts), `operation` and, where known, `httpStatus`,
 * `s3Code`, `requestId`, `retryAfterMs`. Requests with a body are sent once: retrying is transfer's business. All others are retried by the
 * SDK (3 attempts). Data requests always carry a checksum that the server verifies.
 */
export interface Store {
  readonly target: StoreTarget;
  /** Plain HTTP to another host: the payload's SHA-256 is part of the signature. TLS and loopback: it isn't. */
  readonly signsPayload: boolean;

  /** Throws `no-such-bucket`, `access-denied`, `wrong-keys`, `wrong-region`, `clock-skew`, `store-*`. */
  headBucket(): Promise<{ readonly region: string | null }>;
  listBuckets(): Promise<readonly string[]>;
  putObject(input: PutObjectInput): Promise<StoredObject>;
  createMultipartUpload(input: {
    readonly key: ObjectKey;
    readonly algorithm: ChecksumAlgorithm;
    readonly policy: ObjectPolicy;
    readonly metadata: ObjectMetadata;
  }): Promise<S3UploadId>;
  uploadPart(input: UploadPartInput): Promise<StoredObject>;
  /**
   * `checksum`: of the whole object for crc32 and crc64nvme (FULL_OBJECT), null for sha256 (composite only). Throws on an error inside a 200 too. The SDK's own retry is
   * on; `no-such-upload` may mean that an earlier attempt went through: reconcile with headObject and the token.
   */
  completeMultipartUpload(input: {
    readonly key: ObjectKey;
    readonly uploadId: S3UploadId;
    readonly parts: readonly CompletedPart[];
    readonly sizeBytes: number;
    readonly checksum: Checksum | null;
  }): Promise<StoredObject>;
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
