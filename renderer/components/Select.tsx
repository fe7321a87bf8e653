import { Select as Base } from '@base-ui/react/select';
import { Check, ChevronsUpDown, Lock } from 'lucide-react';

interface SelectProps<Value extends string> {
  readonly label: string;
  readonly hideLabel?: boolean;
  /** Why it can't be changed here. */
  readonly locked?: string | null | undefined;
  readonly value: Value;
  readonly options: readonly { readonly value: Value; readonly label: string }[];
  readonly onChange: (value: Value) => void;
}

export function Select<Value extends string>({
  label,
  hideLabel = false,
  locked,
  value,
  options,
  onChange,
}: SelectProps<Value>) {
  return (
    <div className="field">
      <Base.Root
        disabled={Boolean(locked)}
        items={options}
        value={value}
        onValueChange={(next) => next !== null && onChange(next)}
      >
        <Base.Label className={hideLabel ? 'visually-hidden' : 'field-label'}>
          {label}
          {locked && <Lock className="lock-icon" size={13} aria-label="locked" />}
        </Base.Label>
        <Base.Trigger className="input select-trigger">
          <Base.Value />
          <Base.Icon className="select-icon">
            <ChevronsUpDown size={14} aria-hidden />
          </Base.Icon>
        </Base.Trigger>
        <Base.Portal>
          <Base.Positioner className="floating" alignItemWithTrigger={false} sideOffset={4}>
            <Base.Popup className="menu select-popup">
              <Base.List>
                {options.map((option) => (
                  <Base.Item key={option.value} value={option.value} className="menu-item">
                    <span className="select-check">
                      <Base.ItemIndicator>
                        <Check size={14} aria-hidden />
                      </Base.ItemIndicator>
                    </span>
                    <Base.ItemText>{option.label}</Base.ItemText>
                  </Base.Item>
                ))}
              </Base.List>
            </Base.Popup>
          </Base.Positioner>
        </Base.Portal>
      </Base.Root>
      {locked && <p className="field-hint">{locked}</p>}
    </div>
  );
}
