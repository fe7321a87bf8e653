import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { SharedLine } from './faultProxyBandwidth.ts';

export interface BodyFaults {
  readonly lines: readonly SharedLine[];
  readonly resetAfterBytes?: number | undefined;
  readonly stall?: { readonly afterBytes: number; readonly ms: number | null } | undefined;
  /** Offset of the byte that is changed. */
  readonly corruptAt?: number | undefined;
  readonly onBytes: (count: number) => void;
  /** Aborted when the client has gone: ends a stall. */
  readonly signal: AbortSignal;
}

/** Moves a body from one connection to the other, slowly, wrongly or not to the end, as told. Returns false when it is to be cut. */
export async function carryBody(from: Readable, to: Writable, faults: BodyFaults): Promise<boolean> {
  let done = 0;
  let stall = faults.stall;
  const send = async (piece: Buffer): Promise<void> => {
    for (const line of faults.lines) await line.pass(piece.length);
    faults.onBytes(piece.length);
    done += piece.length;
    if (!to.write(piece)) await drained(to, faults.signal);
  };
  const pieces = (chunk: Buffer): Buffer[] => {
    const size = Math.min(chunk.length, ...faults.lines.map((line) => line.pieceBytes));
    if (size >= chunk.length) return [chunk];
    return Array.from({ length: Math.ceil(chunk.length / size) }, (_, i) => chunk.subarray(i * size, (i + 1) * size));
  };
  const cutAt = faults.resetAfterBytes;
  if (cutAt === 0) return false;
  // Leaving early must not close the connection: how it ends is the caller's choice.
  for await (const chunk of from.iterator({ destroyOnReturn: false })) {
    let bytes = chunk as Buffer;
    const at = (faults.corruptAt ?? -1) - done;
    if (at >= 0 && at < bytes.length) {
      bytes = Buffer.from(bytes);
      bytes[at] = bytes[at]! ^ 1;
    }
    if (stall !== undefined && done + bytes.length >= stall.afterBytes) {
      const before = bytes.subarray(0, stall.afterBytes - done);
      for (const piece of pieces(before)) await send(piece);
      bytes = bytes.subarray(before.length);
      await pauseFor(stall.ms, faults.signal);
      stall = undefined;
    }
    const last = cutAt !== undefined && done + bytes.length >= cutAt;
    if (last) bytes = bytes.subarray(0, cutAt - done);
    for (const piece of pieces(bytes)) await send(piece);
    if (last) return false;
  }
  if (stall !== undefined && done >= stall.afterBytes) await pauseFor(stall.ms, faults.signal);
  return true;
}

async function pauseFor(ms: number | null, signal: AbortSignal): Promise<void> {
  await delay(ms ?? 2 ** 31 - 1, undefined, { signal, ref: false });
}

function drained(to: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (run: () => void) => () => {
      to.off('drain', onDrain).off('close', onClose);
      signal.removeEventListener('abort', onClose);
      run();
    };
    const onDrain = settle(resolve);
    const onClose = settle(() => reject(new Error('the other end has gone')));
    to.once('drain', onDrain).once('close', onClose);
    signal.addEventListener('abort', onClose);
    if (to.destroyed || signal.aborted) onClose();
  });
}
