import { Lock } from 'lucide-react';
import { type InputHTMLAttributes, type Ref, useId } from 'react';

interface TextFieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value'> {
  readonly label: string;
  readonly hint?: string | undefined;
  /** Said below the field, and to screen readers with it. */
  readonly error?: string | null | undefined;
  /** Why it can't be changed here: it is then said instead of the hint. */
  readonly locked?: string | null | undefined;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly inputRef?: Ref<HTMLInputElement>;
}

export function TextField({ label, hint: usual, error, locked, value, onChange, inputRef, ...rest }: TextFieldProps) {
  const id = useId();
  const hint = locked ?? usual;
  const described = [hint ? `${id}-hint` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ');
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
        {locked && <Lock className="lock-icon" size={13} aria-label="locked" />}
      </label>
      <input
        id={id}
        ref={inputRef}
        className="input"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        aria-invalid={error ? true : undefined}
        aria-describedby={described || undefined}
        autoComplete="off"
        spellCheck={false}
        readOnly={Boolean(locked)}
        {...rest}
      />
      {hint && (
        <p id={`${id}-hint`} className="field-hint">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="field-error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}
