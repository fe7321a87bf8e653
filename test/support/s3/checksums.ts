import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { checksums as native } from 'aws-crt';
import { combineCrc, crcPolynomials } from './crcCombine.ts';
import { S3Error } from './s3Error.ts';

export const checksumAlgorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** `value` as in the header: base64, with `-N` behind it when composite. */
export interface StoredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

export interface RunningHash {
  update(chunk: Uint8Array): void;
  /** The digest's bytes, big-endian. Once. */
  digest(): Buffer;
}

export function startChecksum(algorithm: ChecksumAlgorithm): RunningHash {
  switch (algorithm) {
    case 'SHA1':
    case 'SHA256':
      return createHash(algorithm);
    case 'CRC32':
      return running32((chunk, value) => crc32(chunk, value));
    case 'CRC32C':
      return running32((chunk, value) => native.crc32c(chunk as Buffer, value));
    case 'CRC64NVME':
      return running64();
  }
}

export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** The element's name in XML: `ChecksumCRC64NVME`. */
export function checksumElement(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm}`;
}

export function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return (checksumAlgorithms as readonly string[]).includes(name);
}

/** Throws `InvalidRequest` unless S3 allows the two together. */
export function multipartChecksumType(algorithm: ChecksumAlgorithm, asked: string | undefined): ChecksumType {
  const fallback = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
  const type = asked ?? fallback;
  if (type !== 'FULL_OBJECT' && type !== 'COMPOSITE')
    throw new S3Error('InvalidRequest', {}, 'Value for x-amz-checksum-type header is invalid.');
  const refused = type === 'FULL_OBJECT' ? algorithm.startsWith('SHA') : algorithm === 'CRC64NVME';
  if (refused)
    throw new S3Error(
      'InvalidRequest',
      {},
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  return type;
}

/** The object's checksum from its parts', without reading a byte of them. */
export function checksumOfParts(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly { readonly size: number; readonly value: string }[],
): StoredChecksum {
  const digests = parts.map((part) => Buffer.from(part.value, 'base64'));
  if (type === 'COMPOSITE') {
    const hash = startChecksum(algorithm);
    for (const digest of digests) hash.update(digest);
    return { algorithm, type, value: `${hash.digest().toString('base64')}-${parts.length}` };
  }
  if (algorithm === 'SHA1' || algorithm === 'SHA256') throw new Error('hashes have no full-object form');
  const polynomial = crcPolynomials[algorithm];
  let whole = 0n;
  digests.forEach((digest, index) => {
    whole = combineCrc(polynomial, whole, BigInt(`0x${digest.toString('hex')}`), parts[index]!.size);
  });
  const hex = whole.toString(16).padStart(Number(polynomial.width) / 4, '0');
  return { algorithm, type, value: Buffer.from(hex, 'hex').toString('base64') };
}

/** Bytes of a digest; a declared value of another length is refused before the body is read. */
export const digestBytes: Record<ChecksumAlgorithm, number> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

function running32(step: (chunk: Uint8Array, value: number) => number): RunningHash {
  let value = 0;
  return {
    update: (chunk) => {
      value = step(chunk, value);
    },
    digest: () => {
      const out = Buffer.alloc(4);
      out.writeUInt32BE(value >>> 0);
      return out;
    },
  };
}

function running64(): RunningHash {
  let value: DataView = new DataView(new ArrayBuffer(8));
  return {
    update: (chunk) => {
      value = native.crc64nvme(chunk as Buffer, value);
    },
    digest: () => Buffer.from(value.buffer.slice(value.byteOffset, value.byteOffset + 8)),
  };
}
