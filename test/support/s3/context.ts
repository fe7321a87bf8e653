import type { IncomingMessage } from 'node:http';
import { type ReceivedBody, receiveBody } from './body.ts';
import type { ChecksumAlgorithm } from './checksums.ts';
import { declaredDigests, verifyDigests } from './declaredDigests.ts';
import type { FileSink } from './fileSink.ts';
import { type PayloadForm, payloadForm } from './payload.ts';
import type { RequestLogEntry } from './requestLog.ts';
import { S3Error } from './s3Error.ts';
import { type ProvenSignature, sha256Hex } from './signature.ts';
import type { Bucket, Storage, StoredObject } from './storage.ts';
import type { QueryParameter } from './uri.ts';

/** What an operation answers. A `file` is streamed, from `start` for `length` bytes. */
export interface S3Response {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | { readonly file: string; readonly start: number; readonly length: number };
}

export interface ContextOptions {
  readonly storage: Storage;
  readonly region: string;
  readonly now: () => Date;
  readonly bodyIdleTimeoutMs: number;
  readonly method: string;
  readonly bucketName: string | null;
  readonly key: string | null;
  readonly query: readonly QueryParameter[];
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly request: IncomingMessage;
  readonly log: RequestLogEntry;
  readonly proven: ProvenSignature;
  readonly onBytes: ((count: number) => void) | undefined;
  /** Sends 100 Continue where it was asked for. */
  readonly askForBody: () => void;
}

/** One request with its head proven: what the operations read. */
export class S3Context {
  readonly storage: Storage;
  readonly region: string;
  readonly now: () => Date;
  readonly method: string;
  readonly bucketName: string | null;
  readonly log: RequestLogEntry;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly #options: ContextOptions;

  constructor(options: ContextOptions) {
    this.#options = options;
    this.storage = options.storage;
    this.region = options.region;
    this.now = options.now;
    this.method = options.method;
    this.bucketName = options.bucketName;
    this.headers = options.headers;
    this.log = options.log;
  }

  get key(): string {
    if (this.#options.key === null) throw new S3Error('MethodNotAllowed');
    return this.#options.key;
  }

  /** Throws `NoSuchBucket`. */
  get bucket(): Bucket {
    const bucket = this.storage.buckets.get(this.bucketName ?? '');
    if (bucket === undefined) throw new S3Error('NoSuchBucket', { BucketName: this.bucketName ?? '' });
    return bucket;
  }

  /** Throws `NoSuchKey`. */
  get object(): StoredObject {
    const object = this.bucket.objects.get(this.key);
    if (object === undefined) throw new S3Error('NoSuchKey', { Key: this.key });
    return object;
  }

  header(name: string): string | undefined {
    return this.headers.get(name)?.join(',');
  }

  query(name: string): string | undefined {
    return this.#options.query.find((parameter) => parameter.name === name)?.value;
  }

  /** The body goes straight to a file, hashed on the way; every digest declared for it is verified. */
  async receiveToFile(
    sinkFor: (length: number) => FileSink,
    expected: ChecksumAlgorithm | null,
  ): Promise<{ readonly body: ReceivedBody; readonly algorithm: ChecksumAlgorithm }> {
    let sink: FileSink | null = null;
    try {
      const received = await this.#receive(
        (payload) => sink?.push(payload),
        expected,
        ({ length }) => {
          sink = sinkFor(length);
        },
      );
      await (sink as FileSink | null)?.finish();
      return received;
    } catch (error) {
      await (sink as FileSink | null)?.discard();
      throw error;
    }
  }

  /** For an operation without a body: its SHA-256, where declared, is that of nothing. */
  expectNoBody(): void {
    const { payloadHash } = this.#options.proven;
    if (/^[0-9a-f]{64}$/.test(payloadHash) && payloadHash !== emptySha256)
      throw new S3Error('XAmzContentSHA256Mismatch', {
        ClientComputedContentSHA256: payloadHash,
        S3ComputedContentSHA256: emptySha256,
      });
  }

  /** A document, at most 2 MiB. Complete's `x-amz-checksum-*` header is the object's, not the document's. */
  async receiveText(about: 'document' | 'object' = 'document'): Promise<string> {
    const chunks: Uint8Array[] = [];
    const onForm = (form: PayloadForm): void => {
      if (form.length > maxDocumentBytes) throw new S3Error('MaxMessageLengthExceeded');
    };
    await this.#receive((payload) => void chunks.push(payload), null, onForm, true, about);
    return Buffer.concat(chunks).toString('utf8');
  }

  async #receive(
    sink: (payload: Uint8Array) => Promise<void> | undefined,
    expected: ChecksumAlgorithm | null,
    onForm: (form: PayloadForm) => void,
    mayBeEmpty = false,
    about: 'document' | 'object' = 'document',
  ): Promise<{ readonly body: ReceivedBody; readonly algorithm: ChecksumAlgorithm }> {
    const header = (name: string) => this.header(name);
    const declared = declaredDigests(header);
    const digests = about === 'object' ? { ...declared, checksum: null } : declared;
    const algorithm = digests.checksum?.algorithm ?? expected ?? 'CRC64NVME';
    const form = payloadForm(header, this.#options.proven, mayBeEmpty);
    onForm(form);
    this.#options.askForBody();
    const body = await receiveBody(this.#options.request, {
      form,
      algorithms: [algorithm],
      idleTimeoutMs: this.#options.bodyIdleTimeoutMs,
      sink,
      onBytes: (count) => {
        this.log.bytesReceived += count;
        this.#options.onBytes?.(count);
      },
    });
    verifyDigests(digests, body);
    return { body, algorithm };
  }
}

const maxDocumentBytes = 2 * 1024 * 1024;
const emptySha256 = sha256Hex('');
