import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type ChecksumAlgorithm, type RunningHash, startChecksum } from './checksums.ts';
import { decodeChunks } from './chunkedBody.ts';
import type { PayloadForm } from './payload.ts';
import { S3Error } from './s3Error.ts';

export interface ReceivedBody {
  readonly size: number;
  readonly md5: Buffer;
  /** Base64, by algorithm asked for. */
  readonly checksums: ReadonlyMap<ChecksumAlgorithm, string>;
  readonly trailers: ReadonlyMap<string, string>;
}

export interface BodyOptions {
  readonly form: PayloadForm;
  readonly algorithms: readonly ChecksumAlgorithm[];
  readonly idleTimeoutMs: number;
  readonly sink: (payload: Uint8Array) => Promise<void> | undefined;
  /** Told as the object's bytes arrive. */
  readonly onBytes: (count: number) => void;
}

/** Reads the request's body once, hashing as it goes; checks its length, its chunk signatures and its SHA-256. */
export async function receiveBody(request: IncomingMessage, options: BodyOptions): Promise<ReceivedBody> {
  const { form } = options;
  const md5 = createHash('md5');
  const sha256 = form.kind === 'plain' && form.sha256 !== null ? createHash('sha256') : null;
  const running = new Map<ChecksumAlgorithm, RunningHash>();
  for (const algorithm of options.algorithms) running.set(algorithm, startChecksum(algorithm));
  const decoder = form.kind === 'chunked' ? decodeChunks(form) : null;
  let size = 0;

  const takePayload = (payload: Buffer): Promise<void> | undefined => {
    size += payload.length;
    options.onBytes(payload.length);
    if (size > form.length) throw new S3Error('IncompleteBody');
    md5.update(payload);
    sha256?.update(payload);
    for (const hash of running.values()) hash.update(payload);
    return options.sink(payload);
  };
  await pump(request, options.idleTimeoutMs, (chunk) => {
    if (decoder === null) return takePayload(chunk);
    let wait: Promise<void> | undefined;
    for (const payload of decoder.push(chunk)) wait = takePayload(payload) ?? wait;
    return wait;
  });

  const trailers = decoder?.finish() ?? new Map<string, string>();
  if (size !== form.length)
    throw new S3Error('IncompleteBody', { NumberBytesExpected: form.length, NumberBytesReceived: size });
  if (sha256 !== null && form.kind === 'plain') {
    const computed = sha256.digest('hex');
    if (computed !== form.sha256)
      throw new S3Error('XAmzContentSHA256Mismatch', {
        ClientComputedContentSHA256: form.sha256 as string,
        S3ComputedContentSHA256: computed,
      });
  }
  const checksums = new Map([...running].map(([name, hash]) => [name, hash.digest().toString('base64')] as const));
  return { size, md5: md5.digest(), checksums, trailers };
}

/** Hands over every chunk, waiting where told; a body without progress for `idleMs` is S3's `RequestTimeout`. */
function pump(
  request: IncomingMessage,
  idleMs: number,
  onChunk: (chunk: Buffer) => Promise<void> | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(new S3Error('RequestTimeout')), idleMs);
    const settle = (error?: unknown): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('error', onCut).off('close', onCut);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onData = (chunk: Buffer): void => {
      timer.refresh();
      try {
        const wait = onChunk(chunk);
        if (wait === undefined) return;
        request.pause();
        wait.then(() => {
          timer.refresh();
          request.resume();
        }, settle);
      } catch (error) {
        settle(error);
      }
    };
    const onEnd = (): void => settle();
    const onCut = (): void => settle(new S3Error('IncompleteBody'));
    request.on('data', onData).on('end', onEnd).on('error', onCut).on('close', onCut);
  });
}
