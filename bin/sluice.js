#!/usr/bin/env node
// Starts the built program on Node 24. Plain syntax: an old Node must be able to read this file and say what is missing.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import module from 'node:module';
import { constants, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const neededMajor = 24;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const program = new URL('../dist/main/sluice.js', import.meta.url);
const ownNode = here(
  process.platform === 'win32' ? '../node_modules/node/bin/node.exe' : '../node_modules/node/bin/node',
);

if (!existsSync(fileURLToPath(program))) {
  giveUp('Sluice is not built: npm run build');
} else if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
  keepCompiled();
  import(program.href).catch((error) => giveUp(`Sluice cannot start: ${error.message}`));
} else if (existsSync(ownNode) && !process.env.SLUICE_RELAUNCHED) {
  relaunch();
} else {
  giveUp(
    'Sluice needs Node ' +
      neededMajor +
      ' or newer; this is Node ' +
      process.versions.node +
      ': run npm ci, or update Node',
  );
}

/**
 * V8's compiled code is kept for the next start (and for worker threads, which look at the environment): a third of a short run. In the user's own
 * cache, not in the shared temporary folder, where others could put code; where nothing can be written it is done without. NODE_DISABLE_COMPILE_CACHE=1 turns it off.
 */
function keepCompiled() {
  if (process.env.NODE_COMPILE_CACHE || process.env.NODE_DISABLE_COMPILE_CACHE) return;
  try {
    const directory = join(cacheDirectory(), 'compiled');
    mkdirSync(directory, { recursive: true, mode: 448 });
    if (module.enableCompileCache(directory).directory) process.env.NODE_COMPILE_CACHE = directory;
  } catch {
    // It only makes the next start faster.
  }
}

function cacheDirectory() {
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'sluice');
  if (process.platform === 'win32')
    return join(process.env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'sluice', 'Cache');
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice');
}

/** The same command line on the Node that npm installed beside us; signals go through, its end becomes ours. */
function relaunch() {
  const child = spawn(ownNode, [fileURLToPath(import.meta.url)].concat(process.argv.slice(2)), {
    stdio: 'inherit',
    env: Object.assign({}, process.env, { SLUICE_RELAUNCHED: '1' }),
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => giveUp(`Sluice cannot start ${ownNode}: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code === null ? 128 + (constants.signals[signal] || 0) : code));
}

function giveUp(sentence) {
  process.stderr.write(`sluice: ${sentence}\n`);
  process.exit(2);
}
