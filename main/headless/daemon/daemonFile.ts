import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** `daemon.json` of a data directory: how commands of the same user find the daemon. It holds the token, so it is 0600. */
export const DaemonFile = z.object({
  port: z.number().int().min(1).max(65_535),
  token: z.string().min(1),
  pid: z.number().int().positive(),
});
export type DaemonFile = z.infer<typeof DaemonFile>;

const pathIn = (dataDir: string): string => join(dataDir, 'daemon.json');

export async function writeDaemonFile(dataDir: string, content: DaemonFile): Promise<void> {
  const path = pathIn(dataDir);
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, `${JSON.stringify(content)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(temporary, path);
}

/** null: no daemon has left its address here. */
export async function readDaemonFile(dataDir: string): Promise<DaemonFile | null> {
  try {
    return DaemonFile.parse(JSON.parse(await readFile(pathIn(dataDir), 'utf8')));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== undefined && code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    return null;
  }
}

/** Only ours: another daemon may have taken over in between. */
export async function removeDaemonFile(dataDir: string, ours: DaemonFile): Promise<void> {
  const found = await readDaemonFile(dataDir);
  if (found?.pid === ours.pid && found.token === ours.token) await rm(pathIn(dataDir), { force: true });
}
