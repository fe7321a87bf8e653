import { parseArgs } from 'node:util';
import { startS3Server } from './server.ts';

// `node serve.ts --dir D --port P --bucket B`: the test server as a process of its own. One JSON line when ready; SIGTERM ends it.
const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    port: { type: 'string' },
    bucket: { type: 'string', multiple: true, default: [] },
    'access-key': { type: 'string' },
    'secret-key': { type: 'string' },
    region: { type: 'string' },
    'virtual-host-suffix': { type: 'string' },
  },
});
const server = await startS3Server({
  buckets: values.bucket,
  ...(values.dir === undefined ? {} : { dir: values.dir }),
  ...(values.port === undefined ? {} : { port: Number(values.port) }),
  ...(values['access-key'] === undefined ? {} : { accessKeyId: values['access-key'] }),
  ...(values['secret-key'] === undefined ? {} : { secretAccessKey: values['secret-key'] }),
  ...(values.region === undefined ? {} : { region: values.region }),
  ...(values['virtual-host-suffix'] === undefined ? {} : { virtualHostSuffix: values['virtual-host-suffix'] }),
});
const { endpoint, accessKeyId, secretAccessKey, region, dir } = server;
process.stdout.write(`${JSON.stringify({ endpoint, accessKeyId, secretAccessKey, region, dir })}\n`);
const end = (): void => void server.close().then(() => process.exit(0));
process.on('SIGTERM', end);
process.on('SIGINT', end);
