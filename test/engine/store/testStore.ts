import { createHash } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { checksums } from 'aws-crt';
import { createDataStore } from '../../../main/engine/store/createDataStore.ts';
import { createStore } from '../../../main/engine/store/createStore.ts';
import type {
  Checksum,
  DataStore,
  ObjectMetadata,
  PutObjectInput,
  SentObject,
  Store,
  StoreBody,
  StoreOptions,
  UploadPartInput,
  WriteCondition,
} from '../../../main/engine/store/store.ts';
import { SluiceError } from '../../../shared/errors.ts';
import { asUploadToken } from '../../../shared/ids.ts';
import { type ObjectPolicy, StoreConnection } from '../../../shared/settings.ts';

export const policy: ObjectPolicy = { storageClass: null, sse: { kind: 'bucket-default' }, foreign: 'keep' };
export const metadata: ObjectMetadata = {
  token: asUploadToken('token-1'),
  origin: 'here',
  mtimeMs: 1_700_000_000_123.5,
  sizeBytes: 5,
};

/** Both clients of a bucket as one; what a test doesn't say of a write is nothing special. */
export type WholeStore = Omit<Store, 'completeMultipartUpload'> &
  Pick<DataStore, 'signsPayload' | 'getObject' | 'partLayout'> & {
    putObject(
      input: Partial<Pick<PutObjectInput, 'condition'>> & Omit<PutObjectInput, 'condition'>,
    ): Promise<SentObject>;
    uploadPart(
      input: Partial<Pick<UploadPartInput, 'freshConnection'>> & Omit<UploadPartInput, 'freshConnection'>,
    ): Promise<SentObject>;
    completeMultipartUpload(
      input: Omit<Parameters<Store['completeMultipartUpload']>[0], 'condition'> & { condition?: WriteCondition },
    ): ReturnType<Store['completeMultipartUpload']>;
  };

export interface TestStore {
  readonly store: WholeStore;
  /** The one that moves bytes, by itself; closed with `store`. */
  readonly data: DataStore;
  /** HTTP attempts by operation. */
  readonly counts: Record<string, number>;
}

export function openStore(
  endpointUrl: string,
  more: Partial<Omit<StoreOptions, 'target' | 'onRequest'>> & {
    connection?: Partial<StoreConnection>;
    bucket?: string;
  } = {},
): TestStore {
  const { connection, bucket, ...options } = more;
  const counts: Record<string, number> = {};
  const common: StoreOptions = {
    target: {
      connection: { ...StoreConnection.parse({ endpointUrl }), ...connection },
      bucket: bucket ?? 'bucket',
      policy: undefined,
    },
    credentials: async () => ({ accessKeyId: 'AKIATEST', secretAccessKey: 'very-secret' }),
    maxSockets: 8,
    stallTimeoutMs: 5_000,
    onRequest: (operation) => {
      counts[operation] = (counts[operation] ?? 0) + 1;
    },
    ...options,
  };
  const control = createStore(common);
  const data = createDataStore(common);
  const none = { kind: 'none' } as const;
  const store: WholeStore = {
    ...control,
    signsPayload: data.signsPayload,
    getObject: data.getObject,
    partLayout: data.partLayout,
    putObject: (input) => data.putObject({ condition: none, ...input }),
    uploadPart: (input) => data.uploadPart({ freshConnection: false, ...input }),
    completeMultipartUpload: (input) => control.completeMultipartUpload({ condition: none, ...input }),
    close: () => {
      control.close();
      data.close();
    },
  };
  return { store, data, counts };
}

export function crc32Of(bytes: Buffer): Checksum {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return { algorithm: 'crc32', value: value.toString('base64') };
}

/** By aws-crt, as the test server does it: the store's own way is under test. */
export function crc32cOf(bytes: Buffer): Checksum {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(checksums.crc32c(bytes));
  return { algorithm: 'crc32c', value: value.toString('base64') };
}

export const sha256Of = (bytes: Buffer): Checksum => ({
  algorithm: 'sha256',
  value: createHash('sha256').update(bytes).digest('base64'),
});

/** CRC64NVME in two 32-bit halves. */
export function crc64Of(bytes: Buffer): Checksum {
  let high = 0xffff_ffff;
  let low = 0xffff_ffff;
  for (let i = 0; i < bytes.length; i++) {
    const index = (low ^ bytes[i]!) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ crc64Table[index * 2]!;
    high = (high >>> 8) ^ crc64Table[index * 2 + 1]!;
  }
  const value = Buffer.alloc(8);
  value.writeUInt32BE(~high >>> 0, 0);
  value.writeUInt32BE(~low >>> 0, 4);
  return { algorithm: 'crc64nvme', value: value.toString('base64') };
}

const crc64Table = new Uint32Array(512);
for (let index = 0; index < 256; index++) {
  let crc = BigInt(index);
  for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x9a6c_9329_ac4b_c9b5n : crc >> 1n;
  crc64Table[index * 2] = Number(crc & 0xffff_ffffn);
  crc64Table[index * 2 + 1] = Number(crc >> 32n);
}

export function bodyOf(bytes: Buffer, checksum: Checksum = crc32Of(bytes)): StoreBody {
  return { kind: 'bytes', bytes, checksum, sha256Hex: createHash('sha256').update(bytes).digest('hex') };
}

export const streamBody = (
  bytes: Readable,
  length: number,
  checksum: Checksum = crc32Of(Buffer.from('any')),
): StoreBody => ({
  kind: 'pumped',
  length,
  checksum: { placement: 'header', checksum },
  pump: (destination: Writable) =>
    new Promise((resolve, reject) => {
      bytes.once('error', reject);
      bytes.once('end', resolve);
      bytes.pipe(destination, { end: false });
    }),
});

export async function failure(promise: Promise<unknown>): Promise<SluiceError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
