import { Menu as Base } from '@base-ui/react/menu';
import type { ReactNode } from 'react';

export interface MenuEntry {
  readonly label: string;
  readonly icon?: ReactNode;
  readonly danger?: boolean;
  readonly run: () => void;
}

interface MenuProps {
  readonly label: string;
  readonly trigger: ReactNode;
  readonly look?: 'plain' | 'ghost';
  /** The trigger shows only an icon: `label` becomes its name. */
  readonly iconOnly?: boolean;
  readonly entries: readonly MenuEntry[];
}

export function Menu({ label, trigger, look = 'plain', iconOnly = false, entries }: MenuProps) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger
        className={`button button-${look}${iconOnly ? ' button-square' : ''}`}
        {...(iconOnly ? { 'aria-label': label, title: label } : {})}
      >
        {trigger}
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner sideOffset={6} align="end" className="floating">
          <Base.Popup className="menu">
            {entries.map((entry) => (
              <Base.Item
                key={entry.label}
                className={`menu-item${entry.danger ? ' menu-item-danger' : ''}`}
                onClick={entry.run}
              >
                {entry.icon}
                {entry.label}
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
