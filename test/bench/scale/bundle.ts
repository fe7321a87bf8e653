import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const workers = ['scanWorker', 'watchWorker'];
const measures = ['scan', 'watch', 'claims'];

/**
 * Bundles what measures together with the engine, as the product is bundled: run from source, Node's own compiler would be most of the memory. Returns the folder of `scan.js`
 * and the others, inside the checkout, where natives are found.
 */
export async function bundleMeasures(checkout: string): Promise<string> {
  const dir = join(checkout, 'dist', 'scale');
  mkdirSync(dir, { recursive: true });
  const entries = [
    ...measures.map((name) => [name, `test/bench/scale/${name}.ts`] as const),
    ...workers.map((name) => [name, `main/engine/watch/${name}.ts`] as const),
  ];
  for (const [name, path] of entries) {
    const bundle = await rolldown({
      input: { [name]: join(checkout, path) },
      external: [/^node:/, 'better-sqlite3', /^aws-crt/],
      platform: 'node',
      transform: { target: 'node24' },
    });
    await bundle.write({ dir, format: 'esm', entryFileNames: '[name].js', chunkFileNames: `${name}-[hash].js` });
    await bundle.close();
  }
  return dir;
}
