// `npm run test:real`: the integration suites once more, against an S3 server that we did not write.
// Uses S3_TEST_ENDPOINT (with S3_TEST_ACCESS_KEY, S3_TEST_SECRET_KEY, S3_TEST_REGION) if set, else builds and starts versitygw.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startRealServer } from '../test/support/realServer.ts';

const suites = ['test/engine/store', 'test/e2e/sampleSync.test.ts'];

const given = process.env.S3_TEST_ENDPOINT;
const server = given ? null : await startRealServer();
if (!given && !server) {
  console.log('No real S3 server here: the suites ran against the embedded one only.');
  process.exit(process.env.SLUICE_REAL_SERVER === 'required' ? 1 : 0);
}
console.log(`Real S3 server: ${server ? `${server.kind} ${server.version}` : given}`);
const target = server && {
  S3_TEST_ENDPOINT: server.endpoint,
  S3_TEST_ACCESS_KEY: server.accessKeyId,
  S3_TEST_SECRET_KEY: server.secretAccessKey,
  S3_TEST_REGION: server.region,
};
const child = spawn('vitest', ['run', ...suites], {
  stdio: 'inherit',
  env: { ...process.env, ...target },
  shell: process.platform === 'win32',
});
const [code] = (await once(child, 'exit')) as [number | null];
await server?.close();
process.exit(code ?? 1);
