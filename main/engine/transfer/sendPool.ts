import { Worker } from 'node:worker_threads';
import { errorView, SluiceError } from '../../../shared/errors.ts';
import type { CredentialsProvider, StoreTarget } from '../store/store.ts';
import { workerUrl } from '../workerUrl.ts';
import { bandwidthOver, newBandwidthMemory } from './bandwidth.ts';
import type { FromWorker, SendJob, SendResult, StoreKey, ToWorker, WorkerStart } from './sendProtocol.ts';

export interface SendPoolOptions {
  /** Threads, ≥ 1. */
  readonly workers: number;
  /** Sockets per store and worker. */
  readonly maxSockets: number;
  readonly stallTimeoutMs: number;
  readonly onRequests: (operations: readonly string[]) => void;
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

/** Worker threads that send; jobs go to the one with the least to do. A thread that dies is replaced and its jobs fail with `worker-died`. */
export interface SendPool {
  addStore(key: StoreKey, target: StoreTarget, credentials: CredentialsProvider): void;
  /** `onSent` gets bytes as they leave, about every 100 ms. */
  send<J extends SendJob>(job: J, onSent?: (bytes: number) => void): JobHandle<ResultFor<J>>;
  /** Bytes per second over all threads; null: no limit. */
  setBandwidth(bytesPerSecond: number | null): void;
  close(): Promise<void>;
}

interface OpenJob {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
  readonly onSent: ((bytes: number) => void) | undefined;
}

interface Member {
  worker: Worker;
  readonly jobs: Map<number, OpenJob>;
  readonly stores: Set<StoreKey>;
}

export function createSendPool(options: SendPoolOptions): SendPool {
  const memory = newBandwidthMemory();
  const bandwidth = bandwidthOver(memory);
  const targets = new Map<StoreKey, { target: StoreTarget; credentials: CredentialsProvider }>();
  const members: Member[] = [];
  let lastId = 0;
  let closed = false;

  /** Threads start when there is work for them: a run with nothing to send needs none. */
  const startMember = (): Member => {
    const start: WorkerStart = { bandwidth: memory };
    const member: Member = {
      worker: new Worker(workerUrl('sendWorker', import.meta.url), { workerData: start }),
      jobs: new Map(),
      stores: new Set(),
    };
    const lose = (cause: unknown) => {
      const at = members.indexOf(member);
      if (at >= 0) members.splice(at, 1);
      for (const job of member.jobs.values())
        job.reject(new SluiceError('worker-died', 'A sending thread ended unexpectedly', { cause }));
      member.jobs.clear();
    };
    member.worker.on('message', (message: FromWorker) => receive(member, message));
    member.worker.on('error', lose);
    member.worker.on('exit', (code) => lose(new Error(`exit code ${code}`)));
    members.push(member);
    return member;
  };

  const receive = (member: Member, message: FromWorker): void => {
    switch (message.type) {
      case 'progress':
        options.onRequests(message.requests);
        for (const [id, bytes] of message.sent) member.jobs.get(id)?.onSent?.(bytes);
        return;
      case 'done': {
        const job = member.jobs.get(message.id);
        member.jobs.delete(message.id);
        return job?.resolve({ ...message.result, sentMs: message.sentMs } as never);
      }
      case 'failed': {
        const job = member.jobs.get(message.id);
        member.jobs.delete(message.id);
        return job?.reject(SluiceError.fromView(message.error));
      }
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

  const pick = (): Member => {
    const idle = members.find((member) => member.jobs.size === 0);
    if (idle) return idle;
    if (members.length < options.workers) return startMember();
    return members.reduce((least, member) => (member.jobs.size < least.jobs.size ? member : least));
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
      targets.set(key, { target, credentials });
    },
    send: (job, onSent) => {
      if (closed) {
        return {
          result: Promise.reject(new SluiceError('interrupted', 'Sluice is stopping')),
          cancel: () => undefined,
        };
      }
      const member = pick();
      if ('store' in job) introduce(member, job.store);
      const id = ++lastId;
      const result = new Promise<never>((resolve, reject) => member.jobs.set(id, { resolve, reject, onSent }));
      tell(member, { type: 'job', id, job });
      return { result, cancel: () => tell(member, { type: 'cancel', id }) };
    },
    setBandwidth: (bytesPerSecond) => bandwidth.setLimit(bytesPerSecond),
    close: async () => {
      closed = true;
      const leaving = [...members];
      for (const member of leaving) tell(member, { type: 'close' });
      await Promise.all(leaving.map((member) => member.worker.terminate()));
    },
  };
}

const tell = (member: Member, message: ToWorker): void => member.worker.postMessage(message);
