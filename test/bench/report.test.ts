import { describe, expect, it } from 'vitest';
import { allCases, chooseCases } from './cases.ts';
import { readOptions } from './options.ts';
import { markdown } from './report/markdown.ts';
import type { BenchReport, CaseReport, Sample, ToolSamples } from './report/sample.ts';
import { median, summarise } from './report/summarise.ts';
import { betweenMarks } from './report/writeDocs.ts';

describe('the figures of a case', () => {
  it('are medians, of an odd and of an even number of runs, and of none nothing', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNull();
  });

  it('compare the median wall time with that of Sluice, and leave failed runs out', () => {
    const { rows, bestPeer, ofCeiling } = summarise(
      caseOf([
        tool('sluice', 'sluice', [2, 2, 2]),
        tool('mc', 'peer', [3, 5, 4]),
        { ...tool('slow', 'peer', [9]), samples: [sample(9), { ...sample(0.001), failure: 'the sink has 0 bytes' }] },
        tool('raw', 'ceiling', [1]),
      ]),
    );
    expect(rows.map((row) => [row.tool, row.wallSeconds, row.timesSluice])).toEqual([
      ['raw', 1, 0.5],
      ['sluice', 2, 1],
      ['mc', 4, 2],
      ['slow', 9, 4.5],
    ]);
    expect(rows.at(-1)).toMatchObject({ counted: 1, failed: 1 });
    expect(bestPeer?.tool).toBe('mc');
    expect(ofCeiling).toBe(0.5);
  });

  it('take the worst memory of all runs, and CPU per GiB of what was sent', () => {
    const samples = [sample(1), { ...sample(1), peakRssBytes: 900, userSeconds: 3, systemSeconds: 1 }, sample(1)];
    const one = { ...caseOf([{ ...tool('sluice', 'sluice', []), samples }]), bytes: 2 * 1024 ** 3 };
    expect(summarise(one).rows[0]).toMatchObject({ peakRssBytes: 900, cpuSeconds: 1.5, cpuSecondsPerGiB: 0.75 });
    expect(summarise({ ...one, run: 'again' }).rows[0]!.cpuSecondsPerGiB).toBeNull();
  });

  it('say how much of a simulated line was used', () => {
    const one = { ...caseOf([tool('sluice', 'sluice', [20])]), bytes: 125_000_000, lineBitsPerSecond: 1e8 };
    expect(summarise(one).rows[0]!.shareOfLine).toBe(0.5);
  });

  it('never name a best peer of which no run counts', () => {
    const broken = { ...tool('mc', 'peer', []), samples: [{ ...sample(0.1), failure: 'exit code 1' }] };
    expect(summarise(caseOf([tool('sluice', 'sluice', [1]), broken])).bestPeer).toBeNull();
  });
});

describe('the page', () => {
  it('says which peers were not found, which failed, and that a quick run measures nothing', () => {
    const text = markdown(reportOf({ quick: true, sink: 'node' }));
    expect(text).toContain('Not found: s5cmd (not found on PATH)');
    expect(text).toContain('measures nothing');
    expect(text).toContain('lower bounds');
    expect(text).toContain('mc (1 failed)');
  });

  it('says when a peer is faster', () => {
    const fast = caseOf([tool('sluice', 'sluice', [2]), tool('mc', 'peer', [1])]);
    expect(markdown({ ...reportOf({}), cases: [fast] })).toContain("mc, is faster: it takes 0.50 of Sluice's time");
  });

  it('goes between the marks and leaves the rest of the page alone', () => {
    const page = 'before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n';
    expect(betweenMarks(page, 'new\n')).toBe('before\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nafter\n');
    expect(betweenMarks('<!-- bench:end --> <!-- bench:begin -->', 'new')).toBeNull();
  });
});

describe('the options', () => {
  it('choose cases by letter or name, and refuse what there is none of', () => {
    const cases = allCases(false);
    expect(chooseCases(cases, ['a', 'no-op']).map((one) => one.name)).toEqual(['large', 'no-op']);
    expect(chooseCases(cases, []).map((one) => one.letter)).toEqual(['a', 'b', 'c', 'd', 'e', 'g']);
    expect(chooseCases(cases, ['f'])).toHaveLength(8);
    expect(() => chooseCases(cases, ['z'])).toThrow('no case z');
  });

  it('refuse a number of runs that is none', () => {
    expect(() => readOptions(['--runs', '0'])).toThrow('--runs');
    expect(readOptions(['--peers', 'none'])).toMatchObject({ peers: [], runs: 5 });
  });

  it('keep the cases at the sizes that their titles give', () => {
    const bytes = Object.fromEntries(allCases(false).map((one) => [one.name, one.bytes]));
    expect(bytes).toMatchObject({
      large: 4 * 1024 ** 3,
      medium: 1600 * 1024 ** 2,
      small: 10_000 * 4096,
      tls: 2 * 1024 ** 3,
    });
    expect(bytes.mixed! / 1024 ** 3).toBeCloseTo(1.5, 1);
  });
});

function sample(wallSeconds: number): Sample {
  const took = { exitCode: 0, wallSeconds, userSeconds: 1, systemSeconds: 0.5, peakRssBytes: 100 };
  const seen = { requests: { PutObject: 1 }, bodyBytes: 1, connections: 1, loopDelayP99Ms: null };
  return { run: 1, ...took, ...seen, load: 0, failure: null };
}

function tool(name: string, role: ToolSamples['role'], walls: readonly number[]): ToolSamples {
  return { tool: name, title: name, role, samples: walls.map(sample) };
}

function caseOf(tools: readonly ToolSamples[]): CaseReport {
  return {
    letter: 'a',
    name: 'large',
    title: 'one file',
    files: 1,
    bytes: 1024 ** 3,
    run: 'first',
    lineBitsPerSecond: null,
    skipped: null,
    tools,
  };
}

function reportOf(changed: Partial<BenchReport>): BenchReport {
  const mc = { ...tool('mc', 'peer', [1]), samples: [sample(1), { ...sample(1), failure: 'exit code 1' }] };
  const machine = { cpu: 'one', cores: 2, memoryBytes: 1, kernel: '6', node: 'v24', load: [0, 0, 0] };
  const missing = { name: 's5cmd', title: 's5cmd', version: null, missing: 'not found on PATH', flags: '' };
  const base = {
    startedAt: '2026-01-01T00:00:00Z',
    command: 'npm run bench',
    quick: false,
    runs: 1,
    seed: 1,
    sink: 'rust' as const,
  };
  return { ...base, machine, tools: [missing], cases: [caseOf([tool('sluice', 'sluice', [1]), mc])], ...changed };
}
