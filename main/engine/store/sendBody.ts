import type { ClientRequest } from 'node:http';
import { Readable } from 'node:stream';

/** One write of a whole part would block TLS for 100 ms and hide progress; 256 KiB was measured best. */
const sliceBytes = 256 * 1024;

/** Sends the body as it is. A Readable may override pipe() to pump straight into the request. */
export function sendBody(req: ClientRequest, body: unknown): void {
  if (body instanceof Readable) {
    body.pipe(req);
  } else if (body instanceof Uint8Array && body.byteLength > sliceBytes) {
    sendSlices(req, body);
  } else if (body instanceof Uint8Array && body.byteLength > 0) {
    req.end(body);
  } else if (typeof body === 'string' && body !== '') {
    req.end(body);
  } else {
    req.end();
  }
}

function sendSlices(req: ClientRequest, body: Uint8Array): void {
  let offset = 0;
  const next = () => {
    while (!req.destroyed) {
      const slice = body.subarray(offset, offset + sliceBytes);
      offset += slice.byteLength;
      if (offset >= body.byteLength) return void req.end(slice);
      if (!req.write(slice)) return void req.once('drain', next);
    }
  };
  next();
}
