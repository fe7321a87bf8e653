import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Ledger, Proof, QueuedFile } from '../../main/engine/ledger/ledger.ts';
import { openLedger } from '../../main/engine/ledger/openLedger.ts';
import { asRelativePath } from '../../shared/ids.ts';
import { FolderInput } from '../../shared/settings.ts';
import { type DirectoryListing, type ObservedFile, sourceIdentity } from '../../shared/source.ts';

/*
 * The ledger's figures on this machine, as one JSON object: `node test/bench/ledgerFigures.ts [--files 1000000]`. Rates per second, sizes in bytes, times in ms.
 */

const { values } = parseArgs({ options: { files: { type: 'string', default: '1000000' } } });
const fileCount = Number(values.files);
const perDirectory = 1_000;
const waiting = Math.round(fileCount / 20);
const dataDir = mkdtempSync(join(tmpdir(), 'sluice-ledger-figures-'));
const open = (): Ledger => openLedger({ dataDir, smallFileLimitBytes: 8 * 1024 ** 2, holder: 'figures' });

try {
  process.stdout.write(`${JSON.stringify(measure(), null, 2)}\n`);
} finally {
  rmSync(dataDir, { recursive: true });
}

function measure(): Record<string, number> {
  let ledger = open();
  const folder = ledger.addFolder(FolderInput.parse({ path: '/data', bucket: 'bucket', connection: {} }));
  const scan = (at: number, salt = 0): { ms: number; slowest: number } => {
    const id = ledger.beginScan(folder.id, at);
    let ms = 0;
    let slowest = 0;
    for (let directory = 0; directory < fileCount / perDirectory; directory++) {
      const batch = [listing(directory, salt)];
      const took = timed(() => ledger.observeDirectories(id, batch));
      ms += took;
      slowest = Math.max(slowest, took);
    }
    ms += timed(() => ledger.finishScan(id, { complete: true, atMs: at, unreadable: [] }));
    return { ms, slowest };
  };

  const insert = scan(1);
  const bytesQueued = ledgerBytes();
  const claimAllQueued = claims(ledger, folder.id);
  // Every 20th waits for its next try, spread over the whole queue's order.
  const claimed = Array.from({ length: waiting }, () => ledger.claimNext(folder.id, 'small', 1)[0]!);
  const postpone = timed(() => {
    for (const [at, file] of claimed.entries()) ledger.postpone(file.id, 10_000 + at);
  });
  const claimWhileWaiting = claims(ledger, folder.id);
  const woken = timed(() => ledger.wakeDue(11_000));
  while (ledger.wakeDue(Number.MAX_SAFE_INTEGER) > 0);
  let proven = 0;
  const prove = timed(() => {
    for (;;) {
      const batch = ledger.claimNext(folder.id, 'small', 1_000);
      if (batch.length === 0) return;
      proven += batch.length;
      ledger.recordProofs(batch.map((file) => ({ fileId: file.id, proof: proofFor(file) })));
    }
  });
  const reopen = timed(() => {
    ledger.close();
    ledger = open();
  });
  const bytesProven = ledgerBytes();
  const cold = scan(2);
  const warm = scan(3);
  const rssAfterScans = process.memoryUsage().rss;
  const counts = timed(() => {
    for (let round = 0; round < 1_000; round++) ledger.counts(folder.id);
  });
  const changed = scan(4, 1);
  let walked = 0;
  const walk = timed(() => {
    for (const _file of ledger.files(folder.id)) walked++;
  });
  const check = timed(() => {
    const broken = ledger.check();
    if (broken.length > 0) throw new Error(broken.join('\n'));
  });
  ledger.close();
  return {
    files: fileCount,
    insertPerSecond: rate(fileCount, insert.ms),
    insertSlowestBatchMs: round(insert.slowest),
    bytesPerFileQueued: round(bytesQueued / fileCount),
    bytesPerFileProven: round(bytesProven / fileCount),
    claimP50Ms: claimAllQueued.p50,
    claimP99Ms: claimAllQueued.p99,
    claimWhileWaitingP50Ms: claimWhileWaiting.p50,
    claimWhileWaitingP99Ms: claimWhileWaiting.p99,
    waiting,
    postponePerSecond: rate(waiting, postpone),
    wakeCallMs: round(woken),
    claimAndProvePerSecond: rate(proven, prove),
    reopenMs: round(reopen),
    diffUnchangedFirstMs: round(cold.ms),
    diffUnchangedMs: round(warm.ms),
    diffUnchangedSlowestBatchMs: round(warm.slowest),
    diffAllChangedPerSecond: rate(fileCount, changed.ms),
    countsMs: round(counts / 1_000, 1e4),
    walkPerSecond: rate(walked, walk),
    checkMs: round(check),
    rssAfterScansBytes: rssAfterScans,
    maxRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** One file at a time, as a transfer that has a slot free takes them; given back at the end. */
function claims(ledger: Ledger, folderId: Parameters<Ledger['claimNext']>[0]): { p50: number; p99: number } {
  const times: number[] = [];
  const taken: ReturnType<Ledger['claimNext']>[number][] = [];
  for (let round = 0; round < 10_000; round++) {
    times.push(timed(() => taken.push(...ledger.claimNext(folderId, 'small', 1))));
  }
  for (const file of taken) ledger.releaseClaim(file.id);
  times.sort((a, b) => a - b);
  return { p50: round(times[5_000]!, 1e4), p99: round(times[9_900]!, 1e4) };
}

function listing(directory: number, salt: number): DirectoryListing {
  const files: ObservedFile[] = Array.from({ length: perDirectory }, (_, at) => {
    const size = 1_000 + ((directory * 7919 + at * 104_729) % 60_000);
    const mtimeNs = 1_770_000_000_000_000_000n + BigInt(directory * perDirectory + at) * 1_234_567n + BigInt(salt);
    return {
      name: `file-${String(at).padStart(5, '0')}.bin`,
      sizeBytes: size,
      mtimeMs: Number(mtimeNs / 1_000_000n),
      identity: sourceIdentity({
        dev: 2049n,
        ino: BigInt(10_000_000 + directory * perDirectory + at),
        size: BigInt(size),
        mtimeNs,
        ctimeNs: mtimeNs + 5_000n,
      }),
    };
  });
  return {
    directory: asRelativePath(`tree/part-${String(directory % 10)}/directory-${String(directory).padStart(5, '0')}`),
    files,
  };
}

function proofFor(file: Pick<QueuedFile, 'id' | 'sizeBytes' | 'identity'>): Proof {
  return {
    identity: file.identity,
    sizeBytes: file.sizeBytes,
    etag: `"${(file.id * 2_654_435_761).toString(16).padStart(32, '0')}"`,
    checksum: `crc64nvme:${Buffer.from(String(file.id).padStart(8, '0')).toString('base64')}`,
    provenAt: 1_790_000_000_000,
  };
}

function ledgerBytes(): number {
  return statSync(join(dataDir, 'ledger.sqlite')).size;
}

function timed(work: () => unknown): number {
  const from = performance.now();
  work();
  return performance.now() - from;
}

function rate(count: number, ms: number): number {
  return Math.round((count / ms) * 1_000);
}

function round(value: number, scale = 100): number {
  return Math.round(value * scale) / scale;
}
