import { type EngineSettings, EngineSettingsChange } from '../../../shared/settings.ts';
import { GiB, KiB, MiB, parseRate, parseSize, TiB } from '../../../shared/units.ts';
import { type AccelerationForm, accelerationFormOf, parseAcceleration } from './accelerationForm.ts';

/** The settings as a person types them. */
export interface SettingsForm extends AccelerationForm {
  readonly bandwidth: string;
  readonly maxConnections: string;
  readonly memory: string;
  readonly partSizeKind: 'auto' | 'fixed';
  readonly partSize: string;
  readonly checksum: EngineSettings['checksum'];
  readonly settleSeconds: string;
  readonly rescanMinutes: string;
}

export type SettingsErrors = Partial<Record<keyof SettingsForm | 'form', string>>;

export function formOf(settings: EngineSettings): SettingsForm {
  const { partSizeBytes, maxBandwidthBytesPerSecond: rate } = settings;
  return {
    bandwidth: rate === null ? '' : `${exactSize(rate)}/s`,
    maxConnections: String(settings.maxConnections),
    memory: exactSize(settings.memoryBytes),
    partSizeKind: partSizeBytes === 'auto' ? 'auto' : 'fixed',
    partSize: partSizeBytes === 'auto' ? '16MiB' : exactSize(partSizeBytes),
    checksum: settings.checksum,
    settleSeconds: String(settings.settleMs / 1000),
    rescanMinutes: String(settings.rescanIntervalMs / 60_000),
    ...accelerationFormOf(settings.acceleration),
  };
}

/**
 * `change` is there only when there is no error. It holds what differs from `saved` and no more: a setting that has no field
 * here, is locked, or was changed from elsewhere meanwhile is not written over.
 */
export function parseForm(
  form: SettingsForm,
  saved: EngineSettings,
): {
  readonly change: EngineSettingsChange | null;
  readonly errors: SettingsErrors;
} {
  const { acceleration, errors: accelerationErrors } = parseAcceleration(form, saved.acceleration);
  const errors: SettingsErrors = { ...accelerationErrors };
  const rate = form.bandwidth.trim() === '' ? null : parseRate(form.bandwidth);
  if (rate === undefined) errors.bandwidth = 'Write a rate as 20MiB/s or 160Mbps, or leave it empty.';
  const memory = parseSize(form.memory);
  if (memory === undefined || memory < 32 * MiB) errors.memory = 'Write a size of at least 32MiB, as 512MiB.';
  const part = form.partSizeKind === 'auto' ? 'auto' : parseSize(form.partSize);
  if (part === undefined || (part !== 'auto' && (part < 5 * MiB || part > 5 * GiB))) {
    errors.partSize = 'Write a size from 5MiB to 5GiB, as 64MiB.';
  }
  const connections = numberOf(form.maxConnections);
  if (!Number.isInteger(connections) || connections < 1 || connections > 250) {
    errors.maxConnections = 'Write a whole number from 1 to 250.';
  }
  const settle = numberOf(form.settleSeconds);
  if (!(settle >= 0 && settle <= 600)) errors.settleSeconds = 'Write a number of seconds from 0 to 600.';
  const rescan = numberOf(form.rescanMinutes);
  if (!(rescan * 60_000 >= 10_000)) errors.rescanMinutes = 'Write a number of minutes, at least 0.2.';
  if (Object.keys(errors).length > 0) return { change: null, errors };

  const parsed = EngineSettingsChange.safeParse({
    maxBandwidthBytesPerSecond: rate,
    memoryBytes: memory,
    partSizeBytes: part,
    maxConnections: connections,
    checksum: form.checksum,
    settleMs: Math.round(settle * 1000),
    rescanIntervalMs: Math.round(rescan * 60_000),
    acceleration,
  });
  if (parsed.success) return { change: differing(parsed.data, saved), errors };
  return { change: null, errors: { form: parsed.error.issues[0]?.message ?? 'These settings are not valid.' } };
}

function differing(wanted: EngineSettingsChange, saved: EngineSettings): EngineSettingsChange {
  const differs = ([name, value]: [string, unknown]) =>
    JSON.stringify(value) !== JSON.stringify(saved[name as keyof EngineSettings]);
  return Object.fromEntries(Object.entries(wanted).filter(differs));
}

const numberOf = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text.replace(',', '.')));

/** The shortest spelling that `parseSize` reads back as the same number of bytes. */
function exactSize(bytes: number): string {
  for (const [unit, size] of [
    ['TiB', TiB],
    ['GiB', GiB],
    ['MiB', MiB],
    ['KiB', KiB],
  ] as const) {
    const value = bytes / size;
    if (value >= 1 && Number.isInteger(value * 4)) return `${value}${unit}`;
  }
  return String(Math.round(bytes));
}
