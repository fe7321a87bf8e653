// `npm start`: the desktop app where Electron's binary is, else the same screens served on this machine.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { electronBinary } from './electronBinary.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
const binary = await electronBinary();
if (!binary)
  console.log(
    "Electron's binary isn't here (npx install-electron fetches it); serving the same screens on this machine.",
  );
const [command, args] = binary
  ? [binary, [repository, ...process.argv.slice(2)]]
  : [
      process.execPath,
      [fileURLToPath(new URL('../dist/main/sluice.js', import.meta.url)), 'daemon', ...process.argv.slice(2)],
    ];
const child = spawn(command, args, { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
