import type { BenchCellResult, BenchReport, BenchSizeResult } from '../../../shared/bench.ts';
import { formatUsd } from '../../../shared/money.ts';
import { formatBytes, formatCount, formatDuration } from '../../../shared/units.ts';
import { compareBenches } from '../plan/benchCompare.ts';
import { cellName, rateText } from './runBench.ts';

/** One self-contained page: no script, nothing loaded from anywhere, light and dark. Whatever comes from outside is escaped. */
export function htmlReport(report: BenchReport, before: BenchReport | null): string {
  const { spent, budget } = report;
  const target = `s3://${report.bucket} ${report.endpointUrl === null ? 'on AWS' : `at ${report.endpointUrl}`}`;
  const money = spent.dollars === null ? 'prices of this store not known' : formatUsd(spent.dollars);
  const stopped =
    report.end.kind === 'stopped' ? `<p class="stop">Stopped: ${escaped(report.end.error.message)}</p>` : '';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Sluice benchmark of ${escaped(target)}</title><style>${style}</style></head><body><main>
<h1>Benchmark of ${escaped(target)}</h1>
<p>${escaped(new Date(report.startedAt).toISOString())}, Sluice ${escaped(report.sluice)}, ${formatDuration(report.durationMs)}.
${formatBytes(spent.bytes)} of at most ${formatBytes(budget.bytes)} sent in ${formatCount(spent.requests)} requests; ${money}.
Order by seed ${report.seed}, ${report.iterations} uploads of each setting, ranges at 95 % confidence.</p>
${stopped}${report.sizes.map(sizeSection).join('\n')}${leftSection(report)}${comparison(report, before)}
</main></body></html>
`;
}

function sizeSection(size: BenchSizeResult): string {
  const rows = size.cells
    .map(({ cell, rates, interval, stopped }) => {
      const note = stopped === null ? '' : escaped(stopped);
      return `<tr><th scope="row">${escaped(cellName(cell))}</th><td>${escaped(rateText(interval))}</td><td>${rates.length}</td><td>${note}</td></tr>`;
    })
    .join('');
  const merged = size.merged.map((line) => `<li>${escaped(line)}</li>`).join('');
  return `<section><h2>${formatCount(size.files)} × ${formatBytes(size.sizeBytes)}</h2>
<p><strong>${escaped(size.verdict.sentence)}.</strong></p>${plot(size)}
<table><thead><tr><th scope="col">setting</th><th scope="col">rate</th><th scope="col">uploads</th><th scope="col">not to the end</th></tr></thead><tbody>${rows}</tbody></table>
${merged === '' ? '' : `<details><summary>Settings that are the same here</summary><ul>${merged}</ul></details>`}</section>`;
}

const rowHeight = 24;
const labelWidth = 250;
const barWidth = 480;

/** Bars from 0 with the range as a line over each. */
function plot({ cells, sizeBytes }: BenchSizeResult): string {
  const measured = cells.filter((one): one is Measured => one.interval !== null);
  if (measured.length === 0) return '';
  const most = Math.max(...measured.map(({ interval }) => Math.max(interval.mean, interval.high ?? 0)));
  const x = (rate: number): string => (labelWidth + (Math.max(0, rate) / most) * barWidth).toFixed(1);
  const height = measured.length * rowHeight + 8;
  const rows = measured.map(({ cell, interval }, row) => {
    const y = row * rowHeight + 4;
    const width = ((interval.mean / most) * barWidth).toFixed(1);
    const { low, high } = interval;
    const range =
      low === null || high === null
        ? ''
        : `<line class="range" x1="${x(low)}" x2="${x(high)}" y1="${y + 8}" y2="${y + 8}"/>`;
    return `<text x="${labelWidth - 8}" y="${y + 12}" text-anchor="end">${escaped(cellName(cell))}</text><rect class="${cell.kind}" x="${labelWidth}" y="${y}" width="${width}" height="16"/>${range}`;
  });
  return `<svg viewBox="0 0 ${labelWidth + barWidth + 10} ${height}" role="img" aria-label="Rates by setting for files of ${formatBytes(sizeBytes)}; the table below has the figures">${rows.join('')}</svg>`;
}

type Measured = BenchCellResult & { readonly interval: NonNullable<BenchCellResult['interval']> };

function leftSection({ left, acceleration }: BenchReport): string {
  const lines = left.map(({ sizeBytes, reason }) => `${formatBytes(sizeBytes)}: ${reason}`);
  if (!acceleration.measured) lines.push(`Transfer Acceleration: ${acceleration.reason}`);
  if (lines.length === 0) return '';
  return `<section><h2>Not measured</h2><ul>${lines.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul></section>`;
}

function comparison(report: BenchReport, before: BenchReport | null): string {
  const changes = before === null ? [] : compareBenches(before, report);
  if (before === null || changes.length === 0) return '';
  const rows = changes
    .map(({ sizeBytes, cell, ratio, isClear }) => {
      const change = `${ratio >= 1 ? '+' : '−'}${Math.abs((ratio - 1) * 100).toFixed(0)} %`;
      return `<tr><th scope="row">${formatBytes(sizeBytes)}, ${escaped(cellName(cell))}</th><td>${change}</td><td>${isClear ? 'clear' : 'within the noise'}</td></tr>`;
    })
    .join('');
  return `<section><h2>Since ${escaped(new Date(before.startedAt).toISOString())}</h2><table><thead><tr><th scope="col">setting</th><th scope="col">rate</th><th scope="col">difference</th></tr></thead><tbody>${rows}</tbody></table></section>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);

const style = `:root{color-scheme:light dark;--ink:#1b2330;--paper:#fff;--line:#d5dae2;--bar:#2f6fde;--default:#8994a6}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--paper:#14181f;--line:#333b48;--bar:#6c9dff;--default:#7d8797}}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}main{max-width:52rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);font-weight:400}
thead th{font-weight:600}svg{width:100%;height:auto}svg text{font-size:12px;fill:var(--ink)}rect{fill:var(--bar)}rect.default{fill:var(--default)}.range{stroke:var(--ink);stroke-width:2}.stop{font-weight:600}`;
