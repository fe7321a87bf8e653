import { existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLedgerReadOnly } from '../../../main/engine/ledger/openLedgerReadOnly.ts';
import { SluiceError } from '../../../shared/errors.ts';
import { addFolder, file, open, scan, tempDataDir } from './ledgerFixture.ts';
import { spawnLedger } from './spawnLedger.ts';

const refusal = (act: () => unknown): SluiceError => {
  try {
    act();
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('it was let in');
};

describe('one owner per data directory', () => {
  it('a second process is refused with the name of the first, and let in once that was killed', {
    timeout: 30_000,
  }, async () => {
    const held = tempDataDir();
    const prepared = open(held);
    addFolder(prepared);
    prepared.close();
    const other = await spawnLedger('hold', held);
    try {
      const error = refusal(() => open(held));
      expect(error.code).toBe('ledger-locked');
      expect(error.message).toBe(`The data directory ${held} is in use by sluice daemon (process ${other.pid})`);
    } finally {
      await other.kill();
    }
    expect(open(held).folders()).toHaveLength(1);
  });

  it('a second open in the same process is refused, by another path too, and the first goes on', () => {
    const dataDir = tempDataDir();
    const ledger = open(dataDir);
    expect(refusal(() => open(dataDir)).message).toBe(
      `The data directory ${dataDir} is in use by sluice test (process ${process.pid})`,
    );
    const alias = join(tempDataDir(), 'alias');
    symlinkSync(dataDir, alias);
    expect(refusal(() => open(alias)).code).toBe('ledger-locked');
    expect(addFolder(ledger).path).toBe('/data');
    ledger.close();
    ledger.close();
    expect(existsSync(join(dataDir, 'owner.json'))).toBe(false);
    expect(open(dataDir).folders()).toHaveLength(1);
  });

  it('a data directory it makes is private', () => {
    const dataDir = join(tempDataDir(), 'new', 'data');
    open(dataDir);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    for (const name of ['ledger.sqlite', 'lock.sqlite', 'owner.json'])
      expect(statSync(join(dataDir, name)).mode & 0o077).toBe(0);
  });
});

describe('reading while another process owns it', () => {
  it('sees what the owner committed, and says who it is', { timeout: 30_000 }, async () => {
    const dataDir = tempDataDir();
    const writer = await spawnLedger('write', dataDir);
    try {
      await writer.reached(2);
      const reader = openLedgerReadOnly(dataDir);
      expect(reader.owner()).toMatchObject({ pid: writer.pid, holder: 'sluice daemon' });
      const [folder] = reader.folders();
      expect(reader.counts(folder!.id).filesTotal).toBeGreaterThanOrEqual(750);
      expect(Number(reader.setting('round'))).toBeGreaterThanOrEqual(1);
      reader.close();
    } finally {
      await writer.kill();
    }
    const reader = openLedgerReadOnly(dataDir);
    expect(reader.owner()).toBeNull();
    expect(reader.check()).toEqual([]);
    reader.close();
  });

  it('does not stop an owner from coming, and works on a ledger at rest', () => {
    const dataDir = tempDataDir();
    const ledger = open(dataDir);
    const folder = addFolder(ledger);
    scan(ledger, folder.id, { a: [file('x')] });
    ledger.close();
    const reader = openLedgerReadOnly(dataDir);
    expect(reader.owner()).toBeNull();
    const owner = open(dataDir);
    scan(owner, folder.id, { a: [file('x'), file('y')] });
    expect(reader.counts(folder.id).filesTotal).toBe(2);
    expect(reader.owner()).toMatchObject({ pid: process.pid, holder: 'sluice test' });
    reader.close();
    // The reader's end must not have dropped the owner's lock.
    expect(refusal(() => open(dataDir)).code).toBe('ledger-locked');
  });

  it('says so when there is no ledger yet', () => {
    const dataDir = tempDataDir();
    expect(refusal(() => openLedgerReadOnly(dataDir)).code).toBe('not-found');
    mkdirSync(join(dataDir, 'ledger.sqlite'));
    expect(refusal(() => openLedgerReadOnly(dataDir)).code).toBe('ledger-io');
  });
});
