import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MiB } from '../../../shared/units.ts';
import { bundleMeasures } from './bundle.ts';
import { makeTree } from './makeTree.ts';
import { measure } from './measure.ts';
import { tableOf, targets } from './targets.ts';

/** A fiftieth of the real thing (`npm run bench:scale`): what must hold on a machine that is busy with other tests, too. */
const files = 20_000;
const place = mkdtempSync(join(tmpdir(), 'sluice-scale-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

describe('the measure of a large tree', () => {
  it('finds every file, holds none of them in memory, and sees a change', { timeout: 180_000 }, async () => {
    const bundles = await bundleMeasures(resolve(import.meta.dirname, '../../..'));
    const root = join(place, 'tree');
    makeTree(root, files);
    const figures = await measure({ bundles, root, place, files, idle: '1', changes: '2' });
    const { firstScan, rescan, watch, claims } = figures;
    expect(firstScan).toMatchObject({ filesScanned: files, filesTotal: files, filesQueued: files });
    expect(rescan).toMatchObject({ filesScanned: files, filesUnchanged: files, filesTotal: files });
    expect(claims).toMatchObject({ filesQueued: files, proven: files, waiting: files / 20 });
    expect(watch.changes).toBe(2);
    // the same as for a million files: it doesn't grow with them
    for (const [what, { peakRssBytes }] of Object.entries({ firstScan, rescan }))
      expect(peakRssBytes! / MiB, what).toBeLessThan(250);
    expect(watch.watchingRssBytes! / MiB).toBeLessThan(300);
    expect(claims.ledgerBytesPerFile).toBeLessThan(250);
    const rows = targets(figures, files);
    expect(rows.length).toBeGreaterThan(10);
    expect(tableOf(rows).split('\n')).toHaveLength(rows.length + 2);
  });
});
