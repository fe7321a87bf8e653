export interface CrcPolynomial {
  readonly width: 32n | 64n;
  /** The generator, bit-reflected. */
  readonly reflected: bigint;
}

export const crcPolynomials = {
  CRC32: { width: 32n, reflected: 0xedb88320n },
  CRC32C: { width: 32n, reflected: 0x82f63b78n },
  CRC64NVME: { width: 64n, reflected: 0x9a6c9329ac4bc9b5n },
} as const satisfies Record<string, CrcPolynomial>;

/** The CRC of A‖B from the CRCs of A and B and B's length: A's value times x^(8·length) modulo the generator, xor B's. */
export function combineCrc(polynomial: CrcPolynomial, first: bigint, second: bigint, secondLength: number): bigint {
  return multiply(polynomial, shiftBy(polynomial, secondLength), first) ^ second;
}

// Parts of one upload share a length, so the power is worth keeping.
const powers = new Map<string, bigint>();

function shiftBy(polynomial: CrcPolynomial, bytes: number): bigint {
  const name = `${polynomial.reflected}:${bytes}`;
  const known = powers.get(name);
  if (known !== undefined) return known;
  let power = 1n << (polynomial.width - 1n);
  let square = 1n << (polynomial.width - 2n);
  for (let exponent = BigInt(bytes) * 8n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) power = multiply(polynomial, square, power);
    square = multiply(polynomial, square, square);
  }
  if (powers.size > 10_000) powers.clear();
  powers.set(name, power);
  return power;
}

function multiply({ width, reflected }: CrcPolynomial, a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let mask = 1n << (width - 1n); mask > 0n; mask >>= 1n) {
    if (a & mask) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ reflected : shifted >> 1n;
  }
  return product;
}
