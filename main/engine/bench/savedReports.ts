import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BenchReport } from '../../../shared/bench.ts';
import { benchDir } from './benchPlace.ts';
import { htmlReport } from './htmlReport.ts';
import { reportPath } from './runBench.ts';

/** Writes `bench-TIME-ID.json` and `.html` into the data directory; throws what the disk says. */
export async function saveReport(
  dataDir: string,
  report: BenchReport,
  before: BenchReport | null,
): Promise<{ readonly json: string; readonly html: string }> {
  await mkdir(benchDir(dataDir), { recursive: true, mode: 0o700 });
  const path = reportPath(benchDir(dataDir), report);
  await writeFile(`${path}.json`, `${JSON.stringify(report, null, 2)}\n`, { mode: 0o600 });
  await writeFile(`${path}.html`, htmlReport(report, before), { mode: 0o600 });
  return { json: `${path}.json`, html: `${path}.html` };
}

/** The newest finished report of this bucket; null: there is none. A file that isn't one of ours is passed over. */
export async function lastReport(
  dataDir: string,
  { bucket, endpointUrl }: Pick<BenchReport, 'bucket' | 'endpointUrl'>,
): Promise<BenchReport | null> {
  const names = await readdir(benchDir(dataDir)).catch(() => []);
  const saved = names.filter((name) => /^bench-.*\.json$/.test(name)).sort();
  for (const name of saved.reverse()) {
    const report = BenchReport.safeParse(parsed(await readFile(join(benchDir(dataDir), name), 'utf8')));
    if (!report.success || report.data.end.kind !== 'finished') continue;
    if (report.data.bucket === bucket && report.data.endpointUrl === endpointUrl) return report.data;
  }
  return null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not ours, or cut off: the schema refuses it.
    return null;
  }
}
