import type { SluiceError } from '../../../shared/errors.ts';
import type { AdminPolicy } from '../../../shared/policy.ts';
import type { StoreConnection } from '../../../shared/settings.ts';
import type { ProbeResult } from '../../../shared/syncApi.ts';
import { capabilitiesOf, capabilitiesText } from './capabilities.ts';
import { resolveEndpoint, type StoreEndpoint } from './endpoint.ts';
import { iamAction } from './minimalIamPolicy.ts';
import { profileOf, providerOfAnswer, providerOfHost } from './providers/detectProvider.ts';
import { readCaBundle } from './readCaBundle.ts';
import type { CredentialsProvider, Store } from './store.ts';
import { storeError } from './storeError.ts';
import { createTransport } from './transport.ts';

export interface ProbeOptions {
  readonly connection: StoreConnection;
  readonly credentials: CredentialsProvider;
  /** null: reach the endpoint and sign in only. */
  readonly bucket: string | null;
  readonly prefix?: string;
  readonly policy?: AdminPolicy | undefined;
  /** 10,000 unless given. */
  readonly timeoutMs?: number;
}

type Step = ProbeResult['steps'][number];

/** S3 refuses a request whose clock is further off than this. */
const allowedSkewMs = 15 * 60_000;
const warnSkewMs = 60_000;

/**
 * Tries, in order: reach the endpoint, what kind of store it is, the clock, sign in, the list of buckets, and of `bucket` its existence, its listing and its list of
 * unfinished uploads. Stops where going on makes no sense. Writes nothing and throws nothing: what fails is a step with its remedy.
 * `clockSkewMs` > 0: this machine is ahead.
 */
export async function probeStore(options: ProbeOptions): Promise<ProbeResult> {
  const steps: Step[] = [];
  const result = (found: Partial<ProbeResult>): ProbeResult => ({
    buckets: null,
    clockSkewMs: null,
    ...found,
    ok: steps.every((step) => step.ok),
    steps,
  });
  const attempt = async <T>(
    name: string,
    act: () => Promise<T>,
    detail: (value: T) => string,
  ): Promise<T | undefined> => {
    try {
      const value = await act();
      steps.push({ name, ok: true, detail: detail(value), remedy: null });
      return value;
    } catch (thrown) {
      steps.push(failedStep(name, storeError(thrown, name)));
      return undefined;
    }
  };

  const reached = await attempt(
    'Reach the endpoint',
    () => reach(options),
    ({ name, tls, tookMs }) =>
      `${name} answers in ${Math.round(tookMs)} ms${tls ? ', its certificate is trusted' : ''}`,
  );
  if (reached === undefined) return result({});
  const { clockSkewMs, provider } = reached;
  const known = capabilitiesOf(profileOf(provider ?? 'generic'), {});
  steps.push({ name: 'Kind of store', ok: true, detail: capabilitiesText(known), remedy: null });
  if (clockSkewMs !== null) steps.push(clockStep(clockSkewMs));

  const keys = await attempt(
    'Find credentials',
    () => options.credentials(),
    ({ accessKeyId }) => `Access key …${accessKeyId.slice(-4)}`,
  );
  if (keys === undefined) return result({ clockSkewMs });

  const { createStore } = await import('./createStore.ts');
  const store = createStore({
    target: { connection: options.connection, bucket: options.bucket ?? '', policy: options.policy },
    credentials: options.credentials,
    maxSockets: 2,
    stallTimeoutMs: options.timeoutMs ?? 10_000,
    onRequest: () => undefined,
  });
  try {
    const buckets = await signIn(store, steps);
    if (buckets !== 'stop' && options.bucket !== null) await probeBucket(store, options.prefix ?? '', attempt);
    return result({ clockSkewMs, buckets: buckets === 'stop' ? null : buckets });
  } finally {
    store.close();
  }
}

/** The answer to an unsigned request: any will do. */
async function reach({ connection, timeoutMs = 10_000 }: ProbeOptions) {
  const endpoint = resolveEndpoint(connection);
  const transport = createTransport({
    maxSockets: 1,
    stallTimeoutMs: timeoutMs,
    connectTimeoutMs: timeoutMs,
    ca: connection.caBundlePath === null ? undefined : readCaBundle(connection.caBundlePath),
    verifyTls: connection.verifyTls,
  });
  const url = new URL(endpoint.url ?? `https://s3.${connection.region ?? 'us-east-1'}.amazonaws.com`);
  const startedAt = performance.now();
  try {
    const { response } = await transport.handle({
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port !== '' && { port: Number(url.port) }),
      method: 'GET',
      path: url.pathname,
      headers: { host: url.host },
    });
    const tookMs = performance.now() - startedAt;
    const serverMs = Date.parse(response.headers.date ?? '');
    // the Date header has whole seconds: half of one is the best guess for the rest
    const clockSkewMs = Number.isNaN(serverMs) ? null : Math.round(Date.now() - tookMs / 2 - (serverMs + 500));
    const provider = providerOfHost(endpoint.host) ?? providerOfAnswer(response.headers);
    return { name: endpoint.name, tls: endpoint.tls && connection.verifyTls, tookMs, clockSkewMs, provider };
  } catch (thrown) {
    throw storeError(thrown, 'GET', placeOf(endpoint));
  } finally {
    transport.destroy();
  }
}

const placeOf = (endpoint: StoreEndpoint) => ({ endpoint: endpoint.name, bucket: null });

function clockStep(skewMs: number): Step {
  const name = 'Clock';
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const off = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
  const detail = seconds < 2 ? 'Right' : `This machine is ${off} ${skewMs > 0 ? 'ahead of' : 'behind'} the store`;
  // Sluice corrects it for its own requests; a clock this wrong still needs the user
  const ok = Math.abs(skewMs) < allowedSkewMs;
  return {
    name,
    ok,
    detail,
    remedy:
      Math.abs(skewMs) < warnSkewMs ? null : "Set this machine's clock: S3 accepts at most 15 minutes of difference.",
  };
}

/** Not being allowed to list buckets is common and harmless. */
async function signIn(store: Store, steps: Step[]): Promise<string[] | null | 'stop'> {
  try {
    const buckets = [...(await store.listBuckets())];
    steps.push({ name: 'Sign in', ok: true, detail: `Signed in; ${buckets.length} buckets to be seen`, remedy: null });
    return buckets;
  } catch (thrown) {
    const error = storeError(thrown, 'ListBuckets');
    if (error.code === 'access-denied' || error.code === 'store-refused' || error.code === 'wrong-region') {
      const detail = `Signed in; the buckets can't be listed (${iamAction.ListBuckets}): type the name of yours`;
      steps.push({ name: 'Sign in', ok: true, detail, remedy: null });
      return null;
    }
    steps.push(failedStep('Sign in', error));
    return 'stop';
  }
}

type Attempt = <T>(name: string, act: () => Promise<T>, detail: (value: T) => string) => Promise<T | undefined>;

async function probeBucket(store: Store, prefix: string, attempt: Attempt): Promise<void> {
  const { bucket } = store.target;
  const head = await attempt(
    'Find the bucket',
    () => store.headBucket(),
    ({ region }) => `${bucket} is there${region === null ? '' : `, in ${region}`}`,
  );
  if (head === undefined) return;
  await attempt(
    'List objects',
    () => first(store.listObjects(prefix)),
    (object) => (object === undefined ? 'Allowed; nothing there yet' : 'Allowed'),
  );
  await attempt(
    'List unfinished uploads',
    () => first(store.listMultipartUploads(prefix)),
    (upload) => (upload === undefined ? 'Allowed; there is none' : 'Allowed'),
  );
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

function failedStep(name: string, error: SluiceError): Step {
  const action = error.code === 'access-denied' ? iamAction[error.details.operation ?? ''] : undefined;
  const remedy = action === undefined ? error.details.remedy : `Ask for the IAM action ${action}.`;
  return { name, ok: false, detail: error.message, remedy };
}
