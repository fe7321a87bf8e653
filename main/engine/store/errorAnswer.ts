/** An answer that is an error, in the shape the SDK throws, so that s3Failure.ts reads both. Never throws: an answer may be anything. */
export function errorAnswer(answer: {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}): Error {
  const { status: statusCode, headers, body } = answer;
  const text = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, mostBytes)).toString('utf8');
  const code = element(text, 'Code');
  const region = element(text, 'Region');
  const serverTime = element(text, 'ServerTime');
  const requestId = headers['x-amz-request-id'];
  return Object.assign(new Error(element(text, 'Message') ?? ''), {
    name: code ?? `${statusCode}`,
    ...(code !== undefined && { Code: code }),
    ...(region !== undefined && { Region: region }),
    ...(serverTime !== undefined && { ServerTime: serverTime }),
    $metadata: { httpStatusCode: statusCode, ...(requestId !== undefined && { requestId }) },
    $response: { statusCode, headers },
  });
}

const mostBytes = 64 * 1024;

function element(xml: string, name: string): string | undefined {
  const start = xml.indexOf(`<${name}>`);
  const end = start < 0 ? -1 : xml.indexOf(`</${name}>`, start);
  if (end < 0) return undefined;
  const text = xml.slice(start + name.length + 2, end).trim();
  return text === ''
    ? undefined
    : text.replace(/&(lt|gt|quot|apos|amp);/g, (_, entity: string) => entities[entity] ?? '');
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
