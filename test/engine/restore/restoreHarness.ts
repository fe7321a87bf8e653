import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import {
  type ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { systemClock } from '../../../main/engine/ports.ts';
import {
  type RestoredFile,
  type RestoreFigures,
  type RestoreOptions,
  restoreFolder,
} from '../../../main/engine/restore/restoreFolder.ts';
import { type FaultProxy, startFaultProxy } from '../../support/faultProxy.ts';
import { type S3TestServer, startS3Server } from '../../support/s3/server.ts';
import { openStore } from '../store/testStore.ts';

export const bucket = 'restore-test';
export const prefix = 'kept/';

export interface RestoreHarness {
  readonly folder: string;
  readonly server: S3TestServer;
  readonly proxy: FaultProxy;
  readonly files: RestoredFile[];
  /** Requests of the last restore, by operation. */
  readonly counts: () => Record<string, number>;
  put(key: string, body: string | Buffer, more?: Partial<PutObjectCommandInput>): Promise<void>;
  putParts(
    key: string,
    parts: readonly Buffer[],
    algorithm: ChecksumAlgorithm,
    type: 'FULL_OBJECT' | 'COMPOSITE',
  ): Promise<void>;
  restore(more?: Partial<RestoreOptions>): Promise<RestoreFigures>;
  /** What is on disk below the folder, links and our own leftovers included. */
  tree(): Promise<string[]>;
  read(path: string): Promise<Buffer>;
  close(): Promise<void>;
}

export async function openRestoreHarness(seed = 1): Promise<RestoreHarness> {
  const place = await mkdtemp(join(tmpdir(), 'sluice-restore-'));
  const folder = join(place, 'target');
  const server = await startS3Server({ buckets: [bucket], dir: join(place, 's3') });
  const proxy = await startFaultProxy({ target: server.endpoint, seed });
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const files: RestoredFile[] = [];
  let counts: Record<string, number> = {};

  return {
    folder,
    server,
    proxy,
    files,
    counts: () => counts,
    put: async (key, body, more = {}) => {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ...more }));
    },
    putParts: async (key, parts, algorithm, type) => {
      const upload = { Bucket: bucket, Key: key };
      const { UploadId } = await client.send(
        new CreateMultipartUploadCommand({ ...upload, ChecksumAlgorithm: algorithm, ChecksumType: type }),
      );
      const Parts = [];
      for (const [at, Body] of parts.entries()) {
        const sent = await client.send(
          new UploadPartCommand({ ...upload, UploadId, PartNumber: at + 1, Body, ChecksumAlgorithm: algorithm }),
        );
        const { ETag, ChecksumCRC32, ChecksumCRC64NVME, ChecksumSHA256 } = sent;
        Parts.push({ PartNumber: at + 1, ETag, ChecksumCRC32, ChecksumCRC64NVME, ChecksumSHA256 });
      }
      await client.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload: { Parts } }));
    },
    restore: async (more = {}) => {
      files.length = 0;
      const opened = openStore(proxy.url, {
        bucket,
        credentials: async () => credentials,
        connection: { region, pathStyle: true },
      });
      counts = opened.counts;
      try {
        return await restoreFolder({
          store: opened.data,
          objects: opened.store.listObjects(prefix),
          prefix,
          folder,
          rules: { include: [], exclude: [] },
          overwrite: false,
          dryRun: false,
          connections: 16,
          clock: systemClock,
          random: () => 0,
          signal: new AbortController().signal,
          onFile: (file) => files.push(file),
          ...more,
        });
      } finally {
        opened.store.close();
      }
    },
    tree: async () => {
      const entries = await readdir(folder, { withFileTypes: true, recursive: true });
      return entries
        .map(
          (entry) =>
            relative(folder, join(entry.parentPath, entry.name)) +
            (entry.isDirectory() ? '/' : entry.isSymbolicLink() ? '@' : ''),
        )
        .sort();
    },
    read: (path) => readFile(join(folder, path)),
    close: async () => {
      client.destroy();
      await proxy.close();
      await server.close();
      await rm(place, { recursive: true, force: true });
    },
  };
}

export const someBytes = (count: number): Buffer => randomBytes(count);
