import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Ledger, QueuedFile } from '../../../main/engine/ledger/ledger.ts';
import { asRelativePath } from '../../../shared/ids.ts';
import { addFolder, file, open, proof, sees, smallFileLimitBytes, tempDataDir } from './ledgerFixture.ts';
import { LedgerModel } from './ledgerModel.ts';

const directories = ['', 'a', 'a/b', 'a-b', 'a%', 'ä/😀'];
const names = ['x', 'y_', 'Z%'];
const paths = directories.flatMap((directory) =>
  names.map((name) => (directory === '' ? name : `${directory}/${name}`)),
);
const version = fc.integer({ min: 1, max: 4 });
const path = fc.constantFrom(...paths);
const directory = fc.constantFrom(...directories);

const command = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('scan' as const),
      tree: fc.dictionary(directory, fc.dictionary(fc.constantFrom(...names), version)),
      complete: fc.boolean(),
      unreadable: fc.uniqueArray(directory, { maxLength: 1 }),
      watched: fc.option(fc.record({ path, version })),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('see' as const), path, version }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('gone' as const), path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('directory-gone' as const), directory }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      lane: fc.constantFrom('small' as const, 'large' as const),
      limit: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      pick: fc.nat(),
      outcome: fc.constantFrom(
        'proven' as const,
        'unconfirmed' as const,
        'release' as const,
        'postpone' as const,
        'give-up' as const,
        'gone' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wake' as const), now: fc.integer({ min: 0, max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retry' as const), path: fc.option(path) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
);

it('any sequence of observations, claims, proofs, failures and restarts leaves the states and counts of a naive model', {
  timeout: 60_000,
}, () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const dataDir = tempDataDir();
      let ledger = open(dataDir);
      const folderId = addFolder(ledger).id;
      const model = new LedgerModel(smallFileLimitBytes);
      let claimed: QueuedFile[] = [];
      let clock = 0;

      for (const step of commands) {
        clock += 10;
        if (step.kind === 'scan') runScan(ledger, model, folderId, step);
        else if (step.kind === 'see') {
          ledger.observePaths(folderId, [sees(step.path, step.version)]);
          model.see(step.path, file('', step.version), 'watcher');
        } else if (step.kind === 'gone') {
          ledger.observePaths(folderId, [{ kind: 'gone', path: asRelativePath(step.path) }]);
          model.vanish(step.path);
        } else if (step.kind === 'directory-gone') {
          ledger.observePaths(folderId, [{ kind: 'directory-gone', path: asRelativePath(step.directory) }]);
          for (const at of [...model.files.keys()]) if (isBelow(at, step.directory)) model.vanish(at);
        } else if (step.kind === 'claim') {
          const due = model.queue(step.lane);
          expect(ledger.hasQueued(folderId, step.lane)).toBe(due.length > 0);
          const taken = ledger.claimNext(folderId, step.lane, step.limit);
          expect(taken.map((queued) => queued.path)).toEqual(due.slice(0, step.limit));
          for (const queued of taken) {
            const known = model.files.get(queued.path)!;
            expect([queued.attempt, queued.identity, queued.proof]).toEqual([
              known.attempt,
              known.identity,
              known.proof,
            ]);
            model.claim(queued.path);
          }
          claimed.push(...taken);
        } else if (step.kind === 'report' && claimed.length > 0) {
          const [queued] = claimed.splice(step.pick % claimed.length, 1) as [QueuedFile];
          const checksum = step.outcome === 'unconfirmed' ? null : 'crc32:AAAAAA==';
          if (step.outcome === 'proven' || step.outcome === 'unconfirmed') {
            const sent = { ...proof(1, checksum, queued.sizeBytes), identity: queued.identity };
            ledger.recordProofs([{ fileId: queued.id, proof: sent }]);
            model.prove(queued.path, sent);
          } else if (step.outcome === 'release') {
            ledger.releaseClaim(queued.id);
            model.giveBack(queued.path, 'queued', null);
          } else if (step.outcome === 'postpone') {
            ledger.postpone(queued.id, clock + 50);
            model.giveBack(queued.path, 'waiting', clock + 50);
          } else if (step.outcome === 'give-up') {
            ledger.giveUp(queued.id);
            model.giveBack(queued.path, 'failed', null);
          } else {
            ledger.markGone(queued.id);
            model.markGone(queued.path);
          }
        } else if (step.kind === 'wake') {
          ledger.wakeDue(step.now);
          model.wake(step.now);
        } else if (step.kind === 'retry') {
          ledger.retryNow(folderId, step.path === null ? null : asRelativePath(step.path));
          model.retry(step.path);
        } else if (step.kind === 'forget') {
          const gone = ledger.goneFiles(folderId);
          const victim = gone[step.pick % Math.max(1, gone.length)];
          if (victim) ledger.forgetFile(victim.id);
          if (victim) model.forget(victim.path);
        } else if (step.kind === 'reopen') {
          ledger.close();
          ledger = open(dataDir);
          claimed = [];
          model.reopen();
        }
        expectSame(ledger, model, folderId);
      }
      expect(ledger.check()).toEqual([]);
      ledger.close();
    }),
    { numRuns: 100 },
  );
});

function runScan(
  ledger: Ledger,
  model: LedgerModel,
  folderId: Parameters<Ledger['beginScan']>[0],
  step: {
    readonly tree: Readonly<Record<string, Readonly<Record<string, number>>>>;
    readonly complete: boolean;
    readonly unreadable: readonly string[];
    readonly watched: { readonly path: string; readonly version: number } | null;
  },
): void {
  const id = ledger.beginScan(folderId, 10);
  if (step.watched) {
    ledger.observePaths(folderId, [sees(step.watched.path, step.watched.version)]);
    model.see(step.watched.path, file('', step.watched.version), 'watcher');
  }
  for (const [at, listed] of Object.entries(step.tree)) {
    ledger.observeDirectories(id, [
      { directory: asRelativePath(at), files: Object.entries(listed).map(([name, seen]) => file(name, seen)) },
    ]);
    for (const [name, seen] of Object.entries(listed)) {
      const listedPath = at === '' ? name : `${at}/${name}`;
      if (listedPath !== step.watched?.path) model.see(listedPath, file(name, seen), 'scan');
    }
    for (const known of [...model.files.keys()]) {
      if (directoryOf(known) === at && !(nameOf(known) in listed) && known !== step.watched?.path) model.vanish(known);
    }
  }
  ledger.finishScan(id, { complete: step.complete, atMs: 20, unreadable: step.unreadable.map(asRelativePath) });
  if (!step.complete) return;
  for (const known of [...model.files.keys()]) {
    const isUnknown = step.unreadable.some((hidden) => isBelow(known, hidden));
    if (!(directoryOf(known) in step.tree) && !isUnknown && known !== step.watched?.path) model.vanish(known);
  }
}

function expectSame(ledger: Ledger, model: LedgerModel, folderId: Parameters<Ledger['counts']>[0]): void {
  const known = [...ledger.files(folderId)];
  expect(known.map((one) => [one.path, one.state, one.identity, one.sizeBytes, one.proof])).toEqual(
    [...model.files]
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map(([at, one]) => [at, one.state === 'claimed' ? 'queued' : one.state, one.identity, one.size, one.proof]),
  );
  expect(ledger.counts(folderId)).toEqual(model.counts());
  const due = [...model.files.values()].flatMap((one) => (one.state === 'waiting' ? [one.retryAt!] : []));
  expect(ledger.nextDueAt()).toBe(due.length === 0 ? null : Math.min(...due));
}

const isBelow = (at: string, above: string): boolean => above === '' || at.startsWith(`${above}/`);
const directoryOf = (at: string): string => at.slice(0, Math.max(0, at.lastIndexOf('/')));
const nameOf = (at: string): string => at.slice(at.lastIndexOf('/') + 1);
