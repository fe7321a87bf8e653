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

/** The connection that a body goes to. */
export interface BodyTarget {
  cork(): void;
  uncork(): void;
  write(bytes: Buffer, done?: (error?: Error | null) => void): unknown;
  write(text: string, encoding: 'latin1', done?: (error?: Error | null) => void): unknown;
}

/**
 * What a pump writes into: counts, frames where asked to, and copies nothing. Destroyed with the request, so that the pump ends with it.
 * `finishBody` sends what comes behind the payload and says when it is out; throws when the pump wrote less than it said.
 */
export class BodySink extends Writable {
  /** Payload bytes handed to the request. */
  written = 0;
  readonly #target: BodyTarget;
  readonly #body: PumpedBody;

  constructor(target: BodyTarget, body: PumpedBody) {
    super({ decodeStrings: true, emitClose: true });
    this.#target = target;
    this.#body = body;
    // a pump listens; where it has ended already nobody else must be hurt
    this.on('error', () => undefined);
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.written + bytes.length > this.#body.length) return done(wrongLength('more', this.#body.length));
    const target = this.#target;
    if (this.#body.trailer === null) {
      this.written += bytes.length;
      target.write(bytes, done);
      return;
    }
    // heads, slices and line ends leave in one system call
    target.cork();
    let offset = 0;
    while (offset < bytes.length) {
      const inChunk = this.written % chunkBytes;
      if (inChunk === 0)
        target.write(`${Math.min(chunkBytes, this.#body.length - this.written).toString(16)}\r\n`, 'latin1');
      const slice = bytes.subarray(offset, offset + chunkBytes - inChunk);
      offset += slice.length;
      this.written += slice.length;
      const chunkEnds = this.written % chunkBytes === 0 || this.written === this.#body.length;
      const last = offset >= bytes.length;
      if (!chunkEnds && last) target.write(slice, done);
      else target.write(slice);
      if (chunkEnds && last) target.write('\r\n', 'latin1', done);
      else if (chunkEnds) target.write('\r\n', 'latin1');
    }
    target.uncork();
    if (bytes.length === 0) done();
  }

  finishBody(done: () => void): void {
    const { length, trailer } = this.#body;
    if (this.written !== length) throw wrongLength('less', length);
    if (trailer === null) return done();
    const [name, value] = trailer();
    this.#target.write(`0\r\n${name}:${value}\r\n\r\n`, 'latin1', done);
  }
}

const wrongLength = (which: string, length: number): Error =>
  new Error(`the body has ${which} bytes than the ${length} that were announced`);
