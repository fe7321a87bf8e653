#!/usr/bin/env node
// Starts the built program on Node 24. Plain syntax: an old Node must be able to read this file and say what is missing.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
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
