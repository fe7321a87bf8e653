// Bundles everything that runs outside the browser. What stays outside the bundles: natives (they load files beside
// themselves) and electron. Entries keep their names, so that a worker is found beside its caller (engine/workerUrl.ts).
import { rm } from 'node:fs/promises';
import http from 'node:http';
import { rolldown } from 'rolldown';

/**
 * An ES import of node:http reads all exports of it, the WebSocket among them, which loads undici: 25 ms and 13 MiB in each thread. Taken from the whole module they
 * cost nothing. Has the names that the Node of the build has, less those that it makes on demand.
 */
const httpWithoutUndici = {
  name: 'http-without-undici',
  resolveId: (id) => (id === 'node:http' ? httpId : null),
  load: (id) => {
    if (id !== httpId) return null;
    const properties = Object.entries(Object.getOwnPropertyDescriptors(http));
    const names = properties.filter(([, { get }]) => get === undefined).map(([name]) => name);
    return [
      `const http = process.getBuiltinModule('node:http');`,
      `const take = (name) => http[name];`,
      'export default http;',
      ...names.map((name) => `export const ${name} = /* @__PURE__ */ take('${name}');`),
    ].join('\n');
  },
};
const httpId = '\0node-http';

const esm = {
  dir: 'dist/main',
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
  // Less to read at every start; names stay, so that a stack still says something.
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
};

/** Each a file of its own: what it shared with the program would bring along what only the program needs. */
const workers = ['watch/scanWorker', 'watch/watchWorker', 'transfer/sendWorker'].map((path) => ({
  input: { [path.split('/').at(-1)]: `main/engine/${path}.ts` },
  output: esm,
}));

const bundles = [
  {
    input: { sluice: 'main/headless/sluice.ts', engineProcess: 'main/desktop/engineProcess.ts' },
    // Finding a file costs more than reading it: what every pass needs is in two.
    output: {
      ...esm,
      codeSplitting: {
        groups: [
          {
            name: 'start',
            test: /node_modules\/(zod|commander|env-paths)\/|\/shared\/|\/headless\/(flags\/|report\/(?!liveArea)|commands\/sync|(?!sluice\.)[a-zA-Z0-9]+\.ts)|\/engine\/(watch\/(scanFolder|scanThread|packedListing|treeShare)|store\/endpoint|folderRules|workerUrl)/,
            priority: 2,
          },
          {
            name: 'engine',
            test: /\/engine\/(?!store\/(createStore|clients|listUploads|probeStore|minimalIamPolicy|readCaBundle|transport)|watch\/(treeWatch|chokidarWatcher|whyPath|ignoreRules|ignorePresets|litterPatterns|patternSet|nameFilter|keyProblem|listDirectory|[a-z]+Worker))/,
            priority: 1,
          },
        ],
      },
    },
  },
  ...workers,
  {
    input: { main: 'main/desktop/main.ts' },
    output: { dir: 'dist/desktop', format: 'cjs', entryFileNames: '[name].cjs' },
  },
  {
    input: { preload: 'main/desktop/preload.ts' },
    output: { dir: 'dist/desktop', format: 'cjs', entryFileNames: '[name].cjs' },
  },
];

const external = [/^node:(?!http$)/, 'electron', 'better-sqlite3', /^aws-crt/];

await rm('dist/main', { recursive: true, force: true });
await rm('dist/desktop', { recursive: true, force: true });
for (const { input, output } of bundles) {
  const isEsm = output.format === 'esm';
  const bundle = await rolldown({
    input,
    external: isEsm ? external : [...external, 'node:http'],
    plugins: isEsm ? [httpWithoutUndici] : [],
    platform: 'node',
    treeshake: true,
    transform: { target: isEsm ? 'node24' : 'node18' },
  });
  await bundle.write({ ...output, sourcemap: true });
  await bundle.close();
}
