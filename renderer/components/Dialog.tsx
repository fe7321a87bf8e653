import { Dialog as Base } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';

interface DialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly description?: string;
  readonly size?: 'normal' | 'wide';
  /** What has the focus when it opens; without it, its first control. */
  readonly initialFocus?: () => HTMLElement | null;
  readonly children: ReactNode;
  /** Buttons, the main one last. */
  readonly actions: ReactNode;
}

export function Dialog({
  open,
  onClose,
  title,
  description,
  size = 'normal',
  initialFocus,
  children,
  actions,
}: DialogProps) {
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="dialog-backdrop" />
        <Base.Popup className={`dialog dialog-${size}`} {...(initialFocus ? { initialFocus } : {})}>
          <header className="dialog-header">
            <div>
              <Base.Title className="dialog-title">{title}</Base.Title>
              {description && <Base.Description className="dialog-description">{description}</Base.Description>}
            </div>
            <Base.Close className="button button-ghost button-square" aria-label="Close">
              <X size={16} aria-hidden />
            </Base.Close>
          </header>
          <div className="dialog-body">{children}</div>
          <footer className="dialog-actions">{actions}</footer>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
