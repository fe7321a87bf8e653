import type { ClientRequest } from 'node:http';
import { Writable } from 'node:stream';

/** A body made while it is sent. */
export interface PumpedBody {
  /** Bytes of the payload. */
  readonly length: number;
  readonly pump: (destination: Writable) => Promise<void>;
  /** null: the payload goes out as it is. Else aws-chunked, this behind it: name and value, asked for after the last byte. */
  readonly trailer: (() => readonly [name: string, value: string]) | null;
}

/**
 * Fixed, so that Content-Length is known beforehand whatever the sizes of the pump's writes. S3 wants at least 8 KiB in all but the last chunk, MinIO takes at most 16 MiB.
 */
export const chunkBytes = 1024 * 1024;

/** Bytes on the wire of `length` bytes of payload in aws-chunked framing with one trailer. */
export function chunkedLength(length: number, trailerName: string, trailerValueBytes: number): number {
  const whole = Math.floor(length / chunkBytes);
  const rest = length % chunkBytes;
  const end = '0\r\n'.length + trailerName.length + ':'.length + trailerValueBytes + '\r\n\r\n'.length;
  return whole * framed(chunkBytes) + (rest === 0 ? 0 : framed(rest)) + end;
}

const framed = (bytes: number): number => bytes.toString(16).length + 2 + bytes + 2;

/**
 * What a pump writes into: counts, frames where asked to, and copies nothing. Destroyed with the request, so that a pump ends even if the request never had a socket.
 * `finishBody` ends the request with what comes behind the payload; throws when the pump wrote less than it said.
 */
export class BodySink extends Writable {
  /** Payload bytes handed to the request. */
  written = 0;
  readonly #req: ClientRequest;
  readonly #body: PumpedBody;

  constructor(req: ClientRequest, body: PumpedBody) {
    super({ decodeStrings: true, emitClose: true });
    this.#req = req;
    this.#body = body;
    // a pump listens; where it has ended already nobody else must be hurt
    this.on('error', () => undefined);
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.written + bytes.length > this.#body.length) return done(wrongLength('more', this.#body.length));
    if (this.#body.trailer === null) {
      this.written += bytes.length;
      this.#req.write(bytes, done);
      return;
    }
    // node:http corks what is written within one tick: heads, slices and line ends leave in one system call
    let offset = 0;
    while (offset < bytes.length) {
      const inChunk = this.written % chunkBytes;
      if (inChunk === 0)
        this.#req.write(`${Math.min(chunkBytes, this.#body.length - this.written).toString(16)}\r\n`, 'latin1');
      const slice = bytes.subarray(offset, offset + chunkBytes - inChunk);
      offset += slice.length;
      this.written += slice.length;
      const chunkEnds = this.written % chunkBytes === 0 || this.written === this.#body.length;
      const last = offset >= bytes.length;
      if (!chunkEnds && last) this.#req.write(slice, done);
      else this.#req.write(slice);
      if (chunkEnds && last) this.#req.write('\r\n', 'latin1', done);
      else if (chunkEnds) this.#req.write('\r\n', 'latin1');
    }
    if (bytes.length === 0) done();
  }

  finishBody(): void {
    const { length, trailer } = this.#body;
    if (this.written !== length) throw wrongLength('less', length);
    if (trailer === null) return void this.#req.end();
    const [name, value] = trailer();
    this.#req.end(`0\r\n${name}:${value}\r\n\r\n`, 'latin1');
  }
}

const wrongLength = (which: string, length: number): Error =>
  new Error(`the body has ${which} bytes than the ${length} that were announced`);
