import { SluiceError } from '../../shared/errors.ts';
import { asFolderId, asIssueId } from '../../shared/ids.ts';
import type { PolicyView } from '../../shared/policy.ts';
import { defaultEngineSettings, type EngineSettings } from '../../shared/settings.ts';
import {
  type ActivityRow,
  applyUpdate,
  type FolderView,
  type IssueView,
  type Snapshot,
  type SyncApi,
  type SyncApiMethod,
  type TransferView,
  type Update,
} from '../../shared/syncApi.ts';
import { GiB, MiB } from '../../shared/units.ts';
import { costFixtures } from './costFixtures.ts';
import { fixtureDeletes } from './fixtureDeletes.ts';

export const scenarios = ['empty', 'busy', 'paused', 'offline', 'attention', 'safe', 'million', 'locked'] as const;
export type Scenario = (typeof scenarios)[number];

export interface FixtureApi {
  readonly api: SyncApi;
  /** Every call but `snapshot`, in order. */
  readonly calls: { readonly method: SyncApiMethod; readonly params: unknown }[];
  readonly snapshotsAsked: () => number;
  readonly subscribers: () => number;
  /** Changes the state and tells the subscribers. */
  push(change: Omit<Update, 'seq' | 'at'>): void;
  /** Changes the state without telling anybody: the next `push` leaves a gap. */
  miss(change: Omit<Update, 'seq' | 'at'>): void;
  /** One more row on top of the activity. */
  addActivity(row: Partial<ActivityRow>): void;
}

const lockedPolicy: PolicyView = {
  source: '/etc/sluice/policy.json',
  locks: [
    { setting: 'maxConnections', text: 'maxConnections is 20', reason: 'The line is shared with the phones' },
    { setting: 'checksum', text: 'checksum is "sha256"', reason: null },
    { setting: 'acceleration', text: 'acceleration is {"mode":"off"}', reason: 'It is not in the contract' },
    { setting: 'monthlyBudgetUsd', text: 'monthlyBudgetUsd is 20', reason: 'Agreed with finance' },
    { setting: null, text: 'Buckets: corp-*', reason: 'Data stays with us' },
  ],
};

/** An engine without disk or bucket, in one state that a test wants to see. Only for tests of screens. */
export function createFixtureApi(scenario: Scenario): FixtureApi {
  let snapshot = snapshotOf(scenario);
  let settings: EngineSettings = {
    ...defaultEngineSettings,
    maxBandwidthBytesPerSecond: snapshot.maxBandwidthBytesPerSecond,
  };
  let issues = scenario === 'attention' ? fixtureIssues() : [];
  const newest: ActivityRow[] = [];
  const history = scenario === 'empty' ? 0 : scenario === 'million' ? 1_000_000 : 2_400;
  const listeners = new Set<(update: Update) => void>();
  const calls: { method: SyncApiMethod; params: unknown }[] = [];
  let snapshotsAsked = 0;

  const change = (update: Omit<Update, 'seq' | 'at'>): Update => {
    const numbered = { ...update, seq: snapshot.seq + 1, at: Date.now() };
    snapshot = applyUpdate(snapshot, numbered)!;
    return numbered;
  };
  const push = (update: Omit<Update, 'seq' | 'at'>) => {
    const numbered = change(update);
    for (const listener of listeners) listener(numbered);
  };
  const setFolder = (id: number, next: Partial<FolderView>) => {
    const view = snapshot.folders.find((folder) => folder.id === id);
    if (!view) throw new SluiceError('not-found', `There is no folder ${id}`);
    push({ folders: [{ ...view, ...next }] });
  };
  const rowAt = (index: number): ActivityRow => newest[index] ?? historyRow(history - (index - newest.length));
  const rowCount = () => history + newest.length;

  const api: SyncApi = {
    snapshot: async () => {
      snapshotsAsked++;
      return snapshot;
    },
    addFolder: async (params) => {
      const id = asFolderId(Math.max(0, ...snapshot.folders.map((folder) => folder.id)) + 1);
      const view = folderView(id, params.path, params.bucket, params.prefix, {
        phase: 'scanning',
        phaseText: 'Looking for files',
      });
      push({
        folders: [{ ...view, totalsAtLeast: true }],
        sentence: { state: 'scanning', text: 'Looking for changes, 0 files so far' },
      });
      return { folderId: id };
    },
    removeFolder: async ({ folderId }) => {
      push({ removedFolders: [folderId] });
      return {};
    },
    pauseFolder: async ({ folderId }) => {
      setFolder(folderId, { paused: true, phase: 'paused', phaseText: 'Paused' });
      return {};
    },
    resumeFolder: async ({ folderId }) => {
      setFolder(folderId, { paused: false, phase: 'uploading', phaseText: 'Uploading' });
      return {};
    },
    rescanFolder: async () => ({}),
    verifyProgress: async () => null,
    restoreProgress: async () => null,
    cancelRestore: async () => ({}),
    restoreFolder: async () => ({
      ...{ filesListed: 12_408, filesExcluded: 0, filesRestored: 12_406, filesSkipped: 0, filesNotVerified: 0 },
      ...{ bytesRestored: 61 * GiB, bytesReceived: 61 * GiB, bytesResumed: 0, retries: 3, durationMs: 840_000 },
      filesFailed: scenario === 'attention' ? 2 : 0,
      failures:
        scenario === 'attention'
          ? [
              {
                path: 'Notes/2024/plan.md',
                error: new SluiceError(
                  'target-exists',
                  'Notes/2024/plan.md is there and differs from its object',
                ).view(),
              },
              {
                path: 'Archive/2009.tar',
                error: new SluiceError(
                  'object-archived',
                  "The object is archived in photos and can't be read as it is",
                ).view(),
              },
            ]
          : [],
    }),
    explainPath: async () => ({ kind: 'taken', reason: 'No rule leaves it out.' }),
    verifyFolder: async ({ deep }) =>
      scenario === 'attention'
        ? {
            ok: false,
            deep,
            filesChecked: 12_408,
            bytesChecked: 61 * GiB,
            bytesReread: deep ? 61 * GiB : 0,
            durationMs: 4_200,
            problems: [
              {
                path: 'Notes/2024/plan.md',
                key: 'laptop/Notes/2024/plan.md',
                problem: 'object-missing',
                detail: 'HEAD answered 404',
              },
              {
                path: 'تقرير/الميزانية.xlsx',
                key: 'laptop/x',
                problem: 'size-differs',
                detail: '10 B on disk, 12 B in the bucket',
              },
            ],
          }
        : {
            ok: true,
            deep,
            filesChecked: 12_408,
            bytesChecked: 61 * GiB,
            bytesReread: 0,
            durationMs: 4_200,
            problems: [],
          },
    ...fixtureDeletes(scenario),
    resolveConflict: async ({ issueId }) => {
      issues = issues.filter(({ id }) => id !== issueId);
      push({ issueCount: issues.length });
      return {};
    },
    pauseAll: async ({ untilMs }) => {
      push({ pause: { kind: 'paused', untilMs }, sentence: { state: 'paused', text: 'Paused' } });
      return {};
    },
    resumeAll: async () => {
      push({ pause: { kind: 'running' }, sentence: { state: 'uploading', text: 'Uploading 3 of 120 files' } });
      return {};
    },
    activity: async ({ before, limit, search, actions, folderId }) => {
      // Ids fall by one from row to row, so that a million rows need no array.
      const start = before === null ? 0 : Math.max(0, rowCount() + 1 - before);
      if (search === '' && actions.length === 0 && folderId === null) {
        const rows = Array.from({ length: Math.min(limit, rowCount() - start) }, (_, offset) => rowAt(start + offset));
        return { rows, hasMore: start + rows.length < rowCount(), total: rowCount() };
      }
      const rows: ActivityRow[] = [];
      let total = 0;
      for (let index = 0; index < rowCount(); index++) {
        const row = rowAt(index);
        if (!row.path.includes(search) || (actions.length > 0 && !actions.includes(row.action))) continue;
        if (folderId !== null && row.folderId !== folderId) continue;
        total++;
        if (index >= start && rows.length <= limit) rows.push(row);
      }
      return { rows: rows.slice(0, limit), hasMore: rows.length > limit, total };
    },
    issues: async () => ({ issues }),
    retryIssue: async ({ issueId }) => {
      issues = issues.map((issue) => (issue.id === issueId ? { ...issue, count: issue.count + 1 } : issue));
      return {};
    },
    dismissIssue: async ({ issueId }) => {
      issues = issues.filter(({ id }) => id !== issueId);
      push({ issueCount: issues.length });
      return {};
    },
    settings: async () => settings,
    policy: async () => (scenario === 'locked' ? lockedPolicy : { source: null, locks: [] }),
    updateSettings: async (params) => {
      settings = { ...settings, ...(params as EngineSettings) };
      push({ maxBandwidthBytesPerSecond: settings.maxBandwidthBytesPerSecond });
      return settings;
    },
    probeConnection: async ({ connection, bucket }) => {
      const wrong = connection.credentials.kind === 'keys' && connection.credentials.secretAccessKey === 'wrong';
      const steps = [
        { name: 'Reach the endpoint', ok: true, detail: 'answered in 12 ms', remedy: null },
        wrong
          ? {
              name: 'Sign in',
              ok: false,
              detail: 'the store refused these keys',
              remedy: 'Check the access key and the secret key for this endpoint.',
            }
          : { name: 'Sign in', ok: true, detail: '3 buckets', remedy: null },
        ...(bucket && !wrong ? [{ name: `Look at ${bucket}`, ok: true, detail: 'in eu-central-1', remedy: null }] : []),
      ];
      return {
        ok: !wrong,
        steps,
        buckets: wrong ? null : ['archive-2023', 'family-photos', 'laptop-backup'],
        clockSkewMs: 40,
      };
    },
    applyBenchmark: async () => ({}),
    ...costFixtures,
    listLocalDirectory: async ({ path }) => {
      const at = path ?? '/home/ada';
      const names = at.split('/').length > 4 ? [] : ['Documents', 'Photos', 'Projects', 'عربي'];
      const parent = at === '/' ? null : at.slice(0, at.lastIndexOf('/')) || '/';
      return {
        path: at,
        parent,
        directories: names.map((name) => ({ name, path: `${at === '/' ? '' : at}/${name}` })),
      };
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };

  const recording = Object.fromEntries(
    Object.entries(api).map(([name, run]) => [
      name,
      name === 'snapshot' || name === 'subscribe'
        ? run
        : (params: never) => {
            calls.push({ method: name as SyncApiMethod, params });
            return (run as (params: never) => Promise<unknown>)(params);
          },
    ]),
  ) as unknown as SyncApi;

  return {
    api: recording,
    calls,
    snapshotsAsked: () => snapshotsAsked,
    subscribers: () => listeners.size,
    push,
    miss: (update) => void change(update),
    addActivity: (row) => {
      newest.unshift({ ...historyRow(rowCount() + 1), at: Date.now(), ...row });
      push({ totals: { ...snapshot.totals, filesToday: snapshot.totals.filesToday + 1 } });
    },
  };
}

const now = Date.now();

function folderView(id: number, path: string, bucket: string, prefix: string, change: Partial<FolderView>): FolderView {
  return {
    id: asFolderId(id),
    kind: 'kept',
    path,
    bucket,
    prefix,
    uri: `s3://${bucket}/${prefix}`,
    endpointUrl: null,
    region: 'eu-central-1',
    rules: { include: [], exclude: [] },
    phase: 'safe',
    phaseText: 'All files are safely in S3',
    paused: false,
    totalsAtLeast: false,
    filesTotal: 12_408,
    bytesTotal: 61 * GiB,
    filesProven: 12_408,
    bytesProven: 61 * GiB,
    filesQueued: 0,
    bytesQueued: 0,
    filesFailed: 0,
    lastScanAt: now - 240_000,
    lastUploadAt: now - 3_600_000,
    watcher: 'watching',
    issueCount: 0,
    ...change,
  };
}

function snapshotOf(scenario: Scenario): Snapshot {
  const photos = folderView(1, '/home/ada/Photos', 'family-photos', 'laptop/', {});
  const work = folderView(
    2,
    '/srv/projects/اسم عربي/very long customer name that goes on and on/deliverables',
    'archive-2023',
    'work/projects/',
    {
      endpointUrl: 'https://s3.eu-central-003.backblazeb2.example',
      rules: { include: [], exclude: ['node_modules/', '*.tmp', '.cache/'] },
      filesTotal: 4_310,
      bytesTotal: 18 * GiB,
      filesProven: 4_310,
      bytesProven: 18 * GiB,
      watcher: 'polling',
    },
  );
  const base: Snapshot = {
    seq: 10,
    at: now,
    sentence: { state: 'safe', text: 'All 16,718 files are safely in S3' },
    folders: [photos, work],
    transfers: [],
    rate: rateSamples(() => 0),
    totals: {
      filesQueued: 0,
      bytesQueued: 0,
      filesInFlight: 0,
      connections: 0,
      bytesPerSecond: 0,
      etaMs: null,
      filesToday: 214,
      bytesToday: 3.4 * GiB,
      retriesToday: 2,
    },
    pause: { kind: 'running' },
    maxBandwidthBytesPerSecond: null,
    issueCount: 0,
    about: { version: '0.1.0', host: 'daemon', dataDir: '/home/ada/.local/share/sluice', startedAt: now - 86_400_000 },
  };
  const half = { filesProven: 12_288, bytesProven: 47.3 * GiB, filesQueued: 120, bytesQueued: 13.7 * GiB };
  switch (scenario) {
    case 'empty':
      return {
        ...base,
        folders: [],
        rate: [],
        totals: { ...base.totals, filesToday: 0, bytesToday: 0, retriesToday: 0 },
        sentence: { state: 'empty', text: 'No folder is kept in S3 yet' },
      };
    case 'busy':
      return {
        ...base,
        sentence: { state: 'uploading', text: 'Uploading 120 of 16,718 files, about 4 min left' },
        folders: [
          { ...photos, ...half, phase: 'uploading', phaseText: 'Uploading 120 files' },
          {
            ...work,
            phase: 'scanning',
            phaseText: 'Looking for changes',
            totalsAtLeast: true,
            filesProven: 3_900,
            bytesProven: 15.2 * GiB,
          },
        ],
        transfers: fixtureTransfers(),
        rate: rateSamples((second) => (52 + 11 * Math.sin(second / 23) + 6 * Math.sin(second / 5)) * MiB),
        totals: {
          ...base.totals,
          filesQueued: 120,
          bytesQueued: 13.7 * GiB,
          filesInFlight: 14,
          connections: 24,
          bytesPerSecond: 57.2 * MiB,
          etaMs: 245_000,
        },
        maxBandwidthBytesPerSecond: 80 * MiB,
      };
    case 'paused':
      return {
        ...base,
        sentence: { state: 'paused', text: 'Paused, 120 files waiting' },
        folders: [{ ...photos, ...half, phase: 'paused', phaseText: 'Paused', paused: true }, work],
        pause: { kind: 'paused', untilMs: now + 3_600_000 },
        totals: { ...base.totals, filesQueued: 120, bytesQueued: 13.7 * GiB },
      };
    case 'offline':
      return {
        ...base,
        sentence: {
          state: 'offline',
          text: 'Offline: the name s3.eu-central-1.amazonaws.com cannot be found, 120 files waiting',
        },
        folders: [
          { ...photos, ...half, phase: 'offline', phaseText: 'Offline: no network' },
          { ...work, phase: 'offline', phaseText: 'Offline: no network' },
        ],
        totals: { ...base.totals, filesQueued: 120, bytesQueued: 13.7 * GiB },
      };
    case 'attention':
      return {
        ...base,
        sentence: { state: 'attention', text: '4 files need you; 16,714 of 16,718 files are safely in S3' },
        folders: [
          {
            ...photos,
            phase: 'attention',
            phaseText: '4 files need you',
            filesFailed: 4,
            issueCount: 4,
            filesProven: 12_404,
            bytesProven: 60.9 * GiB,
          },
          work,
        ],
        issueCount: 6,
      };
    case 'safe':
    case 'million':
    case 'locked':
      return base;
  }
}

function rateSamples(rate: (second: number) => number) {
  return Array.from({ length: 600 }, (_, second) => ({
    at: now - (599 - second) * 1000,
    bytesPerSecond: rate(second),
  }));
}

function fixtureTransfers(): TransferView[] {
  const map = (done: number, flying: number, again: number, waiting: number) =>
    '#'.repeat(done) + '~'.repeat(flying) + '!'.repeat(again) + '~'.repeat(2) + '.'.repeat(waiting);
  const transfer = (id: string, path: string, change: Partial<TransferView>): TransferView => ({
    id,
    folderId: asFolderId(1),
    path,
    key: `laptop/${path}`,
    strategy: 'multipart',
    phase: 'sending',
    bytesTotal: 9.2 * GiB,
    bytesDone: 6.1 * GiB,
    bytesPerSecond: 31 * MiB,
    partCount: 590,
    partsDone: 391,
    partMap: map(130, 6, 1, 61),
    resumedParts: 212,
    retries: 3,
    startedAt: now - 200_000,
    endpoint: 'regional',
    ...change,
  });
  return [
    transfer('a', 'Videos/2026/Summer holiday by the sea – uncut master recording, camera two.mov', {}),
    transfer('b', 'Videos/2026/grandma.mp4', {
      bytesTotal: 820 * MiB,
      bytesDone: 120 * MiB,
      bytesPerSecond: 18 * MiB,
      partCount: 52,
      partsDone: 7,
      partMap: `${'#'.repeat(7)}${'~'.repeat(6)}${'.'.repeat(39)}`,
      resumedParts: 0,
      retries: 0,
    }),
    transfer('c', 'צילומים/תמונה 001.raw', {
      strategy: 'put',
      phase: 'retrying',
      bytesTotal: 4.1 * MiB,
      bytesDone: 1.3 * MiB,
      bytesPerSecond: 0,
      partCount: 1,
      partsDone: 0,
      partMap: '!',
      resumedParts: 0,
      retries: 2,
    }),
    transfer('d', 'IMG_20260714_181203.jpg', {
      strategy: 'put',
      phase: 'verifying',
      bytesTotal: 3.2 * MiB,
      bytesDone: 3.2 * MiB,
      bytesPerSecond: 8 * MiB,
      partCount: 1,
      partsDone: 1,
      partMap: '#',
      resumedParts: 0,
      retries: 0,
    }),
  ];
}

function fixtureIssues(): IssueView[] {
  const issue = (id: number, change: Partial<IssueView>): IssueView => ({
    id: asIssueId(id),
    folderId: asFolderId(1),
    path: null,
    code: 'source-unreadable',
    message: 'The file cannot be read: permission denied',
    remedy: 'Give your user read permission on this file, or exclude it.',
    firstSeenAt: now - 7_200_000,
    lastSeenAt: now - 60_000,
    count: 1,
    ...change,
  });
  return [
    issue(1, { path: 'private/keys.kdbx', count: 12 }),
    issue(2, {
      path: 'Projects/a very deep/folder structure/that/never/ends/and/keeps/its/names/long/enough/to/need/shortening/report final (3).docx',
      code: 'key-too-long',
      message: 'The object key would have 1,102 bytes',
      remedy: 'Shorten the path or the prefix: an S3 key has at most 1,024 bytes.',
    }),
    issue(3, {
      code: 'watch-limit',
      message: 'Changes are looked for every few minutes: this machine watches no more folders',
      remedy: 'Raise the limit: sudo sysctl fs.inotify.max_user_watches=1048576',
    }),
    issue(4, {
      path: 'db/live.sqlite',
      code: 'source-keeps-changing',
      message: 'The file changed each time it was read',
      remedy: 'Close the program that writes it, or exclude it.',
      count: 40,
    }),
    issue(5, {
      folderId: null,
      code: 'expired-credentials',
      message: 'The sign-in has expired',
      remedy: 'Sign in again (for SSO: aws sso login).',
    }),
    issue(6, {
      path: 'Notes/2024/plan.md',
      code: 'foreign-object',
      message: 'laptop/Notes/2024/plan.md is an object that somebody else wrote',
      remedy: new SluiceError('foreign-object', '').view().remedy,
    }),
  ];
}

/** Row `id` of an endless history; the same each time it is asked for. */
function historyRow(id: number): ActivityRow {
  const failed = id % 97 === 0;
  const big = id % 11 === 0;
  const path = `Photos/${2000 + (id % 26)}/IMG_${String(id).padStart(7, '0')}.${big ? 'mov' : 'jpg'}`;
  return {
    id,
    at: now - (1_000_000 - Math.min(id, 1_000_000)) * 900,
    folderId: asFolderId((id % 2) + 1),
    path,
    key: `laptop/${path}`,
    action: failed ? 'failed' : big ? 'multipart' : 'put',
    bytes: big ? 220 * MiB : 2.7 * MiB,
    parts: big ? 14 : 1,
    durationMs: big ? 8_400 : 210,
    retries: big ? 1 : 0,
    etag: failed ? null : '"5d41402abc4b2a76b9719d911017c592"',
    checksum: failed ? null : 'crc64nvme:Xk2pVv0pJ1Q=',
    error: failed
      ? {
          code: 'source-unreadable',
          message: 'The file cannot be read: permission denied',
          remedy: 'Give your user read permission on this file, or exclude it.',
          retryable: false,
        }
      : null,
  };
}
