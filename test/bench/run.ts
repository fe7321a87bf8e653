import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../support/faultProxyRules.ts';
import { allCases, chooseCases } from './cases.ts';
import { openEndpoints } from './endpoints.ts';
import { openMeasurer } from './measure/measured.ts';
import { type Options, readOptions, usage } from './options.ts';
import { markdown } from './report/markdown.ts';
import type { BenchReport, CaseReport, Machine, ToolReport } from './report/sample.ts';
import { writeDocs } from './report/writeDocs.ts';
import { runCase } from './runCase.ts';
import { allTools } from './tools/allTools.ts';
import type { Tool } from './tools/tool.ts';

/*
 * `npm run bench`: Sluice beside every other uploader that is found, on this machine, to the same sink, in the same run. docs/performance.md says how to read it.
 */

const project = fileURLToPath(new URL('../../', import.meta.url));
const args = process.argv.slice(2);
const options = readOptions(args);
if (options === 'help') process.stdout.write(usage);
else await bench(options);

async function bench(options: Options): Promise<void> {
  const cases = chooseCases(allCases(options.quick), options.only);
  const machine = thisMachine();
  const startedAt = new Date().toISOString();
  const { tools, reports } = await findTools(options);
  for (const { name, version, missing } of reports) say(`${name}: ${version ?? missing}`);
  const measure = await openMeasurer();
  const dataRoot =
    options.data === null
      ? mkdtempSync(join(tmpdir(), 'sluice-bench-data-'))
      : resolve(options.data, options.quick ? 'quick' : 'full');
  mkdirSync(dataRoot, { recursive: true });
  const endpoints = await openEndpoints();
  const done: CaseReport[] = [];
  const report = (): BenchReport => ({
    startedAt,
    command: commandOf(options),
    quick: options.quick,
    runs: options.runs,
    seed: options.seed,
    sink: endpoints.sink.kind,
    machine,
    tools: reports,
    cases: done,
  });
  try {
    const random = seededRandom(options.seed);
    for (const one of cases) {
      done.push(await runCase(one, { endpoints, measure, tools, runs: options.runs, dataRoot, random, say }));
      // After each case: a run that is broken off has what it measured.
      save(options.out, report());
    }
  } finally {
    await endpoints.close();
    if (options.data === null) rmSync(dataRoot, { recursive: true, force: true });
  }
  const text = markdown(report());
  process.stdout.write(`\n${text}`);
  if (options.writeDocs) {
    const pages = [join(project, 'docs/performance.md'), join(project, 'README.md')];
    for (const page of writeDocs(pages, text)) say(`written into ${page}`);
  }
  const failures = done.flatMap((one) =>
    one.tools.filter((tool) => tool.role === 'sluice' && tool.samples.some((sample) => sample.failure !== null)),
  );
  if (failures.length > 0) process.exitCode = 1;
}

async function findTools(options: Options): Promise<{ tools: Tool[]; reports: ToolReport[] }> {
  const { peers } = options;
  for (const name of peers ?? [])
    if (!allTools.some((tool) => tool.name === name))
      throw new Error(`no peer ${name}; there are ${allTools.map((tool) => tool.name).join(', ')}`);
  const wanted = allTools.filter((tool) => tool.role !== 'peer' || peers === null || peers.includes(tool.name));
  const tools: Tool[] = [];
  const reports: ToolReport[] = [];
  for (const tool of wanted) {
    const found = await tool.find();
    const there = 'version' in found;
    if (there) tools.push(tool);
    const { name, title, flags } = tool;
    reports.push({ name, title, flags, version: there ? found.version : null, missing: there ? null : found.missing });
  }
  if (!tools.some((tool) => tool.role === 'sluice')) throw new Error(`Sluice does not start: ${reports[0]!.missing}`);
  return { tools, reports };
}

/** What measures the same again; where results and data went is nobody else's business. */
function commandOf({ only, runs, peers, quick, seed }: Options): string {
  const list = (name: string, values: readonly string[]): string[] =>
    values.length === 0 ? [] : [name, values.join(',')];
  const chosen = [...list('--only', only), ...(peers === null ? [] : ['--peers', peers.join(',') || 'none'])];
  return ['npm run bench --', ...chosen, '--runs', runs, ...(quick ? ['--quick'] : []), '--seed', seed].join(' ');
}

function thisMachine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    load: loadavg(),
  };
}

function save(out: string, report: BenchReport): void {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'bench.json'), `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(join(out, 'bench.md'), markdown(report));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
