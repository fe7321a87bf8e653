import { appendFileSync, lstatSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { observeFile } from '../../../main/engine/watch/observeFile.ts';
import { rootIdentity } from '../../../main/engine/watch/rootIdentity.ts';
import type { WatcherEvents } from '../../../main/engine/watch/watcher.ts';
import { asRelativePath } from '../../../shared/ids.ts';
import { sourceIdentity } from '../../../shared/source.ts';
import { tempFolder } from './tempFolder.ts';
import { onDisk, watching } from './watching.ts';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const waitFor = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 20 });

describe.concurrent('a watched folder', () => {
  it('reports what is made, changed, moved and removed, and nothing else', async () => {
    const root = tempFolder();
    mkdirSync(join(root, 'old'));
    for (const name of ['edited', 'moved', 'removed', 'untouched', 'old/below'])
      writeFileSync(join(root, name), 'before');
    const watched = await watching(root);
    expect(watched.states).toEqual([['watching', null]]);
    writeFileSync(join(root, 'made'), 'new');
    appendFileSync(join(root, 'edited'), ' and after');
    renameSync(join(root, 'moved'), join(root, 'moved-here'));
    rmSync(join(root, 'removed'));
    renameSync(join(root, 'old'), join(root, 'new'));
    await watched.quiet(800);
    expect(watched.model).toEqual(await onDisk(root));
    expect([...watched.model.keys()].sort()).toEqual(['edited', 'made', 'moved-here', 'new/below', 'untouched']);
    expect(watched.observations).toContainEqual({ kind: 'gone', path: 'removed' });
    expect(watched.observations).toContainEqual({ kind: 'directory-gone', path: 'old' });
    expect(watched.observations.map(({ path }) => path)).not.toContain('untouched');
    expect(watched.rescans).toEqual([]);
  });

  it("takes an editor's atomic save for a change, never for a removal", async () => {
    const root = tempFolder();
    writeFileSync(join(root, 'text'), 'before');
    const watched = await watching(root, { settleMs: 800 });
    // the old file is moved aside, the new one takes its place a moment later
    renameSync(join(root, 'text'), join(root, 'text~'));
    await sleep(30);
    writeFileSync(join(root, 'text'), 'after');
    rmSync(join(root, 'text~'));
    await waitFor(() =>
      expect(watched.observations.some(({ kind, path }) => kind === 'file' && path === 'text')).toBe(true),
    );
    expect(watched.observations).not.toContainEqual({ kind: 'gone', path: 'text' });
    expect(watched.model).toEqual(await onDisk(root));
  });

  it('waits for a growing file, and reports it once, as it is in the end', async () => {
    const root = tempFolder();
    const watched = await watching(root, { settleMs: 900 });
    const file = join(root, 'download');
    for (let i = 0; i < 20; i++) {
      appendFileSync(file, 'x'.repeat(1_000));
      await sleep(50);
    }
    await watched.quiet(2_500);
    const reports = watched.observations.filter(({ path }) => path === 'download');
    expect(reports).toMatchObject([
      { kind: 'file', file: { sizeBytes: 20_000, identity: sourceIdentity(lstatSync(file, { bigint: true })) } },
    ]);
  });

  it('does not wait for ever for a file that never rests', async () => {
    const root = tempFolder();
    const watched = await watching(root, { settleMs: 100 });
    const writer = setInterval(() => appendFileSync(join(root, 'log'), 'line\n'), 15);
    try {
      await waitFor(() => expect(watched.observations.filter(({ path }) => path === 'log').length).toBeGreaterThan(0));
    } finally {
      clearInterval(writer);
    }
    await watched.quiet(800);
    expect(watched.model).toEqual(await onDisk(root));
  });

  it('misses nothing in a tree that appears all at once', async () => {
    const root = tempFolder();
    const watched = await watching(root);
    for (let i = 0; i < 6; i++) {
      const directory = join(root, 'tree', `${i}`, 'deep', 'deeper');
      mkdirSync(directory, { recursive: true });
      for (let j = 0; j < 10; j++) writeFileSync(join(directory, `${j}`), `${j}`);
    }
    await watched.quiet(1_000);
    expect(watched.model).toEqual(await onDisk(root));
    expect(watched.model.size).toBe(60);
  });

  it('reports a removed tree once, not file by file', async () => {
    const root = tempFolder();
    for (let i = 0; i < 5; i++) {
      mkdirSync(join(root, 'tree', `${i}`), { recursive: true });
      for (let j = 0; j < 20; j++) writeFileSync(join(root, 'tree', `${i}`, `${j}`), '');
    }
    // A removal that takes longer than a file needs to settle is seen piece by piece, and rightly so.
    const watched = await watching(root, { settleMs: 1_500 });
    rmSync(join(root, 'tree'), { recursive: true });
    await waitFor(() => expect(watched.observations).toContainEqual({ kind: 'directory-gone', path: 'tree' }));
    await watched.quiet(2_000);
    expect(watched.model.size).toBe(0);
    expect(watched.observations.length).toBeLessThan(20);
  });

  it('takes a link that replaces a directory for the removal of what was in it', async () => {
    const root = tempFolder();
    const outside = tempFolder();
    mkdirSync(join(root, 'd'));
    writeFileSync(join(root, 'd', 'file'), '');
    writeFileSync(join(outside, 'file'), '');
    const watched = await watching(root);
    rmSync(join(root, 'd'), { recursive: true });
    symlinkSync(outside, join(root, 'd'));
    await watched.quiet(800);
    expect(watched.model.size).toBe(0);
  });

  it('does not look at what the rules leave out, and follows a change of the rules', async () => {
    const root = tempFolder();
    mkdirSync(join(root, 'cache'));
    const watched = await watching(root, { rules: { include: [], exclude: ['cache/'] } });
    writeFileSync(join(root, 'cache', 'a'), '');
    writeFileSync(join(root, '.DS_Store'), '');
    writeFileSync(join(root, 'x.log'), '1');
    await waitFor(() => expect(watched.model.has('x.log')).toBe(true));
    expect([...watched.model.keys()]).toEqual(['x.log']);
    writeFileSync(join(root, '.sluiceignore'), '*.log\n');
    await waitFor(() => expect(watched.rescans).toContain('The rules changed.'));
    await watched.quiet(600);
    const before = watched.observations.length;
    writeFileSync(join(root, 'y.log'), '');
    await watched.quiet(600);
    expect(watched.observations.length).toBe(before);
    rmSync(join(root, '.sluiceignore'));
    await waitFor(() => expect(watched.rescans.length).toBe(2));
    writeFileSync(join(root, 'z.log'), '');
    await waitFor(() => expect(watched.model.has('z.log')).toBe(true));
    expect(watched.model.has('y.log')).toBe(true);
  });

  it('reports names that can not be uploaded, invalid UTF-8 too', async () => {
    const root = tempFolder();
    const watched = await watching(root);
    writeFileSync(join(root, 'new\nline'), '');
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x63, 0xe9])]), '');
    await waitFor(() =>
      expect(watched.problems.map(({ code }) => code).sort()).toEqual(
        expect.arrayContaining(['name-not-utf8', 'name-unsupported']),
      ),
    );
    expect(watched.problems.find(({ code }) => code === 'name-not-utf8')?.path).toBe('c\\xe9');
    await watched.quiet(500);
    expect(watched.model.size).toBe(0);
  });

  it.for(['removed', 'replaced'] as const)(
    'says once that the root was %s, and takes nothing in it for gone',
    async (how) => {
      const home = tempFolder();
      const root = join(home, 'root');
      mkdirSync(join(root, 'd'), { recursive: true });
      for (let i = 0; i < 50; i++) writeFileSync(join(root, 'd', `${i}`), '');
      const watched = await watching(root, { tuning: { rootCheckMs: 200 } });
      if (how === 'removed') rmSync(root, { recursive: true });
      else {
        renameSync(root, join(home, 'aside'));
        mkdirSync(root);
      }
      await waitFor(() => expect(watched.rootGone).toBe(1));
      await sleep(600);
      expect(watched.rootGone).toBe(1);
      expect(watched.observations).toEqual([]);
    },
  );

  it('says that the root is gone when it was never there', async () => {
    const watched = await watching(join(tempFolder(), 'missing'));
    await waitFor(() => expect(watched.rootGone).toBe(1));
  });

  it('goes on after the consumer failed, and asks for a rescan instead of losing what it could not take', async () => {
    const root = tempFolder();
    let failures = 1;
    const rescans: string[] = [];
    const seen: string[] = [];
    await watching(root, {
      onChanges: ({ observations }) => {
        if (failures-- > 0) throw new Error('the disk is full');
        seen.push(...observations.map(({ path }) => path));
      },
      onRescanNeeded: (reason) => rescans.push(reason),
    });
    writeFileSync(join(root, 'first'), '');
    await waitFor(() => expect(rescans).toEqual(['Changes could not be recorded: the disk is full']));
    writeFileSync(join(root, 'second'), '');
    await waitFor(() => expect(seen).toContain('second'));
  });

  it('holds the next batch back until the one before was taken', async () => {
    const root = tempFolder();
    let open = 0;
    let most = 0;
    let taken = 0;
    await watching(root, {
      onChanges: async ({ observations }) => {
        most = Math.max(most, ++open);
        await sleep(150);
        taken += observations.filter(({ kind }) => kind === 'file').length;
        open--;
      },
    });
    for (let i = 0; i < 8; i++) {
      writeFileSync(join(root, `${i}`), '');
      await sleep(40);
    }
    await waitFor(() => expect(taken).toBe(8));
    expect(most).toBe(1);
  });
});

describe.concurrent('a watcher in trouble', () => {
  const nothing = { add: () => {}, forget: () => {}, close: async () => {} };

  it('asks for rescans instead when the system allows no more watches, says how to allow more, and comes back', async () => {
    const root = tempFolder();
    let starts = 0;
    const watched = await watching(root, {
      tuning: { pollMs: 40 },
      startWatcher: (_root, events) => {
        const works = ++starts > 1;
        setTimeout(
          () => (works ? events.onReady() : events.onError(Object.assign(new Error('watch'), { code: 'ENOSPC' }))),
          5,
        );
        return nothing;
      },
    });
    expect(watched.states[0]).toEqual(['polling', expect.stringContaining('sysctl fs.inotify.max_user_watches')]);
    writeFileSync(join(root, 'made-while-polling'), '');
    await waitFor(() => expect(watched.model.has('made-while-polling')).toBe(true));
    await waitFor(() => expect(watched.states.at(-1)).toEqual(['watching', null]));
    await sleep(100);
    const rescans = watched.rescans.length;
    expect(rescans).toBeGreaterThan(3);
    await sleep(200);
    expect(watched.rescans.length).toBe(rescans);
  });

  it('asks for a rescan when the system may have dropped notifications', async () => {
    const root = tempFolder();
    let events: WatcherEvents | undefined;
    const watched = await watching(root, {
      startWatcher: (_root, given) => {
        events = given;
        setTimeout(given.onReady, 5);
        return nothing;
      },
    });
    for (let i = 0; i < 1_000_000 && watched.rescans.length === 0; i++) events?.onNotification(join(root, 'x'));
    expect(watched.rescans).toEqual(['The system reported more changes than it can queue.']);
  });
});

describe('one look', () => {
  it('tells a file from what is gone or something else by now', async () => {
    const root = tempFolder();
    mkdirSync(join(root, 'd'));
    symlinkSync('file', join(root, 'link'));
    writeFileSync(join(root, 'file'), 'abc');
    const look = (path: string) => observeFile(root, asRelativePath(path));
    expect(await look('file')).toMatchObject({
      name: 'file',
      sizeBytes: 3,
      identity: sourceIdentity(lstatSync(join(root, 'file'), { bigint: true })),
    });
    expect(await look('missing')).toBe('gone');
    expect(await look('d')).toBe('gone');
    expect(await look('link')).toBe('gone');
    expect(await look('file/below')).toBe('gone');
    const outside = tempFolder();
    writeFileSync(join(outside, 'file'), '');
    writeFileSync(join(root, 'd', 'file'), '');
    expect(await look('d/file')).toMatchObject({ name: 'file' });
    rmSync(join(root, 'd'), { recursive: true });
    symlinkSync(outside, join(root, 'd'));
    expect(await look('d/file')).toBe('gone');
    expect(await look('n'.repeat(300))).toMatchObject({ code: 'unreadable' });
  });

  it('tells the root from another one of the same name', async () => {
    const home = tempFolder();
    const root = join(home, 'root');
    mkdirSync(root);
    const before = await rootIdentity(root);
    expect(await rootIdentity(root)).toEqual(before);
    renameSync(root, join(home, 'aside'));
    mkdirSync(root);
    expect(await rootIdentity(root)).not.toEqual(before);
    await expect(rootIdentity(join(home, 'missing'))).rejects.toMatchObject({ code: 'folder-missing' });
  });
});
