import { parentPort, workerData } from 'node:worker_threads';
import { SluiceError } from '../../../shared/errors.ts';
import { watchTree } from './treeWatch.ts';
import type { ChangesTaken, WatchWorkerData, WatchWorkerMessage } from './watchProtocol.ts';

let answered: (answer: ChangesTaken) => void = () => {};
parentPort?.on('message', (answer: ChangesTaken) => answered(answer));

const watch = watchTree({
  ...(workerData as WatchWorkerData),
  onChanges: async ({ observations, problems }) => {
    const { promise, resolve } = Promise.withResolvers<ChangesTaken>();
    answered = resolve;
    send({ kind: 'changes', observations, problems });
    const { error } = await promise;
    if (error !== null) throw SluiceError.fromView(error);
  },
  onRescanNeeded: (reason, within) => send({ kind: 'rescan', reason, within }),
  onState: (state, detail, cause) => send({ kind: 'state', state, detail, cause }),
  onRootGone: () => send({ kind: 'root-gone' }),
});
void watch.ready.then(() => send({ kind: 'ready' }));

function send(message: WatchWorkerMessage): void {
  parentPort?.postMessage(message);
}
