// Bundles everything that runs outside the browser. What stays outside the bundles: natives (they load files beside
// themselves) and electron. Entries keep their names, so that a worker is found beside its caller (engine/workerUrl.ts).
import { rm } from 'node:fs/promises';
import { rolldown } from 'rolldown';

const external = [/^node:/, 'electron', 'better-sqlite3', /^aws-crt/];

const bundles = [
  {
    input: {
      sluice: 'main/headless/sluice.ts',
      engineProcess: 'main/desktop/engineProcess.ts',
      scanWorker: 'main/engine/watch/scanWorker.ts',
      watchWorker: 'main/engine/watch/watchWorker.ts',
      sendWorker: 'main/engine/transfer/sendWorker.ts',
    },
    output: {
      dir: 'dist/main',
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
      minify: false,
    },
  },
  {
    input: { main: 'main/desktop/main.ts' },
    output: { dir: 'dist/desktop', format: 'cjs', entryFileNames: '[name].cjs' },
  },
  {
    input: { preload: 'main/desktop/preload.ts' },
    output: { dir: 'dist/desktop', format: 'cjs', entryFileNames: '[name].cjs' },
  },
];

await rm('dist/main', { recursive: true, force: true });
await rm('dist/desktop', { recursive: true, force: true });
for (const { input, output } of bundles) {
  const bundle = await rolldown({
    input,
    external,
    platform: 'node',
    treeshake: true,
    transform: { target: output.format === 'cjs' ? 'node18' : 'node24' },
  });
  await bundle.write({ ...output, sourcemap: true });
  await bundle.close();
}
