import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Case } from './cases.ts';
import { prepareDataset } from './dataset.ts';
import type { Endpoints } from './endpoints.ts';
import type { Measurement, Measurer } from './measure/measured.ts';
import type { CaseReport, Sample, ToolSamples } from './report/sample.ts';
import type { SinkCounts } from './sink/startSink.ts';
import { figuresFile } from './tools/sluice.ts';
import type { Job, Tool } from './tools/tool.ts';

export interface Bench {
  readonly endpoints: Endpoints;
  readonly measure: Measurer;
  readonly tools: readonly Tool[];
  readonly runs: number;
  readonly dataRoot: string;
  /** 0 ≤ x < 1, seeded: the order of the tools. */
  readonly random: () => number;
  readonly say: (line: string) => void;
}

const bucket = 'bench';
/** A tool that takes longer has failed. */
const timeoutMs = 15 * 60_000;

/** Every tool, as often as asked for, in another order each time, each to a prefix of its own. */
export async function runCase(one: Case, bench: Bench): Promise<CaseReport> {
  const { letter, name, title, bytes, run } = one;
  const lineBitsPerSecond = typeof one.over === 'string' ? null : one.over.bitsPerSecond;
  const report = { letter, name, title, bytes, run, lineBitsPerSecond, files: one.files.length };
  const place = await bench.endpoints.open(one.over, bench.runs);
  if (typeof place === 'string') return { ...report, skipped: place, tools: [] };
  await place.close();
  const source = prepareDataset(bench.dataRoot, one.dataset, one.files);
  const tools = bench.tools.filter((tool) => tool.fits?.(one) ?? true);
  const samples = new Map<Tool, Sample[]>(tools.map((tool) => [tool, []]));
  for (let round = 1; round <= bench.runs; round++) {
    for (const tool of shuffled(tools, bench.random)) {
      const sample = await runOnce(one, tool, round, source, bench);
      samples.get(tool)!.push(sample);
      const figures = `${sample.wallSeconds.toFixed(2)} s, ${(sample.userSeconds + sample.systemSeconds).toFixed(2)} CPU-s, ${(sample.peakRssBytes / 1024 ** 2).toFixed(0)} MiB`;
      bench.say(`(${letter}) ${name} ${round}/${bench.runs} ${tool.name}: ${sample.failure ?? figures}`);
    }
    await bench.endpoints.sink.forget();
  }
  const listed = tools.map(
    (tool): ToolSamples => ({ tool: tool.name, title: tool.title, role: tool.role, samples: samples.get(tool)! }),
  );
  return { ...report, skipped: null, tools: listed };
}

async function runOnce(one: Case, tool: Tool, run: number, source: string, bench: Bench): Promise<Sample> {
  const { sink } = bench.endpoints;
  // Every tool of a round meets the same line.
  const place = await bench.endpoints.open(one.over, run);
  if (typeof place === 'string') throw new Error(place);
  const scratch = mkdtempSync(join(tmpdir(), `sluice-bench-${tool.name}-`));
  const stateDir = join(scratch, 'state');
  mkdirSync(stateDir);
  const job: Job = {
    case: one,
    source,
    endpoint: place.endpoint,
    caFile: place.caFile,
    bucket,
    prefix: `${one.name}/${run}/${tool.name}/`,
    stateDir,
    again: false,
  };
  const load = loadavg()[0]!;
  const upload = async (again: boolean): Promise<{ measurement: Measurement; counts: SinkCounts }> => {
    await sink.reset();
    const measurement = await bench.measure(tool.program({ ...job, again }), scratch, timeoutMs);
    return { measurement, counts: await sink.counts(bucket, job.prefix) };
  };
  try {
    if (one.run === 'again') {
      const first = await upload(false);
      const failure = failureOf(first.measurement, first.counts, { ...one, run: 'first' }, tool, scratch);
      if (failure !== null) return failed(run, load, `its first run: ${failure}`);
    }
    const { measurement, counts } = await upload(one.run === 'again');
    return {
      run,
      ...measurement,
      requests: counts.requests,
      bodyBytes: counts.bodyBytes,
      connections: counts.connections,
      loopDelayP99Ms: loopDelay(stateDir),
      load,
      failure: failureOf(measurement, counts, one, tool, scratch),
    };
  } catch (error) {
    return failed(run, load, error instanceof Error ? error.message : String(error));
  } finally {
    await place.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** null: the tool says that it went well, and the sink has exactly the objects and bytes of the case. */
function failureOf(
  measurement: Measurement,
  counts: SinkCounts,
  one: Case,
  tool: Tool,
  scratch: string,
): string | null {
  if (measurement.exitCode !== 0) return `exit code ${measurement.exitCode}: ${lastLines(scratch)}`;
  if (counts.objectBytes !== one.bytes) return `the sink has ${counts.objectBytes} bytes of ${one.bytes}`;
  if (tool.role !== 'ceiling' && counts.objects !== one.files.length)
    return `the sink has ${counts.objects} objects of ${one.files.length}`;
  if (one.run === 'first' && counts.dataBytes < one.bytes)
    return `the sink was sent ${counts.dataBytes} bytes of ${one.bytes}`;
  if (one.run === 'again' && counts.bodyBytes > 0)
    return `it sent ${counts.bodyBytes} bytes though nothing had changed`;
  return null;
}

function failed(run: number, load: number, failure: string): Sample {
  const nothing = { exitCode: -1, wallSeconds: 0, userSeconds: 0, systemSeconds: 0, peakRssBytes: 0 };
  return { run, ...nothing, requests: {}, bodyBytes: 0, connections: 0, loopDelayP99Ms: null, load, failure };
}

function lastLines(scratch: string): string {
  return readFileSync(join(scratch, 'output.log'), 'utf8').trim().split('\n').slice(-3).join(' / ').slice(-500);
}

function loopDelay(stateDir: string): number | null {
  try {
    const figures = JSON.parse(readFileSync(figuresFile(stateDir), 'utf8')) as { loopDelayP99Ms?: unknown };
    return typeof figures.loopDelayP99Ms === 'number' ? figures.loopDelayP99Ms : null;
  } catch {
    // Only Sluice writes them, and only where it is built to.
    return null;
  }
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const order = [...values];
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}
