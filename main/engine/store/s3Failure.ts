/** What can be read from anything the SDK throws, without trusting its shape. */
export interface S3Failure {
  /** S3's error code or the error's class name; '' when neither is there. */
  readonly name: string;
  /** The name was made up by the SDK (an answer without a body). */
  readonly nameIsGuess: boolean;
  readonly message: string;
  /** Node's code, when the request failed before an answer. */
  readonly nodeCode: string | null;
  readonly status: number | null;
  readonly requestId: string | null;
  readonly retryAfterMs: number | null;
  /** The region the server says the bucket is in. */
  readonly region: string | null;
  readonly serverTimeMs: number | null;
}

export function asS3Failure(thrown: unknown): S3Failure {
  const error = record(thrown);
  const metadata = record(error.$metadata);
  const headers = record(record(error.$response).headers);
  const status = number(metadata.httpStatusCode) ?? number(record(error.$response).statusCode);
  const answered = status !== null;
  const name = string(error.Code) ?? string(error.name) ?? '';
  const nameIsGuess = generic.has(name);
  return {
    name: answered && nameIsGuess ? '' : name,
    nameIsGuess,
    message:
      answered && error.message === noMessage
        ? ''
        : (string(error.message) ?? (typeof thrown === 'string' ? thrown : '')),
    nodeCode: answered ? null : nodeCodeOf(thrown, 0),
    status,
    // a doubled header comes joined
    requestId: (string(metadata.requestId) ?? string(headers['x-amz-request-id']))?.split(',')[0] ?? null,
    retryAfterMs: retryAfter(string(headers['retry-after'])),
    region: string(error.Region) ?? string(headers['x-amz-bucket-region']),
    serverTimeMs: time(string(error.ServerTime)) ?? time(string(headers.date)),
  };
}

/** What the SDK puts where the answer's message is empty. */
const noMessage = 'UnknownError';

/** What the SDK calls an error when the answer names none. */
const generic = new Set([
  'Error',
  'Unknown',
  'UnknownError',
  'S3ServiceException',
  'NotFound',
  'Forbidden',
  'BadRequest',
  '301',
  '400',
  '403',
  '404',
]);

function nodeCodeOf(thrown: unknown, depth: number): string | null {
  const error = record(thrown);
  const code = string(error.code);
  if (code !== null) return code;
  if (Array.isArray(error.errors) && error.errors.length > 0) return nodeCodeOf(error.errors[0], depth + 1);
  return error.cause !== undefined && depth < 5 ? nodeCodeOf(error.cause, depth + 1) : null;
}

/** Seconds or a date, as ms from now; at most an hour. */
function retryAfter(header: string | null): number | null {
  if (header === null) return null;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : (time(header) ?? Date.now()) - Date.now();
  return Math.min(Math.max(0, ms), 3_600_000);
}

function time(text: string | null): number | null {
  const ms = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const string = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
