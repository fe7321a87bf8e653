import { Progress } from '@base-ui/react/progress';

interface ProgressBarProps {
  readonly label: string;
  /** 0…100 */
  readonly percent: number;
  readonly tone: Tone;
  /** What screen readers say instead of the bare percentage. */
  readonly text?: string;
}

export type Tone = 'accent' | 'safe' | 'warn' | 'bad' | 'idle';

export function ProgressBar({ label, percent, tone, text }: ProgressBarProps) {
  return (
    <Progress.Root value={percent} aria-label={label} getAriaValueText={(formatted) => text ?? formatted ?? ''}>
      <Progress.Track className="progress-track">
        <Progress.Indicator className={`progress-fill tone-${tone}`} />
      </Progress.Track>
    </Progress.Root>
  );
}
