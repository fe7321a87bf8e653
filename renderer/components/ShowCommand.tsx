import { Popover } from '@base-ui/react/popover';
import { Check, Copy, Terminal } from 'lucide-react';
import { useState } from 'react';

interface ShowCommandProps {
  readonly commands: readonly { readonly does: string; readonly command: string }[];
}

/** The CLI equivalent of the actions beside it. */
export function ShowCommand({ commands }: ShowCommandProps) {
  return (
    <Popover.Root>
      <Popover.Trigger className="button button-ghost">
        <Terminal size={15} aria-hidden />
        Show the command
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} align="end" className="floating">
          <Popover.Popup className="popover">
            <Popover.Title className="popover-title">From a terminal</Popover.Title>
            {commands.map(({ does, command }) => (
              <div key={command}>
                <div className="field-hint">{does}</div>
                <CommandText command={command} />
              </div>
            ))}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

export function CommandText({ command }: { readonly command: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(command);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <div className="command">
      <code>
        <bdi>{command}</bdi>
      </code>
      <button type="button" className="button button-ghost button-square" onClick={copy} aria-label="Copy the command">
        {copied ? <Check size={15} aria-hidden /> : <Copy size={15} aria-hidden />}
      </button>
      <span className="visually-hidden" aria-live="polite">
        {copied ? 'Copied' : ''}
      </span>
    </div>
  );
}
