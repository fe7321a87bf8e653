import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveEngine } from '../../../main/desktop/engineHost.ts';
import { hostPort } from '../../../main/desktop/hostPort.ts';
import type { EngineOptions, SyncEngine } from '../../../main/engine/engine.ts';
import { createFixtureApi, fixtureSnapshot } from './fixtureSyncApi.ts';

/*
 * An engine process without an engine: the same serving code over the same channel, a fixture behind it. It leaves its process id and its checkpoint
 * as files in the data directory, for the test to see.
 */

async function createFixtureEngine({ dataDir }: EngineOptions): Promise<SyncEngine> {
  mkdirSync(dataDir, { recursive: true });
  const { about } = fixtureSnapshot();
  const api = createFixtureApi({ about: { ...about, dataDir } });
  const refuse = (): never => {
    throw new Error('not in this fixture');
  };
  return {
    api,
    sentence: () => fixtureSnapshot().sentence,
    onEvent: () => () => {},
    metrics: async () => [],
    ensureFolder: refuse,
    runOnce: refuse,
    summary: refuse,
    start: async () => writeFileSync(join(dataDir, 'engine.pid'), String(process.pid)),
    stop: async () => writeFileSync(join(dataDir, 'checkpoint'), String(process.pid)),
  };
}

serveEngine(hostPort(), createFixtureEngine, (code) => process.exit(code));
