import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { FolderRow, Ledger, Proof, QueuedFile } from '../../../main/engine/ledger/ledger.ts';
import { openLedger } from '../../../main/engine/ledger/openLedger.ts';
import type { FolderId } from '../../../shared/ids.ts';
import { asRelativePath } from '../../../shared/ids.ts';
import { FolderInput } from '../../../shared/settings.ts';
import type { ObservedFile, PathObservation, SourceIdentity } from '../../../shared/source.ts';

export const smallFileLimitBytes = 100;

const dataDirs: string[] = [];
const ledgers: Ledger[] = [];

afterEach(() => {
  for (const ledger of ledgers.splice(0)) ledger.close();
  for (const dataDir of dataDirs.splice(0)) rmSync(dataDir, { recursive: true, force: true });
});

/** A data directory that lives as long as the test. */
export function tempDataDir(): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-ledger-'));
  dataDirs.push(dataDir);
  return dataDir;
}

/** Closed after the test. */
export function open(dataDir = tempDataDir(), limit = smallFileLimitBytes): Ledger {
  const ledger = openLedger({ dataDir, smallFileLimitBytes: limit, holder: 'sluice test' });
  ledgers.push(ledger);
  return ledger;
}

export const addFolder = (ledger: Ledger, prefix = ''): FolderRow =>
  ledger.addFolder(FolderInput.parse({ path: '/data', bucket: 'bucket', prefix, connection: {} }));

/** `version` makes the identity; the size is 50 times it: 1 and 2 are small, 3 and up large. */
export const file = (name: string, version = 1, sizeBytes = 50 * version): ObservedFile => ({
  name,
  sizeBytes,
  mtimeMs: 1_000 + version,
  identity: identityOf(version),
});

export const identityOf = (version: number): SourceIdentity => `v${version}` as SourceIdentity;

export const proof = (
  version: number,
  checksum: string | null = 'crc32:AAAAAA==',
  sizeBytes = 50 * version,
): Proof => ({
  identity: identityOf(version),
  sizeBytes,
  etag: `"etag-${version}"`,
  checksum,
  provenAt: 5_000,
});

export const sees = (path: string, version = 1): PathObservation => ({
  kind: 'file',
  path: asRelativePath(path),
  file: file(path.slice(path.lastIndexOf('/') + 1), version),
});

/** A scan of the whole folder: directory → its files. */
export function scan(
  ledger: Ledger,
  folderId: FolderId,
  tree: Readonly<Record<string, readonly ObservedFile[]>>,
  unreadable: string[] = [],
) {
  const id = ledger.beginScan(folderId, 10);
  const listed = ledger.observeDirectories(
    id,
    Object.entries(tree).map(([directory, files]) => ({ directory: asRelativePath(directory), files })),
  );
  const end = ledger.finishScan(id, { complete: true, atMs: 20, unreadable: unreadable.map(asRelativePath) });
  return { ...listed, gone: listed.gone + end.gone };
}

/** Everything claimed and proven as it is. */
export function proveAll(ledger: Ledger, folderId: FolderId): void {
  for (const lane of ['small', 'large'] as const) {
    const claimed = ledger.claimNext(folderId, lane, 1_000);
    ledger.recordProofs(claimed.map((queued) => ({ fileId: queued.id, proof: proofFor(queued) })));
  }
}

export const proofFor = (queued: QueuedFile, checksum: string | null = 'crc32:AAAAAA=='): Proof => ({
  identity: queued.identity,
  sizeBytes: queued.sizeBytes,
  etag: '"etag"',
  checksum,
  provenAt: 5_000,
});

/** path → state, of all files known. */
export const states = (ledger: Ledger, folderId: FolderId): Record<string, string> =>
  Object.fromEntries([...ledger.files(folderId)].map((known) => [known.path, known.state]));
