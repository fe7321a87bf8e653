import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { safeStorage } from 'electron';
import { z } from 'zod';
import { SluiceError } from '../../shared/errors.ts';
import type { SecretStore } from '../engine/engine.ts';

const Keys = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });
/** Reference → base64 of what the keychain made of the keys. */
const VaultFile = z.record(z.string(), z.string());

export interface SecretVaultOptions {
  /** Ciphertext only, mode 0600. */
  readonly path: string;
  /** There is no keychain and the keys would be readable by whoever reads the file: may they be kept all the same? */
  readonly acceptPlainText: () => Promise<boolean>;
}

/** Typed-in keys, encrypted by the system's keychain. Throws `keychain-unavailable` rather than keep keys in the clear unasked. */
export function createSecretVault(options: SecretVaultOptions): SecretStore {
  let queue: Promise<unknown> = Promise.resolve();
  /** One change at a time: two folders added at once must not lose each other's keys. */
  const change = (edit: (secrets: Record<string, string>) => Promise<void> | void): Promise<void> => {
    const next = queue.then(async () => {
      const secrets = await read(options.path);
      await edit(secrets);
      await write(options.path, secrets);
    });
    queue = next.catch(() => {});
    return next;
  };
  return {
    get: async (ref) => {
      await queue;
      const ciphertext = (await read(options.path))[ref];
      if (ciphertext === undefined) return null;
      const { text, renew } = await decrypt(Buffer.from(ciphertext, 'base64'));
      const keys = Keys.parse(JSON.parse(text));
      if (renew) {
        await change(async (secrets) => {
          secrets[ref] = (await encrypt(text)).toString('base64');
        });
      }
      return keys;
    },
    set: (ref, keys) =>
      change(async (secrets) => {
        await requireKeychain(options.acceptPlainText);
        secrets[ref] = (await encrypt(JSON.stringify(Keys.parse(keys)))).toString('base64');
      }),
    delete: (ref) =>
      change((secrets) => {
        delete secrets[ref];
      }),
  };
}

async function requireKeychain(acceptPlainText: () => Promise<boolean>): Promise<void> {
  if (!(await keychainAvailable())) throw unavailable('The keychain of this system can not be used');
  // Linux without a secret service: Electron would encrypt with a password that is in its source code
  const backend = process.platform === 'linux' ? safeStorage.getSelectedStorageBackend() : 'keychain';
  if (backend === 'basic_text' && !(await acceptPlainText())) {
    throw unavailable('This desktop has no keychain, so the keys would be readable by anyone who reads your files');
  }
}

/** Electron's newer, asynchronous calls do not block the main process while the keychain asks the user; older runtimes lack them. */
const hasAsync = (): boolean => typeof safeStorage.isAsyncEncryptionAvailable === 'function';

async function keychainAvailable(): Promise<boolean> {
  return hasAsync() ? await safeStorage.isAsyncEncryptionAvailable() : safeStorage.isEncryptionAvailable();
}

async function encrypt(text: string): Promise<Buffer> {
  return hasAsync() ? await safeStorage.encryptStringAsync(text) : safeStorage.encryptString(text);
}

/** `renew`: the keychain's key was rotated, the text should be encrypted again. */
async function decrypt(ciphertext: Buffer): Promise<{ text: string; renew: boolean }> {
  try {
    if (!hasAsync()) return { text: safeStorage.decryptString(ciphertext), renew: false };
    const { result, shouldReEncrypt } = await safeStorage.decryptStringAsync(ciphertext);
    return { text: result, renew: shouldReEncrypt };
  } catch (cause) {
    throw unavailable('The stored keys can not be decrypted: the keychain was reset, or is locked', cause);
  }
}

const unavailable = (message: string, cause?: unknown): SluiceError =>
  new SluiceError('keychain-unavailable', message, cause === undefined ? {} : { cause });

async function read(path: string): Promise<Record<string, string>> {
  try {
    return VaultFile.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw unavailable(`The file of stored keys is unreadable: ${path}`, error);
  }
}

async function write(path: string, secrets: Record<string, string>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, JSON.stringify(secrets), { mode: 0o600 });
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
}
