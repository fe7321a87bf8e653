import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { RelativePath } from '../../../shared/ids.ts';

/** How two walkers, each a blocked thread of its own, share one tree. */
export interface TreeShare {
  /** The other one has nothing left to do. */
  isWanted(): boolean;
  give(directories: readonly RelativePath[]): void;
  /** Blocks until the other one gives something; null: nothing is left for either, the walk is over. */
  take(): readonly RelativePath[] | null;
}

/** `idle`: the bits of the walkers that have nothing to do; the second one has nothing until it is there. `present`: 1 once it is. */
const idleAt = 0;
const presentAt = 1;
const bits = { first: 1, second: 2 } as const;
const both = bits.first | bits.second;

export interface ShareEnds {
  readonly state: Int32Array<SharedArrayBuffer>;
  readonly port: MessagePort;
  readonly me: keyof typeof bits;
}

export function newShareState(): Int32Array<SharedArrayBuffer> {
  const state = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  state[idleAt] = bits.second;
  return state;
}

/** The second walker has begun, so what it found may still be on its way. */
export const isShared = (state: Int32Array<SharedArrayBuffer>): boolean => Atomics.load(state, presentAt) === 1;

/** Nothing is left to walk. */
export const isOver = (state: Int32Array<SharedArrayBuffer>): boolean => Atomics.load(state, idleAt) === both;

export function treeShare({ state, port, me }: ShareEnds): TreeShare {
  const mine = bits[me];
  const theirs = both & ~mine;
  let begun = me === 'first';
  return {
    isWanted: () => (Atomics.load(state, idleAt) & theirs) !== 0 && Atomics.load(state, presentAt) === 1,
    give: (directories) => {
      port.postMessage(directories);
      Atomics.and(state, idleAt, ~theirs);
      Atomics.notify(state, idleAt);
    },
    take: () => {
      // the second one's bit is set from the start, and may be cleared as soon as it is present
      if (begun) Atomics.or(state, idleAt, mine);
      else Atomics.store(state, presentAt, 1);
      begun = true;
      Atomics.notify(state, idleAt);
      for (let idle = Atomics.load(state, idleAt); (idle & mine) !== 0; idle = Atomics.load(state, idleAt)) {
        if (idle === both) return null;
        Atomics.wait(state, idleAt, idle);
      }
      // the message was there before the bit went
      return receiveMessageOnPort(port)?.message as readonly RelativePath[];
    },
  };
}
