import { createHash } from 'node:crypto';
import { SluiceError } from '../../../shared/errors.ts';
import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import type { Checksum } from '../store/store.ts';

export interface PartChecksum {
  readonly length: number;
  /** base64 */
  readonly value: string;
}

/**
 * The whole object's checksum from those of its parts, in order, without reading a byte again. CRCs combine arithmetically (zlib's crc32_combine, by powers of x
 * modulo the polynomial); SHA-256 only to S3's composite, `base64-N`.
 */
export function combineChecksums(algorithm: ChecksumAlgorithm, parts: readonly PartChecksum[]): Checksum {
  if (parts.length === 0) throw new SluiceError('internal', 'No parts to combine');
  if (algorithm === 'sha256') {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(Buffer.from(part.value, 'base64'));
    return { algorithm, value: `${hash.digest('base64')}-${parts.length}` };
  }
  const { polynomial, width } = crcs[algorithm];
  let combined = 0n;
  for (const part of parts) {
    const shift = xToThe(BigInt(part.length) * 8n, polynomial, width);
    combined = multiply(combined, shift, polynomial, width) ^ fromBase64(part.value);
  }
  return { algorithm, value: toBase64(combined, width / 8) };
}

/** Reflected polynomials: CRC-32/ISO-HDLC and CRC-64/NVME. */
const crcs = {
  crc32: { polynomial: 0xedb88320n, width: 32 },
  crc64nvme: { polynomial: 0x9a6c9329ac4bc9b5n, width: 64 },
} as const;

/** a·b modulo the polynomial, bits reflected: the highest bit is x^0. */
function multiply(a: bigint, b: bigint, polynomial: bigint, width: number): bigint {
  let product = 0n;
  let shifted = b;
  for (let bit = 1n << BigInt(width - 1); bit > 0n; bit >>= 1n) {
    if (a & bit) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n;
  }
  return product;
}

/** x^n modulo the polynomial, by squaring; the parts of an upload share a length, so it is remembered. */
function xToThe(exponent: bigint, polynomial: bigint, width: number): bigint {
  const key = `${width}:${exponent}`;
  const known = powers.get(key);
  if (known !== undefined) return known;
  let result = 1n << BigInt(width - 1);
  let square = 1n << BigInt(width - 2);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiply(result, square, polynomial, width);
    square = multiply(square, square, polynomial, width);
  }
  if (powers.size > 64) powers.clear();
  powers.set(key, result);
  return result;
}
const powers = new Map<string, bigint>();

function fromBase64(text: string): bigint {
  const hex = Buffer.from(text, 'base64').toString('hex');
  return hex === '' ? 0n : BigInt(`0x${hex}`);
}

function toBase64(value: bigint, bytes: number): string {
  return Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex').toString('base64');
}
