import { Select } from '../../components/Select.tsx';
import { TextField } from '../../components/TextField.tsx';
import type { AccelerationForm } from './accelerationForm.ts';

interface AccelerationFieldsProps {
  readonly form: AccelerationForm;
  readonly errors: Partial<Record<keyof AccelerationForm, string>>;
  /** One setting of the engine, so all of them or none. */
  readonly locked: string | null;
  readonly put: (change: Partial<AccelerationForm>) => void;
}

export function AccelerationFields({ form, errors, locked, put }: AccelerationFieldsProps) {
  return (
    <fieldset>
      <legend className="card-title">Acceleration</legend>
      <p className="field-hint settings-intro">
        S3 Transfer Acceleration, where the bucket has it on. Amazon charges a premium for each GB sent that way.
      </p>
      <div className="settings-grid">
        <Select
          label="Use it"
          locked={locked}
          value={form.accelerationMode}
          options={[
            { value: 'auto', label: 'Where it is worth its premium' },
            { value: 'on', label: 'Wherever it is possible' },
            { value: 'off', label: 'Never' },
          ]}
          onChange={(accelerationMode) => put({ accelerationMode })}
        />
        <TextField
          label="At most a month"
          hint="USD, by the calendar month in UTC. Then everything goes directly."
          inputMode="decimal"
          locked={locked}
          value={form.accelerationCap}
          onChange={(accelerationCap) => put({ accelerationCap })}
          error={errors.accelerationCap}
        />
        <TextField
          label="An hour saved is worth"
          hint="USD. A file is worth the premium when the time it saves is."
          inputMode="decimal"
          locked={locked}
          value={form.timeValue}
          onChange={(timeValue) => put({ timeValue })}
          error={errors.timeValue}
        />
        <TextField
          label="Premium for a GB"
          hint="USD. 0.04 in the US, Europe and Japan, 0.08 elsewhere."
          inputMode="decimal"
          locked={locked}
          value={form.premium}
          onChange={(premium) => put({ premium })}
          error={errors.premium}
        />
        <TextField
          label="This machine is near"
          hint="A region of AWS, as eu-central-1. Empty: Sluice finds out."
          placeholder="found by Sluice"
          locked={locked}
          value={form.clientRegion}
          onChange={(clientRegion) => put({ clientRegion })}
          error={errors.clientRegion}
        />
      </div>
    </fieldset>
  );
}
