import { PlugZap, Unplug } from 'lucide-react';
import type { EngineState } from '../api/engineStore.ts';
import { useEngine } from '../api/useEngine.ts';
import { Button } from './Button.tsx';

interface LinkBannerProps {
  readonly link: EngineState['link'];
  /** Something older is on the screen. */
  readonly known: boolean;
}

export function LinkBanner({ link, known }: LinkBannerProps) {
  const engine = useEngine();
  if (link === 'connected' || link === 'connecting') return null;
  const stale = known ? ' What you see is the last known state.' : '';
  return (
    <div className="banner" role="alert">
      <Unplug size={18} aria-hidden />
      <p className="banner-text">
        {link === 'lost'
          ? `The connection to the engine is lost, reconnecting…${stale}`
          : `The engine wants a new sign-in: open the address it printed when it was started.${stale}`}
      </p>
      <Button icon={<PlugZap size={15} aria-hidden />} onClick={engine.reconnectNow}>
        Try now
      </Button>
    </div>
  );
}
