import { join } from 'node:path';
import { startDesktop } from './lifecycle.ts';

// the terminal it was started from may be closed long before the app is: a lost log line must not end it
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

// this file is dist/desktop/main.cjs
startDesktop({
  root: join(__dirname, '../..'),
  env: process.env,
  argv: process.argv,
  report: (line) => process.stderr.write(`${new Date().toISOString()} ${line}\n`),
});
