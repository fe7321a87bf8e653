import { spawnShapedLink } from '../support/shapedLinkProcess.ts';
import type { Case, Link } from './cases.ts';
import { type Sink, startSink, startTlsFront, type TlsFront } from './sink/startSink.ts';

/** What a stall's probability is of: about what is under way on one connection. */
const stallPieceBytes = 64 * 1024;

export interface Endpoint {
  readonly endpoint: string;
  readonly caFile: string | null;
  close(): Promise<void>;
}

export interface Endpoints {
  readonly sink: Sink;
  /** Where a tool uploads to in this run; a string says why there is no such place here. The seed is of what a line does at random. */
  open(over: Case['over'], seed: number): Promise<Endpoint | string>;
  close(): Promise<void>;
}

/** One sink, and in front of it what the cases ask for: TLS once for all, a line anew for each run, with no queue left by the one before. */
export async function openEndpoints(): Promise<Endpoints> {
  const sink = await startSink();
  let tls: Promise<TlsFront | string> | undefined;
  return {
    sink,
    open: async (over, seed) => {
      if (over === 'http') return { endpoint: sink.endpoint, caFile: null, close: async () => {} };
      if (over !== 'tls') return openLine(sink, over, seed);
      tls ??= startTlsFront(sink);
      const front = await tls;
      return typeof front === 'string' ? front : { ...front, close: async () => {} };
    },
    close: async () => {
      const front = await tls;
      if (front !== undefined && typeof front !== 'string') await front.close();
      await sink.close();
    },
  };
}

async function openLine(sink: Sink, { roundTripMs, bitsPerSecond, stallRate }: Link, seed: number): Promise<Endpoint> {
  const link = await spawnShapedLink({
    target: sink.endpoint,
    upBytesPerSecond: bitsPerSecond / 8,
    rttMs: roundTripMs,
    stalls: { perMiB: (stallRate * 1024 ** 2) / stallPieceBytes },
    seed,
  });
  return { endpoint: link.url, caFile: null, close: link.close };
}
