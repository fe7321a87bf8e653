import { parentPort } from 'node:worker_threads';
import { errorView } from '../../../shared/errors.ts';
import { outstandingPieces, type ScanStart, type ScanWorkerMessage } from './scanProtocol.ts';
import { scanTree } from './scanTree.ts';

parentPort?.once('message', scan);

/** One scan; then the thread ends. */
function scan({ root, rules, keyPrefix, taken }: ScanStart): void {
  try {
    const pieces = scanTree({ root, rules, keyPrefix });
    let sent = 0;
    for (let step = pieces.next(); ; step = pieces.next()) {
      if (step.done) {
        send({ kind: 'finished', root: step.value });
        return;
      }
      for (let seen = Atomics.load(taken, 0); sent - seen >= outstandingPieces; seen = Atomics.load(taken, 0))
        Atomics.wait(taken, 0, seen);
      send({ kind: 'piece', piece: step.value });
      sent++;
    }
  } catch (error) {
    send({ kind: 'failed', error: errorView(error) });
  }
}

function send(message: ScanWorkerMessage): void {
  parentPort?.postMessage(message);
}
