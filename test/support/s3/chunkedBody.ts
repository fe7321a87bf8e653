import { createHash, type Hash } from 'node:crypto';
import { S3Error } from './s3Error.ts';
import { hmac, type ProvenSignature, sha256Hex } from './signature.ts';

/** Takes the aws-chunked framing off, checking every chunk's signature on the way. */
export interface ChunkedDecoder {
  /** Returns the payload found in these bytes. Throws on a broken frame or signature. */
  push(bytes: Buffer): readonly Buffer[];
  /** The trailers, lower-case; throws `IncompleteBody` when the final chunk has not been seen. */
  finish(): ReadonlyMap<string, string>;
}

const minChunkBytes = 8192;
const maxLineBytes = 4096;

type State = 'head' | 'data' | 'data-end' | 'trailer' | 'done';

export function decodeChunks(options: {
  readonly signed: ProvenSignature | null;
  readonly trailer: boolean;
}): ChunkedDecoder {
  const { signed } = options;
  let state: State = 'head';
  let line = '';
  let left = 0;
  let lastSize: number | null = null;
  let previous = signed?.signature ?? '';
  let claimed = '';
  let hash: Hash | null = null;
  const trailers = new Map<string, string>();

  const takeLine = (bytes: Buffer, from: number): number => {
    const end = bytes.indexOf(10, from);
    const until = end < 0 ? bytes.length : end;
    line += bytes.toString('latin1', from, until);
    if (line.length > maxLineBytes) throw new S3Error('IncompleteBody');
    return end < 0 ? -1 : end + 1;
  };

  const startChunk = (text: string): void => {
    const match = /^([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(text);
    if (match === null || (match[2] !== undefined) !== (signed !== null)) throw new S3Error('IncompleteBody');
    left = Number.parseInt(match[1] as string, 16);
    claimed = match[2] ?? '';
    if (left > 0 && lastSize !== null && lastSize < minChunkBytes)
      throw new S3Error('InvalidChunkSizeError', { Chunk: '', BadChunkSize: lastSize });
    hash = signed === null ? null : createHash('sha256');
    if (left === 0) {
      closeChunk();
      state = 'trailer';
    } else {
      lastSize = left;
      state = 'data';
    }
  };

  const closeChunk = (): void => {
    if (signed === null || hash === null) return;
    const toSign = [
      'AWS4-HMAC-SHA256-PAYLOAD',
      signed.amzDate,
      signed.scope,
      previous,
      sha256Hex(''),
      hash.digest('hex'),
    ].join('\n');
    const expected = hmac(signed.signingKey, toSign).toString('hex');
    if (expected !== claimed)
      throw new S3Error('SignatureDoesNotMatch', { StringToSign: toSign, SignatureProvided: claimed });
    previous = expected;
  };

  const takeTrailer = (text: string): void => {
    if (text === '') {
      checkTrailers();
      state = 'done';
      return;
    }
    const at = text.indexOf(':');
    if (at <= 0 || !options.trailer) throw new S3Error('MalformedTrailerError');
    trailers.set(text.slice(0, at).trim().toLowerCase(), text.slice(at + 1).trim());
  };

  const checkTrailers = (): void => {
    if (signed === null || !options.trailer) return;
    const claim = trailers.get('x-amz-trailer-signature');
    trailers.delete('x-amz-trailer-signature');
    const canonical = [...trailers]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}:${value}\n`)
      .join('');
    const toSign = ['AWS4-HMAC-SHA256-TRAILER', signed.amzDate, signed.scope, previous, sha256Hex(canonical)].join(
      '\n',
    );
    if (claim === undefined) throw new S3Error('MalformedTrailerError');
    if (hmac(signed.signingKey, toSign).toString('hex') !== claim)
      throw new S3Error('SignatureDoesNotMatch', { StringToSign: toSign, SignatureProvided: claim });
  };

  return {
    push: (bytes) => {
      const payload: Buffer[] = [];
      let at = 0;
      while (at < bytes.length) {
        if (state === 'done') throw new S3Error('MalformedTrailerError');
        if (state === 'data') {
          const slice = bytes.subarray(at, at + left);
          hash?.update(slice);
          payload.push(slice);
          left -= slice.length;
          at += slice.length;
          if (left === 0) state = 'data-end';
          continue;
        }
        const next = takeLine(bytes, at);
        if (next < 0) break;
        at = next;
        const text = line.replace(/\r$/, '');
        line = '';
        if (state === 'head') startChunk(text);
        else if (state === 'trailer') takeTrailer(text);
        else {
          if (text !== '') throw new S3Error('IncompleteBody');
          closeChunk();
          state = 'head';
        }
      }
      return payload;
    },
    finish: () => {
      if (state !== 'done') throw new S3Error('IncompleteBody');
      return trailers;
    },
  };
}
