import {
  CircleAlert,
  CircleArrowUp,
  CircleCheck,
  CirclePause,
  Clock,
  CloudOff,
  FolderPlus,
  type LucideIcon,
  OctagonX,
  ScanSearch,
} from 'lucide-react';
import type { SentenceState } from '../../shared/sentence.ts';
import type { FolderPhase } from '../../shared/syncApi.ts';
import type { Tone } from './ProgressBar.tsx';

type State = SentenceState | FolderPhase;

const icons: Readonly<Record<State, LucideIcon>> = {
  empty: FolderPlus,
  safe: CircleCheck,
  scanning: ScanSearch,
  uploading: CircleArrowUp,
  paused: CirclePause,
  offline: CloudOff,
  attention: CircleAlert,
  error: OctagonX,
  waiting: Clock,
};

const tones: Readonly<Record<State, Tone>> = {
  empty: 'idle',
  safe: 'safe',
  scanning: 'accent',
  uploading: 'accent',
  paused: 'idle',
  offline: 'warn',
  attention: 'warn',
  error: 'bad',
  waiting: 'idle',
};

export const stateTone = (state: State): Tone => tones[state];

/** Shape and colour; the words stand beside it. */
export function StateIcon({ state, size = 20 }: { readonly state: State; readonly size?: number }) {
  const Icon = icons[state];
  return <Icon className={`state-icon ink-${tones[state]}`} size={size} strokeWidth={2} aria-hidden />;
}
