import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { StoreEndpoint } from './endpoint.ts';
import { hasLeft, meteredFolder } from './meteredAs.ts';
import { readCaBundle } from './readCaBundle.ts';
import type { StoreCredentials, StoreOptions } from './store.ts';
import { createTransport } from './transport.ts';

/** The SDK's client over our connections, with the clock and region that were found. */
export interface S3Clients {
  /** Requests without file bytes: the SDK's standard retry. */
  readonly control: S3Client;
  /** One attempt: for what makes something new each time. */
  readonly once: S3Client;
  readonly region: () => string;
  readonly setRegion: (region: string) => void;
  /** Asks for credentials afresh; true when they are others than the last ones. */
  readonly renewCredentials: () => Promise<boolean>;
  readonly destroy: () => void;
}

const connectTimeoutMs = 10_000;
const controlAttempts = 3;

/** Throws `bad-settings` when the CA bundle can't be read. */
export function createClients(options: StoreOptions, endpoint: StoreEndpoint): S3Clients {
  const { connection } = options.target;
  const transport = createTransport({
    maxSockets: options.maxSockets,
    stallTimeoutMs: options.stallTimeoutMs,
    connectTimeoutMs,
    ca: connection.caBundlePath === null ? undefined : readCaBundle(connection.caBundlePath),
    verifyTls: connection.verifyTls,
    minTls: options.target.policy?.tls?.minimum,
  });
  let region = connection.region ?? 'us-east-1';
  let last: StoreCredentials | undefined;
  const credentials = async (): Promise<StoreCredentials> => {
    last = await options.credentials();
    return last;
  };

  const common: S3ClientConfig = {
    region: async () => region,
    credentials,
    requestHandler: transport as unknown as NonNullable<S3ClientConfig['requestHandler']>,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    retryMode: 'standard',
    // what is not in the connection, but in somebody's environment or ~/.aws/config, must not count
    ignoreConfiguredEndpointUrls: true,
    followRegionRedirects: false,
    forcePathStyle: endpoint.pathStyle,
    userAgentAppId: 'sluice',
    // the SDK warns on the console unless it has a logger
    logger: silent,
    ...(endpoint.url !== null && {
      endpoint: endpoint.url,
      useDualstackEndpoint: false,
      useFipsEndpoint: false,
      disableS3ExpressSessionAuth: true,
    }),
  };
  const control = new S3Client({ ...common, maxAttempts: controlAttempts });
  const once = new S3Client({ ...common, maxAttempts: 1 });

  const clock = { offsetMs: 0 };
  for (const client of [control, once]) {
    Object.defineProperty(client.config, 'systemClockOffset', {
      get: () => clock.offsetMs,
      set: (offsetMs: number) => {
        clock.offsetMs = offsetMs;
      },
    });
    // after the retry: once for each attempt that goes out
    client.middlewareStack.add(
      (next, context) => (args) => {
        const operation = String(context.commandName).replace(/Command$/, '');
        options.onRequest(operation);
        const meter = (status: number | null): void =>
          options.onMetered?.({ folderId: meteredFolder(), operation, status, bodyBytes: 0 });
        return next(args).then(
          (result) => {
            meter((result.response as { readonly statusCode: number }).statusCode);
            return result;
          },
          (error: unknown) => {
            if (hasLeft(error)) meter(null);
            throw error;
          },
        );
      },
      { step: 'deserialize', name: 'sluiceCount', priority: 'low' },
    );
  }
  return {
    control,
    once,
    region: () => region,
    setRegion: (found) => {
      region = found;
    },
    renewCredentials: async () => {
      const before = last;
      for (const client of [control, once]) client.config.credentials = credentials as typeof client.config.credentials;
      const now = await credentials();
      return (
        now.accessKeyId !== before?.accessKeyId ||
        now.secretAccessKey !== before.secretAccessKey ||
        now.sessionToken !== before.sessionToken
      );
    },
    destroy: () => transport.destroy(),
  };
}

const nothing = () => undefined;
const silent = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
