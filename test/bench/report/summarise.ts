import type { CaseReport, Sample, ToolSamples } from './sample.ts';

export interface Summary {
  readonly tool: string;
  readonly title: string;
  readonly role: ToolSamples['role'];
  readonly counted: number;
  readonly failed: number;
  /** Medians of the runs that count; null where none does. */
  readonly wallSeconds: number | null;
  readonly fastestSeconds: number | null;
  readonly slowestSeconds: number | null;
  readonly cpuSeconds: number | null;
  /** null where next to no bytes are sent. */
  readonly cpuSecondsPerGiB: number | null;
  /** The highest of all runs: a promise about memory is about the worst. */
  readonly peakRssBytes: number | null;
  /** The highest of all runs. */
  readonly loopDelayP99Ms: number | null;
  readonly requests: number | null;
  /** Of what the line could have carried in that time, 0…1; null without a line. */
  readonly shareOfLine: number | null;
  /** This tool's wall time over Sluice's: above 1, Sluice is faster. */
  readonly timesSluice: number | null;
}

export interface CaseSummary {
  readonly rows: readonly Summary[];
  /** The ceiling's wall time over Sluice's: 1 is as fast as Node can send. */
  readonly ofCeiling: number | null;
  readonly bestPeer: Summary | null;
}

/** The figures of a case from its samples; runs that failed are counted and else left out. */
export function summarise(one: CaseReport): CaseSummary {
  const sluice = one.tools.find((tool) => tool.role === 'sluice');
  const sluiceWall = sluice === undefined ? null : median(counted(sluice).map((sample) => sample.wallSeconds));
  const gibibytes = one.run === 'again' ? 0 : one.bytes / 1024 ** 3;
  const rows = one.tools.map((tool): Summary => {
    const samples = counted(tool);
    const wall = samples.map((sample) => sample.wallSeconds);
    const wallSeconds = median(wall);
    const cpuSeconds = median(samples.map((sample) => sample.userSeconds + sample.systemSeconds));
    return {
      tool: tool.tool,
      title: tool.title,
      role: tool.role,
      counted: samples.length,
      failed: tool.samples.length - samples.length,
      wallSeconds,
      fastestSeconds: wall.length === 0 ? null : Math.min(...wall),
      slowestSeconds: wall.length === 0 ? null : Math.max(...wall),
      cpuSeconds,
      cpuSecondsPerGiB: cpuSeconds === null || gibibytes < 0.5 ? null : cpuSeconds / gibibytes,
      peakRssBytes: highest(samples.map((sample) => sample.peakRssBytes)),
      loopDelayP99Ms: highest(samples.flatMap((sample) => sample.loopDelayP99Ms ?? [])),
      requests: median(samples.map((sample) => Object.values(sample.requests).reduce((sum, count) => sum + count, 0))),
      shareOfLine:
        wallSeconds === null || one.lineBitsPerSecond === null
          ? null
          : (one.bytes * 8) / one.lineBitsPerSecond / wallSeconds,
      timesSluice: wallSeconds === null || sluiceWall === null ? null : wallSeconds / sluiceWall,
    };
  });
  const peers = rows.filter((row) => row.role === 'peer' && row.wallSeconds !== null);
  const ceiling = rows.find((row) => row.role === 'ceiling');
  return {
    rows: rows.toSorted(
      (a, b) => (a.wallSeconds ?? Number.POSITIVE_INFINITY) - (b.wallSeconds ?? Number.POSITIVE_INFINITY),
    ),
    ofCeiling: ceiling?.timesSluice ?? null,
    bestPeer: peers.toSorted((a, b) => a.wallSeconds! - b.wallSeconds!)[0] ?? null,
  };
}

/** null of nothing. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function counted(tool: ToolSamples): Sample[] {
  return tool.samples.filter((sample) => sample.failure === null);
}

function highest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values);
}
