import { randomBytes } from 'node:crypto';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const names = [
  'Photos/2024 Lisbon',
  'Photos/2025 Kyoto 京都',
  'Projects/garden',
  'Projects/garden/plans',
  'Letters',
  'Music/Demos',
  'Récits & notes',
];

/** A folder as people have them: many small files of 1–32 KiB in a few directories, an empty one, and one large film. No two files are alike. */
export async function makeSample(folder: string, smallFiles: number, bigMiB: number): Promise<void> {
  for (const name of names) await mkdir(join(folder, name), { recursive: true });
  const noise = randomBytes(64 * 1024);
  for (let index = 0; index < smallFiles; index += 64) {
    const batch = Array.from({ length: Math.min(64, smallFiles - index) }, (_, offset) =>
      smallFile(folder, index + offset, noise),
    );
    await Promise.all(batch);
  }
  await writeFile(join(folder, 'empty.txt'), '');
  if (bigMiB > 0) await bigFile(join(folder, 'Film master.mov'), bigMiB);
}

async function smallFile(folder: string, index: number, noise: Buffer): Promise<void> {
  const length = 1024 + ((index * 7919) % (31 * 1024));
  const bytes = Buffer.from(noise.subarray(0, length));
  bytes.writeUInt32LE(index, 0);
  await writeFile(join(folder, names[index % names.length]!, `item ${String(index).padStart(5, '0')}.dat`), bytes);
}

async function bigFile(path: string, mebibytes: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    const block = randomBytes(1024 * 1024);
    for (let index = 0; index < mebibytes; index++) {
      block.writeUInt32LE(index, 0);
      await file.write(block);
    }
  } finally {
    await file.close();
  }
}
