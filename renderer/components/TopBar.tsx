import { Pause, Play } from 'lucide-react';
import { type RefObject, useContext } from 'react';
import { useAction } from '../api/useAction.ts';
import { SnapshotContext, useApi } from '../api/useEngine.ts';
import type { ScreenName } from '../api/useRoute.ts';
import { tomorrowMorning } from '../text/tomorrowMorning.ts';
import { Button } from './Button.tsx';
import { Menu } from './Menu.tsx';
import { StateIcon } from './StateIcon.tsx';

interface TopBarProps {
  readonly title: string;
  readonly route: ScreenName;
  readonly heading: RefObject<HTMLHeadingElement | null>;
}

export function TopBar({ title, route, heading }: TopBarProps) {
  const snapshot = useContext(SnapshotContext);
  return (
    <header className="topbar">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {snapshot && route !== 'overview' && (
        <a className="topbar-sentence" href="#/overview">
          <StateIcon state={snapshot.sentence.state} size={16} />
          <bdi>{snapshot.sentence.text}</bdi>
        </a>
      )}
      <div className="topbar-actions">{snapshot && <PauseControl paused={snapshot.pause.kind === 'paused'} />}</div>
    </header>
  );
}

function PauseControl({ paused }: { readonly paused: boolean }) {
  const api = useApi();
  const { busy, run } = useAction();
  if (paused) {
    return (
      <Button
        look="primary"
        busy={busy}
        icon={<Play size={15} aria-hidden />}
        onClick={() => run(() => api.resumeAll({}))}
      >
        Resume
      </Button>
    );
  }
  const pause = (untilMs: number | null) => void run(() => api.pauseAll({ untilMs }));
  return (
    <Menu
      label="Pause"
      trigger={
        <>
          <Pause size={15} aria-hidden />
          Pause
        </>
      }
      entries={[
        { label: 'For 1 hour', run: () => pause(Date.now() + 3_600_000) },
        { label: 'Until tomorrow', run: () => pause(tomorrowMorning(new Date()).getTime()) },
        { label: 'Until I resume', run: () => pause(null) },
      ]}
    />
  );
}
