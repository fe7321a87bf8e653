import { parentPort } from 'node:worker_threads';
import { errorView } from '../../../shared/errors.ts';
import { packFiles } from './packedListing.ts';
import { outstandingPieces, type ScanStart, type ScanWorkerMessage, type SentPiece } from './scanProtocol.ts';
import { type ScanPiece, scanTree } from './scanTree.ts';
import { treeShare } from './treeShare.ts';

parentPort?.once('message', scan);

/** One scan; then the thread ends. */
function scan({ root, rules, keyPrefix, from, taken, share }: ScanStart): void {
  try {
    const pieces = scanTree({ root, rules, keyPrefix, from, share: treeShare(share) });
    let sent = 0;
    for (let step = pieces.next(); ; step = pieces.next()) {
      if (step.done) {
        send({ kind: 'finished', root: step.value });
        break;
      }
      for (let seen = Atomics.load(taken, 0); sent - seen >= outstandingPieces; seen = Atomics.load(taken, 0))
        Atomics.wait(taken, 0, seen);
      send({ kind: 'piece', piece: packed(step.value) });
      sent++;
    }
  } catch (error) {
    send({ kind: 'failed', error: errorView(error) });
  }
  share.port.close();
}

function packed(piece: ScanPiece): SentPiece {
  return {
    ...piece,
    listings: piece.listings.map(({ directory, files, last }) => ({ directory, files: packFiles(files), last })),
  };
}

function send(message: ScanWorkerMessage): void {
  parentPort?.postMessage(message);
}
