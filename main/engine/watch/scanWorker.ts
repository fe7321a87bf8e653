import { parentPort, workerData } from 'node:worker_threads';
import { errorView } from '../../../shared/errors.ts';
import { outstandingPieces, type ScanWorkerData, type ScanWorkerMessage } from './scanProtocol.ts';
import { scanTree } from './scanTree.ts';

const { root, rules, keyPrefix, taken } = workerData as ScanWorkerData;

try {
  const pieces = scanTree({ root, rules, keyPrefix });
  let sent = 0;
  for (let step = pieces.next(); ; step = pieces.next()) {
    if (step.done) {
      send({ kind: 'finished', root: step.value });
      break;
    }
    for (let seen = Atomics.load(taken, 0); sent - seen >= outstandingPieces; seen = Atomics.load(taken, 0))
      Atomics.wait(taken, 0, seen);
    send({ kind: 'piece', piece: step.value });
    sent++;
  }
} catch (error) {
  send({ kind: 'failed', error: errorView(error) });
}

function send(message: ScanWorkerMessage): void {
  parentPort?.postMessage(message);
}
