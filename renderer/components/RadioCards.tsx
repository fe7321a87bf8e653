import { useId } from 'react';

interface RadioCardsProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly { readonly value: Value; readonly label: string; readonly hint: string }[];
  readonly onChange: (value: Value) => void;
}

/**
 * A choice of one, as cards. Native radios: the browser itself moves the choice with the arrow keys, at any load; a group
 * that moves focus first and the choice in a later render can lose a key press.
 */
export function RadioCards<Value extends string>({ label, value, options, onChange }: RadioCardsProps<Value>) {
  const id = useId();
  return (
    <fieldset className="radio-group">
      <legend className="field-label">{label}</legend>
      <div className="radio-cards">
        {options.map((option) => (
          <label key={option.value} className="radio-card">
            <input
              type="radio"
              className="radio-dot"
              name={id}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
              aria-label={option.label}
              aria-describedby={`${id}-${option.value}`}
            />
            <span>
              <span className="radio-card-label">{option.label}</span>
              <span id={`${id}-${option.value}`} className="field-hint">
                {option.hint}
              </span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
