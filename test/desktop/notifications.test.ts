import { describe, expect, it } from 'vitest';
import { decideNotifications, NotificationMemory } from '../../main/desktop/notifications.ts';
import { asFolderId } from '../../shared/ids.ts';
import type { Snapshot } from '../../shared/syncApi.ts';
import { fixtureFolder, fixtureSnapshot } from './support/fixtureSyncApi.ts';

const minute = 60_000;
const day = 86_400_000;
const start = 1_790_000_000_000;

/** Plays states one after another; gives the titles that were shown, each with its minute. */
function play(states: readonly (readonly [atMs: number, Snapshot])[], memory = NotificationMemory.parse({})) {
  let previous: Snapshot | null = null;
  let current = memory;
  const told: string[] = [];
  for (const [at, next] of states) {
    const decision = decideNotifications(current, previous, next, start + at);
    current = decision.memory;
    previous = next;
    told.push(...decision.notes.map((note) => note.title));
  }
  return { told, memory: current };
}
const issues = (issueCount: number) => fixtureSnapshot({ issueCount, folders: [] });
const folders = (...list: Parameters<typeof fixtureFolder>[0][]) =>
  fixtureSnapshot({ folders: list.map(fixtureFolder) });
const uploading = { phase: 'uploading' as const, filesProven: 1 };

describe('issues', () => {
  it('a new issue is told once', () => {
    expect(
      play([
        [0, issues(0)],
        [1, issues(1)],
        [2, issues(1)],
        [day, issues(1)],
      ]).told,
    ).toEqual(['Something needs you']);
  });

  it('ten thousand issues in a row are not ten thousand notifications', () => {
    const flood = Array.from({ length: 10_000 }, (_, i) => [i * 100, issues(i + 1)] as const);
    // 16.7 minutes of flood
    expect(play(flood).told).toHaveLength(2);
  });

  it('one that comes and goes does not nag', () => {
    const flapping = Array.from({ length: 60 }, (_, i) => [i * 1_000, issues(i % 2)] as const);
    expect(play(flapping).told).toHaveLength(1);
  });

  it('a restart does not repeat what was told', () => {
    const { memory } = play([
      [0, issues(0)],
      [1, issues(3)],
    ]);
    expect(play([[day, issues(3)]], memory).told).toEqual([]);
    expect(play([[day, issues(4)]], memory).told).toEqual(['4 things need you']);
  });
});

describe('a folder that is done for the first time', () => {
  it('is announced once, not after every change', () => {
    const states = [uploading, {}, uploading, {}].map((change, i) => [i * minute, folders(change)] as const);
    expect(play(states).told).toEqual(['Photos is safely in S3']);
  });

  it('is not announced when it was done before we looked, when it is empty, or while its scan is open', () => {
    expect(
      play([
        [0, folders({})],
        [1, folders({})],
      ]).told,
    ).toEqual([]);
    expect(
      play([
        [0, folders({ ...uploading })],
        [1, folders({ filesTotal: 0 })],
      ]).told,
    ).toEqual([]);
    expect(
      play([
        [0, folders(uploading)],
        [1, folders({ totalsAtLeast: true })],
      ]).told,
    ).toEqual([]);
  });

  it('several at once are one notification', () => {
    const two = (change: object) => folders(change, { ...change, id: asFolderId(2), path: '/home/ada/Music' });
    expect(
      play([
        [0, two(uploading)],
        [1, two({})],
      ]).told,
    ).toEqual(['2 folders are safely in S3']);
  });
});

describe('no success for days', () => {
  const stuck = (lastUploadAt: number | null) =>
    folders({ phase: 'offline', lastUploadAt, phaseText: 'Offline: no network' });

  it('raises an alert after three days, again after each further one, also when paused', () => {
    const states = Array.from({ length: 5 * 24 + 1 }, (_, hour) => [hour * 60 * minute, stuck(null)] as const);
    expect(play(states).told).toEqual([
      'Photos: nothing uploaded for 3 d 0 h',
      'Photos: nothing uploaded for 4 d 0 h',
      'Photos: nothing uploaded for 5 d 0 h',
    ]);
    const paused = folders({ phase: 'paused', paused: true, lastUploadAt: start });
    expect(
      play([
        [0, paused],
        [3 * day, paused],
      ]).told,
    ).toEqual(['Photos: nothing uploaded for 3 d 0 h']);
  });

  it('counts on over restarts', () => {
    const { memory } = play([[0, stuck(null)]]);
    expect(play([[3 * day, stuck(null)]], memory).told).toHaveLength(1);
  });

  it('a folder that is safe, or uploads something, never raises it', () => {
    const busy = (at: number) => folders({ ...uploading, lastUploadAt: start + at });
    const days = [0, 2, 4, 6, 8];
    expect(play(days.map((n) => [n * day, busy(n * day)] as const)).told).toEqual([]);
    expect(
      play([
        [0, folders({})],
        [30 * day, folders({})],
      ]).told,
    ).toEqual([]);
  });

  it('a clock that was set back raises nothing', () => {
    expect(
      play([
        [0, stuck(start)],
        [-10 * day, stuck(start)],
        [-9 * day, stuck(start)],
      ]).told,
    ).toEqual([]);
  });
});
