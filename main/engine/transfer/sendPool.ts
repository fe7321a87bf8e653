import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { errorView, SluiceError } from '../../../shared/errors.ts';
import { MiB } from '../../../shared/units.ts';
import { meteredFolder } from '../store/meteredAs.ts';
import type { CredentialsProvider, StoreTarget } from '../store/store.ts';
import { workerUrl } from '../workerUrl.ts';
import { bandwidthOver, newBandwidthMemory } from './bandwidth.ts';
import { memoryBudgetOver, newBudgetMemory } from './memoryBudget.ts';
import type { FromWorker, MeteredCount, SendJob, SendResult, StoreKey, ToWorker, WorkerStart } from './sendProtocol.ts';
import { threadFor } from './threadFor.ts';

export interface SendPoolOptions {
  /** Threads at most, ≥ 1; they start when there is work for them. */
  readonly workers: number;
  /** Sockets per store and worker. */
  readonly maxSockets: number;
  readonly stallTimeoutMs: number;
  /** Bytes of buffers in all threads together; each has at least 1 MiB. */
  readonly memoryBytes?: number;
  readonly onRequests: (operations: readonly string[]) => void;
  readonly onMetered?: (counts: readonly MeteredCount[]) => void;
}

export interface JobHandle<R extends SendResult = SendResult> {
  /** Rejects with SluiceError; `interrupted` after cancel. */
  readonly result: Promise<R & { readonly sentMs: number }>;
  cancel(): void;
}

/** Which result a job gives. */
export type ResultFor<J extends SendJob> = J['kind'] extends 'put' | 'part'
  ? SendResult & { kind: 'stored' | 'unchanged' }
  : SendResult & { kind: J['kind'] };

/** Worker threads that send. A thread that dies is replaced and its jobs fail with `worker-died`. */
export interface SendPool {
  addStore(key: StoreKey, target: StoreTarget, credentials: CredentialsProvider): void;
  /** `onSent` gets body bytes as they leave, about every 100 ms. */
  send<J extends SendJob>(job: J, onSent?: (bytes: number) => void): JobHandle<ResultFor<J>>;
  /** There will be work in a moment: a thread is started meanwhile. */
  warm(): void;
  /** Bytes per second over all threads; null: no limit. */
  setBandwidth(bytesPerSecond: number | null): void;
  /** Bytes of buffers over all threads. */
  setMemory(bytes: number): void;
  /** What all threads hold in buffers now, and the most they ever held at once. */
  memory(): { readonly heldBytes: number; readonly mostHeldBytes: number };
  close(): Promise<void>;
}

/** Emptied when it is settled: an outgrown table of the map it was in may keep it for long, and with it all that its file needed. */
interface OpenJob {
  readonly weight: number;
  resolve: (result: never) => void;
  reject: (error: Error) => void;
  onSent: ((bytes: number) => void) | undefined;
}

interface Member {
  readonly thread: number;
  readonly worker: Worker;
  readonly jobs: Map<number, OpenJob>;
  readonly stores: Set<StoreKey>;
  /** Sum of the open jobs' weights. */
  load: number;
  toTell: ToWorker[];
}

const lastWordsMs = 500;
const defaultMemoryBytes = 64 * MiB;
/** A third of Node's own: 10 MiB less a thread. Less still is slower and larger, since what is short-lived is then kept for long (measured 1…16). */
const resourceLimits = { maxYoungGenerationSizeMb: 16 };

export function createSendPool(options: SendPoolOptions): SendPool {
  const memory = newBandwidthMemory();
  const bandwidth = bandwidthOver(memory);
  const budgetMemory = newBudgetMemory(options.memoryBytes ?? defaultMemoryBytes, options.workers);
  const budget = memoryBudgetOver(budgetMemory);
  const targets = new Map<StoreKey, { target: StoreTarget; credentials: CredentialsProvider }>();
  const members: Member[] = [];
  let lastId = 0;
  let closed = false;

  const startMember = (): Member => {
    let thread = 0;
    while (members.some((member) => member.thread === thread)) thread++;
    const start: WorkerStart = { thread, threads: options.workers, bandwidth: memory, budget: budgetMemory };
    const member: Member = {
      thread,
      worker: new Worker(workerUrl('sendWorker', import.meta.url), { workerData: start, resourceLimits }),
      jobs: new Map(),
      stores: new Set(),
      load: 0,
      toTell: [],
    };
    const lose = (cause: unknown) => {
      const at = members.indexOf(member);
      if (at < 0) return;
      members.splice(at, 1);
      budget.forget(thread);
      for (const job of member.jobs.values())
        job.reject(new SluiceError('worker-died', 'A sending thread ended unexpectedly', { cause }));
      member.jobs.clear();
    };
    member.worker.on('message', (messages: readonly FromWorker[]) => {
      for (const message of messages) receive(member, message);
    });
    member.worker.on('error', lose);
    member.worker.on('exit', (code) => lose(new Error(`exit code ${code}`)));
    members.push(member);
    return member;
  };

  const settled = (member: Member, id: number): Pick<OpenJob, 'resolve' | 'reject'> | undefined => {
    const job = member.jobs.get(id);
    if (!job) return undefined;
    member.jobs.delete(id);
    member.load -= job.weight;
    const { resolve, reject } = job;
    job.resolve = nothing;
    job.reject = nothing;
    job.onSent = undefined;
    return { resolve, reject };
  };

  const receive = (member: Member, message: FromWorker): void => {
    switch (message.type) {
      case 'progress':
        options.onRequests(message.requests);
        if (message.metered.length > 0) options.onMetered?.(message.metered);
        for (const [id, bytes] of message.sent) member.jobs.get(id)?.onSent?.(bytes);
        return;
      case 'done':
        return settled(member, message.id)?.resolve({ ...message.result, sentMs: message.sentMs } as never);
      case 'failed':
        return settled(member, message.id)?.reject(SluiceError.fromView(message.error));
      case 'need-credentials':
        return void answerCredentials(member, message.request, message.store);
    }
  };

  const answerCredentials = async (member: Member, request: number, store: StoreKey): Promise<void> => {
    const answer = await Promise.resolve(targets.get(store)?.credentials())
      .then((keys) => keys ?? new SluiceError('internal', `No store ${store}`).view())
      .catch(errorView);
    tell(member, { type: 'credentials', request, answer });
  };

  const pick = (weight: number): Member => {
    const at = threadFor(
      members.map(({ load }) => load),
      options.workers,
      weight,
    );
    return members[at] ?? startMember();
  };

  const introduce = (member: Member, key: StoreKey): void => {
    const known = targets.get(key);
    if (member.stores.has(key) || !known) return;
    member.stores.add(key);
    const { maxSockets, stallTimeoutMs } = options;
    tell(member, { type: 'store', store: key, target: known.target, maxSockets, stallTimeoutMs });
  };

  return {
    addStore: (key, target, credentials) => {
      // Its rules may have changed: every thread opens it anew.
      if (targets.get(key)?.target !== target) for (const member of members) member.stores.delete(key);
      targets.set(key, { target, credentials });
    },
    send: (job, onSent) => {
      if (closed) {
        return {
          result: Promise.reject(new SluiceError('interrupted', 'Sluice is stopping')),
          cancel: () => undefined,
        };
      }
      const weight = weightOf(job);
      const member = pick(weight);
      if ('store' in job) introduce(member, job.store);
      const id = ++lastId;
      const result = new Promise<never>((resolve, reject) => member.jobs.set(id, { weight, resolve, reject, onSent }));
      member.load += weight;
      tell(member, { type: 'job', id, job, folderId: meteredFolder() });
      return { result, cancel: () => tell(member, { type: 'cancel', id }) };
    },
    warm: () => {
      if (members.length === 0 && !closed) startMember();
    },
    setBandwidth: (bytesPerSecond) => bandwidth.setLimit(bytesPerSecond),
    setMemory: (bytes) => budget.setLimit(bytes),
    memory: () => ({ heldBytes: budget.heldBytes(), mostHeldBytes: budget.mostHeldBytes() }),
    close: async () => {
      closed = true;
      const leaving = [...members];
      // What was cut off has left for the store: its ends are counted before the thread is gone.
      for (const member of leaving) for (const id of member.jobs.keys()) tell(member, { type: 'cancel', id });
      for (let waitedMs = 0; waitedMs < lastWordsMs && leaving.some(({ jobs }) => jobs.size > 0); waitedMs += 10)
        await sleep(10);
      for (const member of leaving) tell(member, { type: 'close' });
      await Promise.all(leaving.map((member) => member.worker.terminate()));
    },
  };
}

/** What is said in one turn of the event loop goes as one message. */
function tell(member: Member, message: ToWorker): void {
  member.toTell.push(message);
  if (member.toTell.length > 1) return;
  setImmediate(() => {
    const messages = member.toTell;
    member.toTell = [];
    member.worker.postMessage(messages);
  });
}

/** A request costs its thread about what moving half a mebibyte does (100–200 µs). */
const requestWeight = 0.5 * MiB;
const weightOf = (job: SendJob): number => requestWeight + ('source' in job ? job.source.length : 0);

const nothing = (): void => undefined;
