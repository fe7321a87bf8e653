import { fileURLToPath } from 'node:url';
import { errorView, SluiceError } from '../../../shared/errors.ts';
import type { SyncEngine } from '../../engine/engine.ts';
import { engineFailure } from '../engineFailure.ts';
import { fileSecrets } from '../fileSecrets.ts';
import type { CommandHost } from '../host.ts';
import { type Interruption, interruption } from '../interruption.ts';
import { say } from '../say.ts';
import { removeDaemonFile, writeDaemonFile } from './daemonFile.ts';
import { type DaemonLog, daemonLog, logEngine } from './daemonLog.ts';
import { scrapeToken } from './scrapeToken.ts';
import { type Daemon, startDaemon } from './startDaemon.ts';

/** Containers are killed after 10 s. */
const graceMs = 5_000;

/** Engine, page and log together, until a signal. Throws `ledger-*`, and `usage` when the port is taken. */
export async function runDaemon(
  host: CommandHost,
  { port, dataDir }: { readonly port: number; readonly dataDir: string },
): Promise<void> {
  const log = daemonLog(host);
  const interrupt = interruption(
    host,
    () => new SluiceError('interrupted', 'Interrupted'),
    () => log.info('stopping'),
  );
  let engine: SyncEngine | undefined;
  let daemon: Daemon | undefined;
  try {
    // First the ledger: its lock says in one sentence that another Sluice is at work here.
    engine = await host.createEngine({
      dataDir,
      host: 'daemon',
      holder: 'sluice daemon',
      version: host.version,
      secrets: fileSecrets(dataDir),
    });
    const onError = (error: unknown) => log.error({ error: errorView(error) }, 'request failed');
    daemon = await startDaemon({
      engine,
      port,
      scrapeToken: await scrapeToken(dataDir),
      rendererDir: rendererDir(),
      onError,
    });
    await serve(host, { engine, daemon, dataDir, log, interrupt });
  } finally {
    await daemon?.close();
    await engine?.stop({ graceMs });
    interrupt.dispose();
  }
}

interface Running {
  readonly engine: SyncEngine;
  readonly daemon: Daemon;
  readonly dataDir: string;
  readonly log: DaemonLog;
  readonly interrupt: Interruption;
}

/** Until a signal: that is how a daemon ends, so it is no error. An engine that has failed ends it too: a supervisor can start it again. */
async function serve(host: CommandHost, { engine, daemon, dataDir, log, interrupt }: Running): Promise<void> {
  const ours = { port: daemon.port, token: daemon.token, pid: process.pid };
  const unlisten = logEngine(engine, log);
  const { failed, dispose } = engineFailure(engine);
  try {
    await writeDaemonFile(dataDir, ours);
    say(host.stdout, `Sluice is running: ${daemon.url}`);
    log.info({ port: daemon.port, dataDir, version: host.version }, 'started');
    await interrupt.race(engine.start());
    await interrupt.race(failed);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
  } finally {
    unlisten();
    dispose();
    await removeDaemonFile(dataDir, ours);
  }
}

/** Built: beside dist/main. From source: where the build puts it. */
function rendererDir(): string {
  const here = import.meta.url;
  return fileURLToPath(new URL(here.endsWith('.ts') ? '../../../dist/renderer' : '../renderer', here));
}
