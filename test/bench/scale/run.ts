import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleMeasures } from './bundle.ts';
import { makeTree } from './makeTree.ts';
import { measure } from './measure.ts';
import { tableOf, targets } from './targets.ts';

/*
 * `npm run bench:scale [-- --files 1000000 --idle 300 --dir DIR]`: makes a tree, measures scan, rescan, watch and queue, each in a process of its own, prints a table and writes
 * test-results/bench/scale.json. Exit code 1: a figure missed its target (they are for a million files).
 */
const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '1000000' },
    idle: { type: 'string', default: '60' },
    changes: { type: 'string', default: '50' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const files = Number(values.files);
const { bavail, bsize, ffree } = statfsSync(values.dir);
if (ffree < files * 1.1 || bavail * bsize < files * 5_000)
  throw new Error(`${values.dir} has no room for ${files} files: --dir names another place`);

const checkout = resolve(import.meta.dirname, '../../..');
const place = mkdtempSync(join(values.dir, 'sluice-scale-'));
try {
  const bundles = await bundleMeasures(checkout);
  const root = join(place, 'tree');
  const directories = makeTree(root, files);
  const figures = await measure({ bundles, root, place, files, idle: values.idle, changes: values.changes });
  const rows = targets(figures, files);
  const report = {
    at: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? '?'}`,
    node: process.version,
    files,
    directories,
    figures,
    rows,
  };
  mkdirSync(join(checkout, 'test-results/bench'), { recursive: true });
  writeFileSync(join(checkout, 'test-results/bench/scale.json'), `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(
    `${files} files in ${directories} folders; ${report.machine}, Node ${process.version}\n\n${tableOf(rows)}\n`,
  );
  process.exitCode = rows.every(({ met }) => met) ? 0 : 1;
} finally {
  rmSync(place, { recursive: true, force: true });
}
