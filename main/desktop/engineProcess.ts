import { createSyncEngine } from '../engine/createSyncEngine.ts';
import { serveEngine } from './engineHost.ts';
import { hostPort } from './hostPort.ts';

serveEngine(hostPort(), createSyncEngine, (code) => process.exit(code));
