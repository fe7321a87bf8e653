import { describe, expect, it } from 'vitest';
import { createRunMetrics } from '../../main/engine/insight/runMetrics.ts';
import type { Clock } from '../../main/engine/ports.ts';
import { createStatusBoard } from '../../main/engine/statusBoard.ts';
import type { Transfer } from '../../main/engine/transfer/transfer.ts';
import { applyUpdate, type Snapshot, type Update } from '../../shared/syncApi.ts';
import { addFolder, open, proveAll, sees } from './ledger/ledgerFixture.ts';

function world() {
  const tasks = new Set<{ readonly at: number; readonly run: () => void }>();
  let time = 1_000_000;
  const clock: Clock = {
    now: () => time,
    after: (ms, run) => {
      const task = { at: time + ms, run };
      tasks.add(task);
      return () => void tasks.delete(task);
    },
  };
  const pass = (ms: number): void => {
    for (const end = time + ms; time < end; ) {
      time += 50;
      for (const task of [...tasks]) if (task.at <= time && tasks.delete(task)) task.run();
    }
  };
  const ledger = open();
  const folder = addFolder(ledger);
  const idle = { active: () => [], connections: () => 0, reach: () => ({ kind: 'reached' }) };
  const board = createStatusBoard({
    ledger,
    transfer: idle as unknown as Transfer,
    metrics: createRunMetrics(() => time, Math.random),
    clock,
    keepers: new Map(),
    pause: () => ({ kind: 'running' }),
    failure: () => null,
    maxBandwidth: () => null,
    budget: () => ({ kind: 'none' }),
    about: { version: 'test', host: 'command', dataDir: '/', startedAt: 0 },
    onProgress: () => undefined,
  });
  const change = (version: number): void => {
    ledger.observePaths(folder.id, [sees(`f${version}`, 1)]);
    board.touch();
  };
  return { board, ledger, folder, tasks, pass, change };
}

describe('the status board', () => {
  it('costs nothing when nothing happens and nobody looks', () => {
    const { board, tasks, pass, change } = world();
    change(1);
    pass(3000);
    expect(tasks.size).toBe(0);
    const unsubscribe = board.subscribe(() => undefined);
    pass(3000);
    unsubscribe();
    pass(3000);
    expect(tasks.size).toBe(0);
  });

  it('gives every screen a sequence without a gap, or one that it notices, while others come and go', () => {
    const { board, pass, change } = world();
    let gaps = 0;
    const screen = () => {
      let shown: Snapshot = board.snapshot();
      const unsubscribe = board.subscribe((update: Update) => {
        const next = applyUpdate(shown, update);
        if (next === null) gaps++;
        shown = next ?? board.snapshot();
      });
      return { shown: () => shown, unsubscribe };
    };
    const first = screen();
    for (let i = 0; i < 20; i++) {
      change(i);
      const second = i % 3 === 0 ? screen() : null;
      pass(i % 2 === 0 ? 100 : 400);
      second?.unsubscribe();
      if (i % 5 === 0) board.snapshot();
    }
    pass(1000);
    expect(first.shown().folders[0]?.filesTotal).toBe(20);
    expect(gaps).toBe(0);
  });

  it('never calls a folder safe that no scan has seen to its end', () => {
    const { board, ledger, folder } = world();
    ledger.observePaths(folder.id, [sees('f', 1)]);
    proveAll(ledger, folder.id);
    expect(board.snapshot().folders[0]?.phase).not.toBe('safe');
    expect(board.sentence().state).not.toBe('safe');
  });
});
