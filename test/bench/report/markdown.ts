import type { BenchReport, CaseReport } from './sample.ts';
import { type Summary, summarise } from './summarise.ts';

/** The report as Markdown: the machine, a table per case, who was there and with which flags, and who was not. */
export function markdown(report: BenchReport): string {
  return `${[
    about(report),
    ...report.cases.map(caseSection),
    toolSection(report),
    `Reproduce: \`${report.command}\`. The samples behind the medians are in \`bench.json\` beside this report.`,
  ].join('\n\n')}\n`;
}

function about(report: BenchReport): string {
  const { machine } = report;
  const day = report.startedAt.slice(0, 10);
  const load = machine.load.map((value) => value.toFixed(2)).join(' ');
  const lines = [
    `${day}, ${machine.cores} × ${machine.cpu}, ${(machine.memoryBytes / 1024 ** 3).toFixed(0)} GiB, Linux ${machine.kernel}, Node ${machine.node}; load at the start ${load}; seed ${report.seed}.`,
    `Medians of ${report.runs} interleaved ${report.runs === 1 ? 'run' : 'runs'}; wall time with the fastest and slowest run, peak memory is the highest of all runs.`,
  ];
  if (report.quick)
    lines.push('**A quick run of small copies of the cases: it shows that they work and measures nothing.**');
  if (report.sink === 'node')
    lines.push(
      '**There was no rustc, so the sink ran in Node and took much of the machine: ratios are lower bounds.**',
    );
  return lines.join('\n');
}

function caseSection(one: CaseReport): string {
  const title = `### (${one.letter}) ${one.title[0]!.toUpperCase()}${one.title.slice(1)}`;
  if (one.skipped !== null) return `${title}\n\nLeft out: ${one.skipped}.`;
  const { rows, ofCeiling, bestPeer } = summarise(one);
  const loop = rows.some((row) => row.loopDelayP99Ms !== null);
  const again = one.run === 'again';
  const line = one.lineBitsPerSecond !== null;
  const head = [
    'tool',
    'wall s (fastest–slowest)',
    ...(line ? ['of the line'] : []),
    'CPU s',
    ...(again ? [] : ['CPU s per GiB']),
    'peak RSS MiB',
    'requests',
    ...(loop ? ['event loop p99 ms'] : []),
    'wall / Sluice',
  ];
  const table = [
    row(head),
    row(head.map((_, at) => (at === 0 ? '---' : '---:'))),
    ...rows.map((each) => row(cells(each, { again, loop, line }))),
  ].join('\n');
  return [title, table, verdict(rows, ofCeiling, bestPeer)].filter((text) => text !== '').join('\n\n');
}

function cells(
  summary: Summary,
  { again, loop, line }: Readonly<Record<'again' | 'loop' | 'line', boolean>>,
): string[] {
  const { wallSeconds, fastestSeconds, slowestSeconds } = summary;
  const title = summary.role === 'sluice' ? `**${summary.title}**` : summary.title;
  const failed = summary.failed === 0 ? '' : ` (${summary.failed} failed)`;
  return [
    `${title}${failed}`,
    wallSeconds === null ? '–' : `${number(wallSeconds)} (${number(fastestSeconds)}–${number(slowestSeconds)})`,
    ...(line ? [summary.shareOfLine === null ? '–' : `${(summary.shareOfLine * 100).toFixed(0)} %`] : []),
    number(summary.cpuSeconds),
    ...(again ? [] : [number(summary.cpuSecondsPerGiB)]),
    summary.peakRssBytes === null ? '–' : (summary.peakRssBytes / 1024 ** 2).toFixed(0),
    summary.requests === null ? '–' : summary.requests.toFixed(0),
    ...(loop ? [number(summary.loopDelayP99Ms)] : []),
    summary.role === 'sluice' ? '1' : number(summary.timesSluice),
  ];
}

function verdict(rows: readonly Summary[], ofCeiling: number | null, bestPeer: Summary | null): string {
  const sentences: string[] = [];
  if (ofCeiling !== null) sentences.push(`Sluice reaches ${ofCeiling.toFixed(2)} of the raw ceiling.`);
  if (bestPeer?.timesSluice != null) {
    const { title, timesSluice } = bestPeer;
    sentences.push(
      timesSluice >= 1
        ? `The best peer, ${title}, takes ${timesSluice.toFixed(2)} times as long.`
        : `The best peer, ${title}, is faster: it takes ${timesSluice.toFixed(2)} of Sluice's time.`,
    );
  }
  if (rows.some((each) => each.role === 'sluice' && each.wallSeconds === null))
    sentences.push('**No run of Sluice counts.**');
  return sentences.join(' ');
}

function toolSection(report: BenchReport): string {
  const there = report.tools.filter((tool) => tool.version !== null);
  const missing = report.tools.filter((tool) => tool.missing !== null);
  const table = [
    row(['tool', 'version', 'how it is run']),
    row(['---', '---', '---']),
    ...there.map((tool) => row([tool.title, tool.version ?? '', tool.flags])),
  ].join('\n');
  const absent = missing.map((tool) => `${tool.title} (${tool.missing})`).join(', ');
  return `### Tools\n\n${table}\n\n${absent === '' ? 'Every peer was found.' : `Not found: ${absent}.`}`;
}

function row(texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}

function number(value: number | null): string {
  if (value === null) return '–';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
