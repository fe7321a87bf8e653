/** Sizes are bytes (binary units, as `10GiB`; `MB` is 10^6). Rates are bytes per second; `Mbps` counts bits. */
export const KiB = 1024;
export const MiB = 1024 ** 2;
export const GiB = 1024 ** 3;
export const TiB = 1024 ** 4;

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: KiB,
  kb: 1e3,
  kib: KiB,
  m: MiB,
  mb: 1e6,
  mib: MiB,
  g: GiB,
  gb: 1e9,
  gib: GiB,
  t: TiB,
  tb: 1e12,
  tib: TiB,
};
const bitUnits: Readonly<Record<string, number>> = { bps: 1, kbps: 1e3, mbps: 1e6, gbps: 1e9 };

/** `64MiB`, `5 GB`, `1024`: bytes, a whole number ≥ 0; undefined when it isn't a size. */
export function parseSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const factor = match && sizeUnits[match[2]!.toLowerCase()];
  return factor ? Math.round(Number(match[1]) * factor) : undefined;
}

/** `20MiB/s`, `160Mbps`, `1Gbps`: bytes per second, > 0; undefined when it isn't a rate. */
export function parseRate(text: string): number | undefined {
  const bits = /^\s*(\d+(?:\.\d+)?)\s*([kmg]?bps|[kmg]?bit\/s)\s*$/i.exec(text);
  if (bits) {
    const unit = bits[2]!.toLowerCase().replace('bit/s', 'bps');
    return positive((Number(bits[1]) * (bitUnits[unit] ?? 0)) / 8);
  }
  const size = parseSize(text.replace(/\/s\s*$/i, ''));
  return size === undefined ? undefined : positive(size);
}

export function formatBytes(bytes: number): string {
  if (bytes < KiB) return `${Math.round(bytes)} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
  let value = bytes / KiB;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= KiB;
    unit++;
  }
  return `${value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2)} ${units[unit]}`;
}

export const formatRate = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond)}/s`;

/** `about 4 min`-style durations: the two largest units at most. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 && minutes < 10 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `1,234,567`. Not by toLocaleString: its first call loads ICU's data, 30 ms and more on the thread that decides. */
export const formatCount = (count: number): string => String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');

function positive(value: number): number | undefined {
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
