import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerError, AnswerParser, type ParsedAnswer } from '../../../main/engine/store/answerParser.ts';

const answer = (text: string, method = 'PUT'): ParsedAnswer | null => new AnswerParser(method).push(bytes(text));
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** In pieces cut where `cuts` say, each in a buffer that is overwritten once it was read, as the socket's is. */
function inPieces(text: string, cuts: readonly number[], method = 'PUT'): ParsedAnswer | null {
  const parser = new AnswerParser(method);
  const all = bytes(text);
  const at = [...new Set(cuts.map((cut) => cut % all.length)), 0, all.length].sort((a, b) => a - b);
  let parsed: ParsedAnswer | null = null;
  for (let i = 0; i + 1 < at.length; i++) {
    const piece = Buffer.from(all.subarray(at[i], at[i + 1]));
    if (piece.length === 0) continue;
    expect(parsed).toBeNull();
    parsed = parser.push(piece);
  }
  return parsed;
}

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

describe('an answer', () => {
  it('is the same in whatever pieces it comes', () => {
    const texts = fc.array(
      fc.string({ minLength: 1, maxLength: 60, unit: fc.constantFrom('a', '\r', '\n', '0', ':') }),
    );
    fc.assert(
      fc.property(texts, fc.boolean(), fc.array(fc.nat(), { maxLength: 12 }), (parts, chunked, cuts) => {
        const body = parts.join('');
        const text = chunked
          ? `HTTP/1.1 200 OK\r\nETag: "e"\r\nTransfer-Encoding: chunked\r\n\r\n${parts.map(chunk).join('')}0\r\nx-late: 1\r\n\r\n`
          : `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
        const parsed = inPieces(text, cuts);
        expect(parsed?.status).toBe(200);
        expect(parsed?.headers.etag).toBe('"e"');
        expect(parsed?.body.toString('latin1')).toBe(body);
        expect(parsed?.keepsAlive).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is never made up: whatever bytes come, it is an answer, an error, or not there yet', () => {
    const noise = fc.array(
      fc.constantFrom(
        'HTTP/1.1 200 OK\r\n',
        'a: b\r\n',
        'content-length: 3\r\n',
        '\r\n',
        '\n',
        '0',
        'ffffffff',
        ' ',
        '\0',
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(noise, fc.array(fc.nat(), { maxLength: 5 }), (words, cuts) => {
        const whole = outcome(() => answer(words.join('')));
        if (words.join('') === '') return;
        // cut up, an error may be seen earlier or later, but no other answer may come of it
        const cut = outcome(() => inPieces(words.join(''), cuts));
        if (whole.kind === 'answer' && cut.kind === 'answer') expect(cut.body).toBe(whole.body);
      }),
      { numRuns: 1000 },
    );
  });

  it('ends a connection that the server is about to close', () => {
    expect(answer('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')?.keepsAlive).toBe(false);
    expect(answer('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n')?.keepsAlive).toBe(false);
    expect(answer('HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n')?.keepsAlive).toBe(true);
  });

  it('without a length is whole when the connection ends, and not before', () => {
    const parser = new AnswerParser('GET');
    expect(parser.push(bytes('HTTP/1.1 200 OK\r\n\r\nsome'))).toBeNull();
    expect(parser.push(bytes(' more'))).toBeNull();
    expect(parser.end()).toMatchObject({ status: 200, keepsAlive: false });
  });

  it('to a HEAD has no body, whatever length it names; nor has a 204', () => {
    expect(answer('HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n', 'HEAD')?.headers['content-length']).toBe('5000');
    expect(answer('HTTP/1.1 204 No Content\r\n\r\n')?.status).toBe(204);
  });

  it('joins a header that comes twice, and takes no name from the prototype', () => {
    const parsed = answer('HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nconstructor: x\r\nContent-Length: 0\r\n\r\n');
    expect(parsed?.headers.a).toBe('1, 2');
    expect(parsed?.headers.constructor).toBe('x');
    expect(parsed?.headers.toString).toBeUndefined();
  });

  it('that is cut off is an error of the connection', () => {
    for (const text of ['HTTP/1.1 200', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc']) {
      const parser = new AnswerParser('PUT');
      expect(parser.push(bytes(text))).toBeNull();
      expect(() => parser.end()).toThrow(expect.objectContaining({ code: 'ECONNRESET' }));
    }
    expect(new AnswerParser('PUT').end()).toBeNull();
  });

  for (const [fear, text] of [
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a length beside chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\na'],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n'],
    ['a bare line feed in a header', 'HTTP/1.1 200 OK\r\nA: b\nc: d\r\nContent-Length: 0\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n'],
    ['an unknown transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n'],
    ['a chunk longer than it says', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n'],
    ['bytes behind the end', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab'],
    ['a second answer', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['something that is not HTTP', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}`],
  ] as const) {
    it(`with ${fear} is refused`, () => {
      expect(() => answer(text)).toThrow(AnswerError);
    });
  }
});

function outcome(of: () => ParsedAnswer | null): {
  readonly kind: 'answer' | 'error' | 'more';
  readonly body?: string;
} {
  try {
    const parsed = of();
    return parsed === null ? { kind: 'more' } : { kind: 'answer', body: parsed.body.toString('latin1') };
  } catch (error) {
    expect(error).toBeInstanceOf(AnswerError);
    return { kind: 'error' };
  }
}
