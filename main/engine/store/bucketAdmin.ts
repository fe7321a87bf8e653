import { createHash } from 'node:crypto';
import { SluiceError } from '../../../shared/errors.ts';
import { refusePlace } from '../../../shared/policy.ts';
import { type BucketAddress, bucketAddress, escapeText } from './bucketAddress.ts';
import { resolveEndpoint } from './endpoint.ts';
import { errorAnswer } from './errorAnswer.ts';
import { createHttpPool } from './httpPool.ts';
import { type LiveLifecycle, mergedLifecycle, type RuleFacts, readLifecycle } from './lifecycleXml.ts';
import { memoCredentials } from './memoCredentials.ts';
import { hasLeft, meteredFolder } from './meteredAs.ts';
import { readCaBundle } from './readCaBundle.ts';
import { childrenOf, readXml, textOf, type XmlPiece } from './readXml.ts';
import { asS3Failure } from './s3Failure.ts';
import { amzDateOf, signV4 } from './signV4.ts';
import type { StoreOptions } from './store.ts';
import { type ErrorPlace, storeError } from './storeError.ts';

/** How a bucket is set up, and the one thing of it that Sluice may change. Without the SDK: a policy must come back with the very characters it was read with. */
export interface BucketAdmin {
  /** Throws `lifecycle-unreadable` besides the store codes. */
  readLifecycle(): Promise<LiveLifecycle>;
  /** Reads it once more before and after: throws `conflict` when it is no longer, or didn't become, what it should be. */
  writeLifecycle(live: LiveLifecycle, write: readonly RuleFacts[]): Promise<LiveLifecycle>;
  /** Each a fact that could be read, or why it couldn't. */
  facts(): Promise<readonly BucketFact[]>;
  /** Pages of all objects below a prefix. */
  listByClass(prefix: string): AsyncIterable<readonly ListedByClass[]>;
  close(): void;
}

export interface BucketFact {
  readonly name: 'versioning' | 'replication' | 'inventory' | 'encryption' | 'public access';
  readonly state: 'on' | 'off' | 'unknown';
  readonly detail: string;
}

export interface ListedByClass {
  readonly sizeBytes: number;
  readonly storageClass: string;
}

interface Ask {
  readonly operation: string;
  readonly method: 'GET' | 'PUT';
  /** Escaped, names in order. */
  readonly query: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
}

const emptySha256 = createHash('sha256').update('').digest('hex');
const minimumSizeHeader = 'x-amz-transition-default-minimum-object-size';

/** Throws `bad-settings`, `policy-refused`. Callers have found the bucket by a store that knows its region. */
export function openBucketAdmin(options: StoreOptions): BucketAdmin {
  const { connection, bucket, policy } = options.target;
  if (policy) refusePlace(policy, connection, bucket);
  const endpoint = resolveEndpoint(connection);
  const profile = connection.credentials.kind === 'chain' ? connection.credentials.profile : null;
  const place: ErrorPlace = { endpoint: endpoint.name, bucket, profile };
  const pool = createHttpPool({
    maxSockets: options.maxSockets,
    stallTimeoutMs: options.stallTimeoutMs,
    connectTimeoutMs: 10_000,
    ca: connection.caBundlePath === null ? undefined : readCaBundle(connection.caBundlePath),
    verifyTls: connection.verifyTls,
    minTls: policy?.tls?.minimum,
  });
  const credentials = memoCredentials(options.credentials);
  let region = connection.region ?? 'us-east-1';

  const attempt = async ({ operation, method, query, headers: more = [], body }: Ask) => {
    const keys = await credentials();
    const address: BucketAddress = bucketAddress(endpoint, bucket, region);
    const amzDate = amzDateOf(Date.now());
    const payloadHash = body === undefined ? emptySha256 : createHash('sha256').update(body).digest('hex');
    const headers: (readonly [string, string])[] = [
      ['host', address.hostHeader],
      ['x-amz-content-sha256', payloadHash],
      ['x-amz-date', amzDate],
      ...(keys.sessionToken === undefined ? [] : [['x-amz-security-token', keys.sessionToken] as const]),
      ...(body === undefined
        ? []
        : [
            ['content-length', String(Buffer.byteLength(body))] as const,
            ['content-md5', createHash('md5').update(body).digest('base64')] as const,
            ['content-type', 'application/xml'] as const,
          ]),
      ...more,
    ];
    headers.sort((a, b) => (a[0] < b[0] ? -1 : 1));
    const path = address.bucketPath || '/';
    const signed = { method, path, query, headers: headers.flat(), payloadHash, amzDate, region, keys };
    const meter = (status: number | null): void =>
      options.onMetered?.({ folderId: meteredFolder(), operation, status, bodyBytes: 0 });
    options.onRequest(operation);
    const answer = await pool
      .send({
        ...{ tls: address.tls, hostname: address.hostname, port: address.port, method, path: `${path}?${query}` },
        headers: Object.fromEntries([...headers, ['authorization', signV4(signed)], ['user-agent', 'sluice']]),
        ...{ body: body ?? null, patience: 1, signal: undefined },
      })
      .catch((error: unknown) => {
        if (hasLeft(error)) meter(null);
        throw error;
      });
    meter(answer.status);
    const plain: Record<string, string> = {};
    for (const [name, value] of Object.entries(answer.headers))
      if (value !== undefined) plain[name] = typeof value === 'string' ? value : value.join(', ');
    if (answer.status >= 200 && answer.status < 300) return { headers: plain, text: answer.body.toString('utf8') };
    throw errorAnswer({ status: answer.status, headers: plain, body: answer.body });
  };

  const ask = async (question: Ask) => {
    try {
      return await attempt(question);
    } catch (thrown) {
      const error = storeError(thrown, question.operation, place);
      const found = asS3Failure(thrown).region;
      const elsewhere =
        error.code === 'wrong-region' && connection.region === null && found !== null && found !== region;
      if (!elsewhere && !error.retryable) throw error;
      if (elsewhere) region = found;
    }
    return attempt(question).catch((thrown: unknown) => {
      throw storeError(thrown, question.operation, place);
    });
  };

  const live = async (): Promise<LiveLifecycle> => {
    const asked: Ask = { operation: 'GetBucketLifecycleConfiguration', method: 'GET', query: 'lifecycle=' };
    const answer = await ask(asked).catch((error: unknown) => {
      if (error instanceof SluiceError && error.details.s3Code === 'NoSuchLifecycleConfiguration') return null;
      throw error;
    });
    return readLifecycle(answer?.text ?? null, answer?.headers[minimumSizeHeader] ?? null);
  };

  const fact = async (
    name: BucketFact['name'],
    what: Ask,
    read: (root: XmlPiece | null) => Omit<BucketFact, 'name'>,
  ) => {
    try {
      return { name, ...read(readXml((await ask(what)).text)) };
    } catch (thrown) {
      const error = storeError(thrown, what.operation, place);
      const none = absent[name]?.(error.details.s3Code ?? '');
      return none ? { name, ...none } : { name, state: 'unknown' as const, detail: error.message };
    }
  };
  const get = (operation: string, query: string): Ask => ({ operation, method: 'GET', query });

  return {
    readLifecycle: live,
    writeLifecycle: async (before, write) => {
      if ((await live()).revision !== before.revision) throw changedMeanwhile();
      await ask({
        ...{ operation: 'PutBucketLifecycleConfiguration', method: 'PUT', query: 'lifecycle=' },
        // S3 sets it back to its default when it isn't said again.
        ...(before.minimumSize !== null && { headers: [[minimumSizeHeader, before.minimumSize]] }),
        body: mergedLifecycle(before, write),
      });
      const after = await live();
      const lost = before.rules.find(
        ({ facts }) =>
          !write.some(({ id }) => id === facts.id) && !after.rules.some((rule) => sameFacts(rule.facts, facts)),
      );
      const missing = write.find((rule) => !after.rules.some(({ facts }) => sameFacts(facts, rule)));
      const sizeLost = before.minimumSize !== null && after.minimumSize !== before.minimumSize;
      if (lost || missing || sizeLost) throw notAsWritten(lost?.facts.id ?? missing?.id);
      return after;
    },
    facts: () =>
      Promise.all([
        fact('versioning', get('GetBucketVersioning', 'versioning='), (root) => {
          const status = textOf(root, 'Status');
          return { state: status === 'Enabled' ? 'on' : 'off', detail: status ?? 'never switched on' };
        }),
        fact('replication', get('GetBucketReplication', 'replication='), (root) => {
          const rules = childrenOf(root, 'Rule');
          const on = rules.filter((rule) => textOf(rule, 'Status') === 'Enabled').length;
          return { state: on > 0 ? 'on' : 'off', detail: `${on} of ${rules.length} rules enabled` };
        }),
        fact('inventory', get('ListBucketInventoryConfigurations', 'inventory='), (root) => {
          const all = childrenOf(root, 'InventoryConfiguration');
          const on = all.filter((each) => textOf(each, 'IsEnabled') === 'true').length;
          return { state: on > 0 ? 'on' : 'off', detail: on > 0 ? `${on} enabled` : 'none' };
        }),
        fact('encryption', get('GetBucketEncryption', 'encryption='), (root) => {
          const found = /<SSEAlgorithm>([^<]*)</.exec(root?.source ?? '')?.[1];
          return { state: found ? 'on' : 'off', detail: found ?? 'none by default' };
        }),
        fact('public access', get('GetPublicAccessBlock', 'publicAccessBlock='), (root) => {
          const parts = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'];
          const open = parts.filter((part) => textOf(root, part) !== 'true');
          return open.length === 0
            ? { state: 'off', detail: 'blocked' }
            : { state: 'on', detail: `not blocked: ${open.join(', ')}` };
        }),
      ]),
    async *listByClass(prefix) {
      let token: string | undefined;
      do {
        const after = token === undefined ? '' : `continuation-token=${escapeText(token)}&`;
        const query = `${after}encoding-type=url&list-type=2&prefix=${escapeText(prefix)}`;
        const root = readXml((await ask({ operation: 'ListObjectsV2', method: 'GET', query })).text);
        yield childrenOf(root, 'Contents').map((each) => ({
          sizeBytes: Number(textOf(each, 'Size') ?? 0),
          storageClass: textOf(each, 'StorageClass') ?? 'STANDARD',
        }));
        const next: string | undefined =
          textOf(root, 'IsTruncated') === 'true' ? textOf(root, 'NextContinuationToken') : undefined;
        if (next !== undefined && next === token)
          throw new SluiceError('store-server-error', 'The listing leads to itself', { operation: 'ListObjectsV2' });
        token = next;
      } while (token !== undefined);
    },
    close: () => pool.close(),
  };
}

/** What S3 answers where nothing is set up. */
const absent: Partial<Record<BucketFact['name'], (s3Code: string) => Omit<BucketFact, 'name'> | null>> = {
  replication: (code) => (code === 'ReplicationConfigurationNotFoundError' ? { state: 'off', detail: 'none' } : null),
  encryption: (code) =>
    code === 'ServerSideEncryptionConfigurationNotFoundError' ? { state: 'off', detail: 'none by default' } : null,
  'public access': (code) =>
    code === 'NoSuchPublicAccessBlockConfiguration' ? { state: 'on', detail: 'nothing is blocked' } : null,
};

const sameFacts = (a: RuleFacts, b: RuleFacts): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

const sorted = (rule: RuleFacts) => [
  ...[rule.id, rule.enabled, rule.filter.prefix, rule.filter.tags.map(String).sort(), rule.filter.largerThan],
  ...[rule.filter.smallerThan, rule.transitions.map(({ days, storageClass }) => `${days} ${storageClass}`).sort()],
  ...[
    rule.expireAfterDays,
    rule.noncurrentTransitions.map(({ days, storageClass }) => `${days} ${storageClass}`).sort(),
  ],
  ...[rule.noncurrentExpireAfterDays, rule.abortAfterDays, [...rule.beyond].sort()],
];

const changedMeanwhile = (): SluiceError =>
  new SluiceError('conflict', 'The lifecycle policy was changed by somebody else since it was looked at', {
    remedy: 'Look at the difference again, then apply it.',
    retryable: false,
  });

const notAsWritten = (id: string | undefined): SluiceError =>
  new SluiceError(
    'conflict',
    `After writing, the lifecycle policy is not what was written${id ? ` (rule ${id})` : ''}`,
    {
      remedy: 'Somebody may have written it at the same time: look at it with `sluice lifecycle show`.',
      retryable: false,
    },
  );
