import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { SluiceError } from '../../../shared/errors.ts';
import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import type { Checksum } from '../store/store.ts';
import { nativeChecksums } from './nativeChecksums.ts';
import { crc32c as tableCrc32c } from './tableCrc32c.ts';

/** A running checksum; `result` ends it. */
export interface Digest {
  update(bytes: Uint8Array): void;
  result(): Checksum;
}

/** Native code: zlib's CRC32, OpenSSL's SHA-256, aws-crt's CRC32C and CRC64NVME. Throws `internal` for a CRC64NVME where aws-crt isn't built for the machine. */
export function createDigest(algorithm: ChecksumAlgorithm): Digest {
  switch (algorithm) {
    case 'crc32': {
      let value = 0;
      return {
        update: (bytes) => {
          value = crc32(bytes, value);
        },
        result: () => ({ algorithm, value: crc32Text(value) }),
      };
    }
    case 'crc32c': {
      const crc32c = nativeChecksums()?.checksums_crc32c ?? tableCrc32c;
      let value = 0;
      return {
        update: (bytes) => {
          value = crc32c(bytes, value);
        },
        result: () => ({ algorithm, value: crc32Text(value) }),
      };
    }
    case 'crc64nvme': {
      const native = nativeChecksums();
      if (native === null) throw new SluiceError('internal', 'There is no CRC-64/NVME for this machine');
      let value: DataView = new DataView(new ArrayBuffer(8));
      return {
        update: (bytes) => {
          value = native.checksums_crc64nvme(bytes, value);
        },
        result: () => ({ algorithm, value: bytesOf(value).toString('base64') }),
      };
    }
    case 'sha256': {
      const hash: Hash = createHash('sha256');
      return {
        update: (bytes) => void hash.update(bytes),
        result: () => ({ algorithm, value: hash.digest('base64') }),
      };
    }
  }
}

export function crc32Text(value: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString('base64');
}

const bytesOf = (view: DataView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
