import type { SentenceState } from '../../shared/sentence.ts';
import type { Snapshot, TransferView } from '../../shared/syncApi.ts';
import { formatCount } from '../../shared/units.ts';
import type { EngineStatus } from './engineSupervisor.ts';

export type Screen = 'overview' | 'issues';
export type PauseSpan = 'hour' | 'tomorrow';

export type TrayAction =
  | { readonly type: 'pause'; readonly span: PauseSpan }
  | { readonly type: 'resume' }
  | { readonly type: 'open-folder'; readonly path: string }
  | { readonly type: 'show'; readonly screen: Screen }
  | { readonly type: 'start-at-login'; readonly enabled: boolean }
  | { readonly type: 'start-engine' }
  | { readonly type: 'quit' };

/** Labels are plain text: whoever draws the menu escapes what its platform takes for a mnemonic. */
export type MenuEntry =
  | { readonly kind: 'text'; readonly label: string }
  | { readonly kind: 'separator' }
  | { readonly kind: 'action'; readonly label: string; readonly action: TrayAction }
  | { readonly kind: 'check'; readonly label: string; readonly checked: boolean; readonly action: TrayAction }
  | { readonly kind: 'submenu'; readonly label: string; readonly entries: readonly MenuEntry[] };

export interface TrayFacts {
  /** null: the engine hasn't told anything yet. */
  readonly snapshot: Snapshot | null;
  readonly engine: EngineStatus['kind'];
  /** null: this system offers no start at login. */
  readonly startAtLogin: boolean | null;
}

const maxTransfers = 3;
const maxFolders = 15;
/** Whole steps only: every change closes an open menu on some desktops. */
const percentStep = 10;

export function traySentence({ snapshot, engine }: TrayFacts): {
  readonly state: SentenceState;
  readonly text: string;
} {
  if (snapshot) return snapshot.sentence;
  if (engine === 'given-up') return { state: 'error', text: 'Sluice has stopped' };
  return { state: 'empty', text: 'Sluice is starting' };
}

/** Everything that the tray menu shows, top to bottom. */
export function trayMenu(facts: TrayFacts): readonly MenuEntry[] {
  const { snapshot, engine, startAtLogin } = facts;
  const login: MenuEntry[] =
    startAtLogin === null
      ? []
      : [
          {
            kind: 'check',
            label: 'Start at login',
            checked: startAtLogin,
            action: { type: 'start-at-login', enabled: !startAtLogin },
          },
        ];
  return [
    { kind: 'text', label: traySentence(facts).text },
    ...(snapshot?.transfers ?? []).slice(0, maxTransfers).map(transferEntry),
    ...moreTransfers(snapshot),
    { kind: 'separator' },
    ...(engine === 'given-up' ? [action('Start again', { type: 'start-engine' })] : []),
    ...(engine === 'running' && snapshot ? pauseEntries(snapshot) : []),
    ...(snapshot && snapshot.folders.length > 0 ? [folderEntry(snapshot)] : []),
    ...(snapshot && snapshot.issueCount > 0
      ? [action(`Issues (${formatCount(snapshot.issueCount)})`, { type: 'show', screen: 'issues' })]
      : []),
    action('Open Sluice', { type: 'show', screen: 'overview' }),
    { kind: 'separator' },
    ...login,
    action('Quit', { type: 'quit' }),
  ];
}

/** ms since the epoch: in an hour, or the next calendar day at 8:00 by this machine's clock. */
export function pauseEnd(span: PauseSpan, now: Date): number {
  if (span === 'hour') return now.getTime() + 3_600_000;
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 8).getTime();
}

const action = (label: string, does: TrayAction): MenuEntry => ({ kind: 'action', label, action: does });

function transferEntry(transfer: TransferView): MenuEntry {
  const name = shorten(transfer.path.split('/').at(-1) ?? transfer.path);
  const share = transfer.bytesTotal === 0 ? 0 : transfer.bytesDone / transfer.bytesTotal;
  const percent = Math.floor((share * 100) / percentStep) * percentStep;
  return {
    kind: 'text',
    label: transfer.phase === 'sending' ? `${name} · ${percent} %` : `${name} · ${transfer.phase}`,
  };
}

function moreTransfers(snapshot: Snapshot | null): MenuEntry[] {
  const shown = Math.min(maxTransfers, snapshot?.transfers.length ?? 0);
  return snapshot && snapshot.totals.filesInFlight > shown ? [{ kind: 'text', label: 'and others' }] : [];
}

function pauseEntries(snapshot: Snapshot): MenuEntry[] {
  if (snapshot.pause.kind === 'paused') return [action('Resume', { type: 'resume' })];
  return [
    action('Pause for 1 hour', { type: 'pause', span: 'hour' }),
    action('Pause until tomorrow', { type: 'pause', span: 'tomorrow' }),
  ];
}

function folderEntry(snapshot: Snapshot): MenuEntry {
  const shown = snapshot.folders.slice(0, maxFolders);
  const entries = shown.map((folder) => action(folder.path, { type: 'open-folder', path: folder.path }));
  const rest = snapshot.folders.length > shown.length ? [action('More…', { type: 'show', screen: 'overview' })] : [];
  return { kind: 'submenu', label: 'Open folder', entries: [...entries, ...rest] };
}

/** The beginning and the end: what tells similar names apart. */
const shorten = (name: string): string => (name.length <= 40 ? name : `${name.slice(0, 22)}…${name.slice(-17)}`);
