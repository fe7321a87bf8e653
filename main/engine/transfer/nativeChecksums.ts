import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What we use of aws-crt's native part. */
export interface NativeChecksums {
  checksums_crc32c(bytes: Uint8Array, previous: number): number;
  /** `previous`, and what comes back: 8 bytes, big-endian. */
  checksums_crc64nvme(bytes: Uint8Array, previous: DataView): DataView;
}

/**
 * aws-crt's native part by itself: the package around it (MQTT, IoT) takes 40 ms more to load, and starts `ldd` to learn the C library. null: not built for this machine.
 * Loaded when first asked for: a thread pays 50 ms and 6 MiB for it.
 */
export function nativeChecksums(): NativeChecksums | null {
  loaded ??= load();
  return loaded.native;
}

/** Whether `nativeChecksums` has something to load, without loading it. */
export function hasNativeChecksums(): boolean {
  isThere ??= files().some((file) => existsSync(file));
  return isThere;
}

let loaded: { readonly native: NativeChecksums | null } | undefined;
let isThere: boolean | undefined;

function load(): { readonly native: NativeChecksums | null } {
  const require = createRequire(import.meta.url);
  for (const file of files()) {
    try {
      return { native: require(file) as NativeChecksums };
    } catch {
      // Of another C library, or not there: what comes after it does the same, more slowly.
    }
  }
  return { native: null };
}

/** As aws-crt names them (its dist/native/binding.js). */
function files(): string[] {
  const libraries = process.platform === 'linux' ? ['glibc', 'musl'] : ['cruntime'];
  let folder: string;
  try {
    folder = join(dirname(createRequire(import.meta.url).resolve('aws-crt')), 'bin');
  } catch {
    return [];
  }
  return libraries.map((library) =>
    join(folder, `${process.platform}-${process.arch}-${library}`, 'aws-crt-nodejs.node'),
  );
}
