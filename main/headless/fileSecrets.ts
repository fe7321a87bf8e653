import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SluiceError } from '../../shared/errors.ts';
import type { SecretStore } from '../engine/engine.ts';

/** Typed-in keys where there is no keychain: `secrets.json` in the data directory, readable by its owner only. */
export function fileSecrets(dataDir: string): SecretStore {
  const path = join(dataDir, 'secrets.json');
  let last: Promise<unknown> = Promise.resolve();
  /** One change after the other: two at once would lose one. */
  const change = (edit: (secrets: Map<string, Keys>) => void): Promise<void> => {
    const next = last.then(async () => {
      const secrets = await readSecrets(path);
      edit(secrets);
      await writeSecrets(dataDir, path, secrets);
    });
    last = next.catch(() => undefined);
    return next;
  };
  return {
    get: async (ref) => {
      await last;
      return (await readSecrets(path)).get(ref) ?? null;
    },
    set: (ref, keys) =>
      change((secrets) => {
        secrets.set(ref, { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey });
      }),
    delete: (ref) =>
      change((secrets) => {
        secrets.delete(ref);
      }),
  };
}

const Keys = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });
type Keys = z.infer<typeof Keys>;
const SecretsFile = z.object({ version: z.literal(1), secrets: z.record(z.string(), Keys) });

async function readSecrets(path: string): Promise<Map<string, Keys>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw unusable(path, error);
  }
  try {
    return new Map(Object.entries(SecretsFile.parse(JSON.parse(text)).secrets));
  } catch {
    // The cause would carry what is in the file.
    throw unusable(path, undefined);
  }
}

async function writeSecrets(dataDir: string, path: string, secrets: ReadonlyMap<string, Keys>): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ version: 1, secrets: Object.fromEntries(secrets) })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(temporary, 0o600);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw unusable(path, error);
  }
}

function unusable(path: string, cause: unknown): SluiceError {
  return new SluiceError('ledger-io', `The keys in '${path}' can't be read or written`, {
    remedy: 'Check its permissions and the disk; or move it aside and type the keys in again.',
    cause,
  });
}
