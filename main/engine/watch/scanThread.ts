import { Worker } from 'node:worker_threads';
import { workerUrl } from '../workerUrl.ts';

let warm: Worker | undefined;

/** Starts the thread of a scan that is about to be asked for, so that it is up when it is. Nothing waits for it when it isn't. */
export function warmScanThread(): void {
  warm ??= newThread();
  warm.unref();
  // Unless it is taken, nobody needs to know; whoever takes it, hears of its end.
  warm.once('error', () => undefined);
  warm.once('exit', forgetWarm);
}

/** A thread that waits for a ScanStart; the warm one if there is one. */
export function takeScanThread(): Worker {
  const thread = warm ?? newThread();
  forgetWarm();
  thread.off('exit', forgetWarm);
  thread.ref();
  return thread;
}

/** What it reads is garbage as soon as it is sent: a small nursery is emptied as fast as a large one, and takes 5 MiB less. */
const newThread = (): Worker =>
  new Worker(workerUrl('scanWorker', import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb: 3 } });

function forgetWarm(): void {
  warm = undefined;
}
