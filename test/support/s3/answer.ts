import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { S3Response } from './context.ts';
import type { S3Error } from './s3Error.ts';
import { writeXml } from './xml.ts';

export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  result: S3Response,
  requestId: string,
): Promise<void> {
  setCommonHeaders(response, requestId);
  for (const [name, value] of Object.entries(result.headers ?? {})) response.setHeader(name, value);
  response.statusCode = result.status;
  const { body } = result;
  if (typeof body === 'string') {
    response.setHeader('content-type', 'application/xml');
    response.setHeader('content-length', Buffer.byteLength(body));
    response.end(body);
    return;
  }
  if (body === undefined || request.method === 'HEAD' || body.length === 0) {
    if (body === undefined && result.status !== 204) response.setHeader('content-length', 0);
    response.end();
    return;
  }
  const source = createReadStream(body.file, {
    start: body.start,
    end: body.start + body.length - 1,
    highWaterMark: 256 * 1024,
  });
  // A reader that goes away ends the transfer; the object is none the worse for it.
  await pipeline(source, response).catch(() => response.destroy());
}

export interface ErrorAnswer {
  readonly requestId: string;
  /** The request's body stays unread: the connection can't be used again. */
  readonly close: boolean;
  readonly region: string;
}

export async function answerError(
  request: IncomingMessage,
  response: ServerResponse,
  error: S3Error,
  { requestId, close, region }: ErrorAnswer,
): Promise<void> {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const hostId = setCommonHeaders(response, requestId);
  response.statusCode = error.status;
  if (close) response.setHeader('connection', 'close');
  if (error.fields.Region !== undefined) response.setHeader('x-amz-bucket-region', region);
  if (request.method === 'HEAD' || error.status === 304) {
    response.end();
    return;
  }
  const body = writeXml(
    'Error',
    { Code: error.code, Message: error.message, ...error.fields, RequestId: requestId, HostId: hostId },
    false,
  );
  response.setHeader('content-type', 'application/xml');
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
  if (close) response.once('finish', () => setTimeout(() => request.destroy(), 200).unref());
}

function setCommonHeaders(response: ServerResponse, requestId: string): string {
  const hostId = randomBytes(48).toString('base64');
  response.setHeader('x-amz-request-id', requestId);
  response.setHeader('x-amz-id-2', hostId);
  response.setHeader('server', 'AmazonS3');
  return hostId;
}
