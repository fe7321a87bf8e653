import { AccelerationSettings } from '../../../shared/settings.ts';

/** Transfer Acceleration as a person types it: of its settings those that people decide, in USD. */
export interface AccelerationForm {
  readonly accelerationMode: AccelerationSettings['mode'];
  readonly premium: string;
  readonly timeValue: string;
  readonly accelerationCap: string;
  /** Empty: found. */
  readonly clientRegion: string;
}

export const accelerationFormOf = (settings: AccelerationSettings): AccelerationForm => ({
  accelerationMode: settings.mode,
  premium: String(settings.premiumUsdPerGb),
  timeValue: String(settings.timeValueUsdPerHour),
  accelerationCap: String(settings.monthlyCapUsd),
  clientRegion: settings.clientRegion === 'auto' ? '' : settings.clientRegion,
});

type Errors = Partial<Record<keyof AccelerationForm, string>>;

/** It is stored as one object: what the form does not show is taken from `saved`. Throws nothing; wrong where `errors` has an entry. */
export function parseAcceleration(
  form: AccelerationForm,
  saved: AccelerationSettings,
): { readonly acceleration: AccelerationSettings; readonly errors: Errors } {
  const errors: Errors = {};
  const amount = (field: 'premium' | 'timeValue' | 'accelerationCap', example: string): number => {
    const plain = form[field].trim().replace(/^\$/, '').replace(',', '.');
    const value = plain === '' ? Number.NaN : Number(plain);
    if (!(Number.isFinite(value) && value >= 0)) errors[field] = `Write an amount in USD, as ${example}, or 0.`;
    return value;
  };
  const clientRegion = form.clientRegion.trim().toLowerCase() || 'auto';
  if (!AccelerationSettings.shape.clientRegion.safeParse(clientRegion).success)
    errors.clientRegion = 'Write a region of AWS, as eu-central-1, or leave it empty.';
  const acceleration = {
    ...saved,
    mode: form.accelerationMode,
    premiumUsdPerGb: amount('premium', '0.04'),
    timeValueUsdPerHour: amount('timeValue', '100'),
    monthlyCapUsd: amount('accelerationCap', '10'),
    clientRegion,
  };
  return { acceleration, errors };
}
