import { type LatencyHistogram, latencyBounds } from './latencyHistogram.ts';

/** Never a path or a key: the values of a label are few. */
export type Labels = Readonly<Record<string, string>>;

export interface MetricSample {
  readonly labels?: Labels;
  readonly value: number;
}

export type MetricFamily = { readonly name: string; readonly help: string } & (
  | { readonly type: 'counter' | 'gauge'; readonly samples: readonly MetricSample[] }
  | { readonly type: 'histogram'; readonly histogram: LatencyHistogram }
);

export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** The text exposition format of Prometheus, 0.0.4. Families without a sample are left out. */
export function prometheusText(families: readonly MetricFamily[]): string {
  return families.map((family) => familyText(family)).join('');
}

function familyText(family: MetricFamily): string {
  const { name, help, type } = family;
  const lines = type === 'histogram' ? histogramLines(name, family.histogram) : sampleLines(name, family.samples);
  if (lines.length === 0) return '';
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`;
}

const sampleLines = (name: string, samples: readonly MetricSample[]): string[] =>
  samples.map(({ labels = {}, value }) => `${name}${labelText(labels)} ${value}`);

function histogramLines(name: string, { counts, sumSeconds, count }: LatencyHistogram): string[] {
  let sum = 0;
  const buckets = latencyBounds.map((bound, index) => {
    sum += counts[index] ?? 0;
    return `${name}_bucket${labelText({ le: String(bound) })} ${sum}`;
  });
  return [...buckets, `${name}_bucket{le="+Inf"} ${count}`, `${name}_sum ${sumSeconds}`, `${name}_count ${count}`];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
