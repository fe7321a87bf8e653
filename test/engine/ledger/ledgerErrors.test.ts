import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { asRelativePath } from '../../../shared/ids.ts';
import { addFolder, file, open, states, tempDataDir } from './ledgerFixture.ts';

const code = (expected: string) => expect.objectContaining({ name: 'SluiceError', code: expected });
const isRoot = process.getuid?.() === 0;

const mounted: string[] = [];
afterEach(() => {
  for (const mountPoint of mounted.splice(0)) execFileSync('umount', ['-l', mountPoint]);
});

/** A file system of 4 MiB; undefined where this user may not mount one. */
function tinyDisk(): string | undefined {
  const mountPoint = join(tempDataDir(), 'disk');
  mkdirSync(mountPoint);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mountPoint], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  mounted.push(mountPoint);
  return mountPoint;
}

describe('a full disk under the ledger', () => {
  it.runIf(isRoot)('is named, loses nothing that was committed, and is over once there is space', ({ skip }) => {
    const disk = tinyDisk();
    if (disk === undefined) return skip('no permission to mount a small file system');
    const ballast = join(disk, 'ballast');
    writeFileSync(ballast, Buffer.alloc(1024 ** 2));
    const ledger = open(join(disk, 'data'));
    const folder = addFolder(ledger);
    const listing = (at: number) => ({
      directory: asRelativePath(`directory-${at}`),
      files: Array.from({ length: 500 }, (_, index) => file(`file-${index}`)),
    });
    const scanId = ledger.beginScan(folder.id, 1);
    let written = 0;
    const fill = () => {
      for (; written < 1_000; written++) ledger.observeDirectories(scanId, [listing(written)]);
    };
    expect(fill).toThrow(code('ledger-full'));
    expect(written).toBeGreaterThan(0);
    expect(ledger.counts(folder.id).filesTotal).toBe(written * 500);
    expect(ledger.check()).toEqual([]);
    writeFileSync(ballast, '');
    ledger.observeDirectories(scanId, [listing(written)]);
    expect(ledger.counts(folder.id).filesTotal).toBe((written + 1) * 500);
    expect(ledger.check()).toEqual([]);
    ledger.close();
  });

  it.runIf(isRoot)('is named when it is met on opening', ({ skip }) => {
    const disk = tinyDisk();
    if (disk === undefined) return skip('no permission to mount a small file system');
    expect(() => writeFileSync(join(disk, 'ballast'), Buffer.alloc(8 * 1024 ** 2))).toThrow('ENOSPC');
    expect(() => open(join(disk, 'data'))).toThrow(code('ledger-full'));
  });
});

describe('a damaged ledger', () => {
  it('is named when the file is no database', () => {
    const dataDir = tempDataDir();
    writeFileSync(join(dataDir, 'ledger.sqlite'), 'this is not a database, whatever its name says. '.repeat(100));
    expect(() => open(dataDir)).toThrow(code('ledger-corrupt'));
    expect(() => open(dataDir)).toThrow(code('ledger-corrupt'));
  });

  it('is named when pages were overwritten, by whichever method meets them', () => {
    const dataDir = tempDataDir();
    const ledger = open(dataDir);
    const folder = addFolder(ledger);
    const scanId = ledger.beginScan(folder.id, 1);
    ledger.observeDirectories(scanId, [
      { directory: asRelativePath('a'), files: Array.from({ length: 2_000 }, (_, at) => file(`file-${at}`)) },
    ]);
    ledger.close();
    const path = join(dataDir, 'ledger.sqlite');
    const bytes = readFileSync(path);
    bytes.fill(0xa5, bytes.length / 2, bytes.length / 2 + 4 * 4096);
    writeFileSync(path, bytes);
    const damaged = open(dataDir);
    expect(() => states(damaged, folder.id)).toThrow(code('ledger-corrupt'));
    damaged.close();
  });
});

it('a data directory that cannot be made or written is an I/O error of the ledger', () => {
  const dataDir = tempDataDir();
  writeFileSync(join(dataDir, 'in-the-way'), '');
  expect(() => open(join(dataDir, 'in-the-way', 'data'))).toThrow(code('ledger-io'));
  if (isRoot) return; // root may write anywhere
  chmodSync(dataDir, 0o500);
  expect(() => open(join(dataDir, 'data'))).toThrow(code('ledger-io'));
});

it('a method called after close says that the ledger is closed', () => {
  const ledger = open();
  ledger.close();
  expect(() => ledger.folders()).toThrow('The ledger was used after it was closed');
});
