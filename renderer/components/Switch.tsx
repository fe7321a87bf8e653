import { Switch as Base } from '@base-ui/react/switch';
import { useId } from 'react';

interface SwitchProps {
  readonly label: string;
  readonly hint?: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}

export function Switch({ label, hint, checked, onChange }: SwitchProps) {
  const id = useId();
  return (
    <div className="switch-row">
      <Base.Root
        className="switch"
        checked={checked}
        onCheckedChange={onChange}
        aria-labelledby={id}
        aria-describedby={hint ? `${id}-hint` : undefined}
      >
        <Base.Thumb className="switch-thumb" />
      </Base.Root>
      <div>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the switch itself is the control; its name may be clicked too */}
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard has the switch */}
        <span id={id} className="switch-label" onClick={() => onChange(!checked)}>
          {label}
        </span>
        {hint && (
          <p id={`${id}-hint`} className="field-hint">
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
