import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createSyncEngine } from '../../main/engine/createSyncEngine.ts';
import type { EngineOptions, SyncEngine } from '../../main/engine/engine.ts';
import type { EngineEvent, SyncSummary } from '../../shared/events.ts';
import type { FolderId } from '../../shared/ids.ts';
import { FolderInput, StoreConnection } from '../../shared/settings.ts';
import { type FaultProxy, type Rule, startFaultProxy } from './faultProxy.ts';
import { type S3ServerOptions, type S3TestServer, startS3Server } from './s3/server.ts';

export const bucket = 'engine-test';
export const prefix = 'kept/';

/** A folder, a real S3 server behind a fault proxy, a data directory: everything a sync needs, on this machine and in temp. */
export interface Harness {
  readonly root: string;
  readonly dataDir: string;
  readonly server: S3TestServer;
  readonly proxy: FaultProxy;
  readonly events: EngineEvent[];
  write(path: string, content: string | Buffer): Promise<void>;
  remove(path: string): Promise<void>;
  open(more?: Partial<EngineOptions>): Promise<SyncEngine>;
  folder(engine: SyncEngine, more?: Partial<FolderInput>): Promise<FolderId>;
  /** Opens, makes one pass, stops. */
  pass(more?: {
    readonly options?: Partial<EngineOptions>;
    readonly folder?: Partial<FolderInput>;
  }): Promise<SyncSummary>;
  break(...rules: Rule[]): void;
  mend(): void;
  /** Paths whose object is missing, extra or different; empty: the bucket is the folder. */
  differences(): Promise<string[]>;
  close(): Promise<void>;
}

export async function openHarness(
  seed = 1,
  serverOptions: Omit<S3ServerOptions, 'dir' | 'buckets'> = {},
): Promise<Harness> {
  const place = await mkdtemp(join(tmpdir(), 'sluice-engine-'));
  const root = join(place, 'source');
  const dataDir = join(place, 'data');
  await mkdir(root);
  const server = await startS3Server({ ...serverOptions, buckets: [bucket], dir: join(place, 's3') });
  const proxy = await startFaultProxy({ target: server.endpoint, seed });
  const events: EngineEvent[] = [];
  const engines = new Set<SyncEngine>();

  const open = async (more: Partial<EngineOptions> = {}): Promise<SyncEngine> => {
    const engine = await createSyncEngine({
      dataDir,
      host: 'command',
      holder: 'a test',
      version: 'test',
      secrets: { get: async () => null, set: async () => undefined, delete: async () => undefined },
      chainCredentials: () => async () => ({
        accessKeyId: server.accessKeyId,
        secretAccessKey: server.secretAccessKey,
      }),
      ...more,
    });
    engine.onEvent((event) => events.push(event));
    engines.add(engine);
    return engine;
  };
  const folder = (engine: SyncEngine, more: Partial<FolderInput> = {}): Promise<FolderId> => {
    const connection = StoreConnection.parse({ endpointUrl: proxy.url, pathStyle: true, region: server.region });
    return engine.ensureFolder(FolderInput.parse({ path: root, bucket, prefix, connection, kind: 'manual', ...more }));
  };

  return {
    root,
    dataDir,
    server,
    proxy,
    events,
    open,
    folder,
    write: async (path, content) => {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    },
    remove: (path) => rm(join(root, path), { recursive: true }),
    pass: async ({ options = {}, folder: input = {} } = {}) => {
      const engine = await open(options);
      try {
        return await engine.runOnce(await folder(engine, input), {
          signal: new AbortController().signal,
          dryRun: false,
        });
      } finally {
        await engine.stop();
      }
    },
    break: (...rules) => proxy.setRules(rules),
    mend: () => proxy.setRules([]),
    differences: async () => {
      const entries = await readdir(root, { withFileTypes: true, recursive: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      const wrong: string[] = [];
      const keys = new Set(server.listKeys(bucket));
      for (const file of files) {
        const key = prefix + relative(root, file);
        const same = keys.delete(key) && (await readFile(file)).equals(await server.readObject(bucket, key));
        if (!same) wrong.push(key);
      }
      return [...wrong, ...[...keys].map((key) => `${key} (extra)`)];
    },
    close: async () => {
      await Promise.all([...engines].map((engine) => engine.stop()));
      await proxy.close();
      await server.close();
      await rm(place, { recursive: true, force: true });
    },
  };
}
