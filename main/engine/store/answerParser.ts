/** One answer, whole. Header names in lower case; one that comes several times joined by `, `. */
export interface ParsedAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Another request may follow on this connection. */
  readonly keepsAlive: boolean;
}

/** Cut off, or of no sense: told apart by their codes, as those of Node's own errors are. */
export class AnswerError extends Error {
  readonly code: 'ECONNRESET' | 'HPE_MALFORMED';

  constructor(message: string, code: AnswerError['code'] = 'HPE_MALFORMED') {
    super(message);
    this.code = code;
  }
}

/**
 * An HTTP/1.1 answer (RFC 9112) read as its bytes come, for requests whose answers are small. Strict: what two readers could take for two things (a bare line feed, folded
 * lines, two lengths, a length beside chunks) is an error and ends the connection, never a guess. Interim answers (1xx) are passed over.
 */
export class AnswerParser {
  readonly #method: string;
  /** Not yet understood. */
  #rest: Buffer = none;
  #head: Head | null = null;
  #body: Body = { kind: 'length', left: 0 };
  #taken: Buffer[] | null = null;
  #takenBytes = 0;
  #begun = false;

  /** `method` of the request: a HEAD's answer has no body, whatever its headers say. */
  constructor(method: string) {
    this.#method = method;
  }

  /** null: more is to come. Throws AnswerError; the parser is of no use afterwards. Bytes behind the answer's end are an error too: nothing was asked that they could answer. */
  push(bytes: Buffer): ParsedAnswer | null {
    this.#begun = true;
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (this.#head === null && !this.#readHead()) return null;
    return this.#readBody() ? this.#done() : null;
  }

  /** The connection ended: an answer without a length is whole now. Throws AnswerError when one was cut off; null: none had begun. */
  end(): ParsedAnswer | null {
    if (!this.#begun) return null;
    if (this.#head !== null && this.#body.kind === 'until-end') return this.#done();
    throw new AnswerError('the connection broke inside the answer', 'ECONNRESET');
  }

  #done(): ParsedAnswer {
    if (this.#rest.length > 0) throw new AnswerError('bytes came behind the answer', 'ECONNRESET');
    const { status, reason, headers, keepsAlive } = this.#head!;
    const body = this.#taken === null ? none : Buffer.concat(this.#taken, this.#takenBytes);
    return { status, reason, headers, body, keepsAlive: keepsAlive && this.#body.kind !== 'until-end' };
  }

  #readHead(): boolean {
    for (;;) {
      const end = this.#rest.indexOf('\r\n\r\n', 0, 'latin1');
      if (end > maxHeadBytes || (end < 0 && this.#rest.length > maxHeadBytes))
        throw new AnswerError('the head of the answer is too large');
      if (end < 0) return false;
      const head = parseHead(this.#rest.toString('latin1', 0, end));
      this.#rest = this.#rest.subarray(end + 4);
      if (head.status === 101) throw new AnswerError('the server switches to a protocol that nobody asked for');
      if (head.status < 200) continue;
      this.#head = head;
      this.#body = bodyOf(this.#method, head);
      return true;
    }
  }

  /** Whether the body is complete. */
  #readBody(): boolean {
    const body = this.#body;
    switch (body.kind) {
      case 'until-end':
        this.#take(this.#rest.length);
        return false;
      case 'length':
        body.left -= this.#take(body.left);
        return body.left === 0;
      case 'chunked':
        for (;;) {
          const progress = this.#readChunked(body);
          if (progress !== 'on') return progress === 'done';
        }
    }
  }

  #readChunked(body: ChunkedBody): 'more' | 'done' | 'on' {
    switch (body.state) {
      case 'size': {
        const line = this.#line(maxSizeLineBytes);
        if (line === null) return 'more';
        const size = /^([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$/.exec(line)?.[1];
        if (size === undefined) throw new AnswerError('a chunk of the answer has no size');
        body.left = Number.parseInt(size, 16);
        body.state = body.left === 0 ? 'trailer' : 'data';
        return 'on';
      }
      case 'data':
        body.left -= this.#take(body.left);
        if (body.left > 0) return 'more';
        body.state = 'data-end';
        return 'on';
      case 'data-end':
        if (this.#line(0) === null) return 'more';
        body.state = 'size';
        return 'on';
      case 'trailer': {
        const line = this.#line(maxHeadBytes);
        if (line === null) return 'more';
        return line === '' ? 'done' : 'on';
      }
    }
  }

  /** At most so many bytes of what is here, copied: the buffer that they came in is used again. */
  #take(most: number): number {
    const bytes = this.#rest.subarray(0, most);
    if (bytes.length === 0) return 0;
    this.#takenBytes += bytes.length;
    if (this.#takenBytes > maxAnswerBytes) throw new AnswerError('the answer is too large to be one of S3');
    this.#taken ??= [];
    this.#taken.push(Buffer.from(bytes));
    this.#rest = this.#rest.subarray(bytes.length);
    return bytes.length;
  }

  /** A line's text without its end; null: not all of it is here. */
  #line(most: number): string | null {
    const end = this.#rest.indexOf('\r\n', 0, 'latin1');
    if (end > most || (end < 0 && this.#rest.length > most + 1))
      throw new AnswerError('a line of the answer is too long');
    if (end < 0) return null;
    const text = this.#rest.toString('latin1', 0, end);
    this.#rest = this.#rest.subarray(end + 2);
    return text;
  }
}

/** Answers are read whole; none of S3's that we ask for is nearly as large. */
const maxAnswerBytes = 64 * 1024 * 1024;
const maxHeadBytes = 64 * 1024;
/** What a chunk's size, with its extensions, may take. */
const maxSizeLineBytes = 1024;
const none = Buffer.alloc(0);

interface Head {
  readonly status: number;
  readonly reason: string;
  readonly headers: Record<string, string>;
  readonly keepsAlive: boolean;
}

type Body = { readonly kind: 'length'; left: number } | { readonly kind: 'until-end' } | ChunkedBody;

interface ChunkedBody {
  readonly kind: 'chunked';
  state: 'size' | 'data' | 'data-end' | 'trailer';
  left: number;
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const forbidden = /[\0\r\n]/;

function parseHead(text: string): Head {
  const lines = text.split('\r\n');
  const status = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: (.*))?$/.exec(lines[0]!);
  if (status === null) throw new AnswerError('what came is not an HTTP answer');
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(':');
    const name = colon < 0 ? '' : line.slice(0, colon).toLowerCase();
    if (!token.test(name)) throw new AnswerError('a header of the answer has no proper name');
    const value = line.slice(colon + 1).trim();
    if (forbidden.test(value)) throw new AnswerError(`the answer's header ${name} has a forbidden character`);
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (name !== 'content-length') headers[name] = `${before}, ${value}`;
    else if (before !== value) throw new AnswerError('the answer has two lengths');
  }
  const connection = (headers.connection ?? '').toLowerCase();
  const keepsAlive = status[1] === '1' ? !/\bclose\b/.test(connection) : /\bkeep-alive\b/.test(connection);
  return { status: Number(status[2]), reason: status[3] ?? '', headers, keepsAlive };
}

function bodyOf(method: string, { status, headers }: Head): Body {
  if (method === 'HEAD' || status === 204 || status === 304) return { kind: 'length', left: 0 };
  const length = headers['content-length'];
  const encoding = headers['transfer-encoding'];
  if (encoding !== undefined) {
    if (length !== undefined) throw new AnswerError('the answer has a length beside its chunks');
    if (encoding.toLowerCase() !== 'chunked') throw new AnswerError(`the answer comes as ${encoding}`);
    return { kind: 'chunked', state: 'size', left: 0 };
  }
  if (length === undefined) return { kind: 'until-end' };
  if (!/^[0-9]{1,15}$/.test(length)) throw new AnswerError('the answer has no proper length');
  return { kind: 'length', left: Number(length) };
}
