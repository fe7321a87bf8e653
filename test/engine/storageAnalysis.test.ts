import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  analyzeStorage,
  type BucketAccount,
  createStorageAlarms,
  removeStorageAlarms,
  storageAlarms,
} from '../../main/engine/storageAnalysis.ts';
import { noPriceFile, pricesFor } from '../../shared/prices.ts';
import { StoreConnection } from '../../shared/settings.ts';
import { GiB } from '../../shared/units.ts';
import { type S3TestServer, startS3Server } from '../support/s3/server.ts';

const bucket = 'measured';
let server: S3TestServer;
beforeAll(async () => {
  server = await startS3Server({ buckets: [bucket] });
});
afterAll(() => server.close());
afterEach(() => {
  delete process.env.AWS_ENDPOINT_URL_CLOUDWATCH;
});

const account = (): BucketAccount => ({
  store: {
    target: {
      policy: undefined,
      connection: StoreConnection.parse({ endpointUrl: server.endpoint, pathStyle: true, region: 'us-east-1' }),
      bucket,
    },
    credentials: async () => ({ accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey }),
    ...{ maxSockets: 4, stallTimeoutMs: 10_000, onRequest: () => undefined },
  },
  ...{ region: 'us-east-1', nowMs: Date.now() },
  prices: pricesFor({ endpointUrl: null, region: 'us-east-1' }, noPriceFile),
});

describe('a store without CloudWatch', () => {
  it('is listed, and it is said why', async () => {
    const s3 = await import('@aws-sdk/client-s3');
    const { endpoint, region, accessKeyId, secretAccessKey } = server;
    const client = new s3.S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    await client.send(new s3.PutObjectCommand({ Bucket: bucket, Key: 'a', Body: Buffer.alloc(300_000) }));
    await client.send(new s3.PutObjectCommand({ Bucket: bucket, Key: 'b', Body: 'x', StorageClass: 'STANDARD_IA' }));
    client.destroy();
    const analysis = await analyzeStorage(account(), false);
    expect(analysis).toMatchObject({ source: 'list', objects: 2, bytes: 300_001 });
    expect(analysis.fallbackReason).toContain('no CloudWatch');
    // One byte in STANDARD_IA is charged as 128 KiB.
    const ia = analysis.classes.find(({ storageClass }) => storageClass === 'STANDARD_IA');
    expect(ia?.usdPerMonth).toBeCloseTo((131072 / GiB) * 0.0125, 12);
    expect(analysis.bySize.map(({ objects }) => objects)).toEqual([1, 1]);
  });

  it('can have no alarms, and the budget is offered instead', async () => {
    await expect(storageAlarms(account())).rejects.toMatchObject({ code: 'usage' });
  });
});

/** Enough of CloudWatch over HTTP to see what is asked: it answers as JSON or CBOR would be asked for, whichever the SDK speaks. */
describe('a CloudWatch that refuses', () => {
  let refusing: Server;
  const asked: string[] = [];
  beforeAll(async () => {
    refusing = createServer((request, response) => {
      asked.push(`${request.method} ${request.headers.authorization?.includes('/monitoring/')}`);
      request.resume();
      response.writeHead(403, { 'content-type': 'application/json', 'x-amzn-errortype': 'AccessDenied' });
      response.end('{"__type":"AccessDenied","message":"not you"}');
    });
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => refusing.close(resolve)));

  it('leaves the listing, and its reason is shown', async () => {
    process.env.AWS_ENDPOINT_URL_CLOUDWATCH = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
    const analysis = await analyzeStorage(account(), false);
    expect(asked[0]).toBe('POST true');
    expect(analysis.source).toBe('list');
    expect(analysis.fallbackReason).not.toBeNull();
    await expect(
      createStorageAlarms(account(), { storageUsdPerMonth: 1, objects: null, topicArn: null }),
    ).rejects.toThrow();
  });
});

const motoServer = process.env.SLUICE_MOTO_SERVER ?? 'moto_server';
const hasMoto =
  existsSync(motoServer) || (process.env.PATH ?? '').split(':').some((dir) => existsSync(`${dir}/${motoServer}`));

describe.skipIf(!hasMoto)('CloudWatch as moto plays it (pip install "moto[server]"; SLUICE_MOTO_SERVER)', () => {
  let moto: ChildProcess;
  let url: string;
  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    moto = spawn(motoServer, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    for (let i = 0; i < 300; i++) {
      if (
        await fetch(`${url}/moto-api/`).then(
          () => true,
          () => false,
        )
      )
        return;
      await sleep(100);
    }
    throw new Error('moto_server did not come up');
  }, 40_000);
  afterAll(() => moto.kill());

  it('gives size by class and the count of objects, by their own dimensions', async () => {
    process.env.AWS_ENDPOINT_URL_CLOUDWATCH = url;
    await putMetrics(url, [
      ['BucketSizeBytes', 'StandardStorage', 100 * GiB],
      ['BucketSizeBytes', 'StandardIAStorage', 10 * GiB],
      ['BucketSizeBytes', 'GlacierStorage', 5 * GiB],
      ['NumberOfObjects', 'AllStorageTypes', 1150],
    ]);
    const analysis = await analyzeStorage(account(), false);
    expect(analysis).toMatchObject({ source: 'cloudwatch', fallbackReason: null, objects: 1150, bytes: 115 * GiB });
    const usd = Object.fromEntries(analysis.classes.map((each) => [each.storageClass, each.usdPerMonth]));
    expect(usd.STANDARD).toBeCloseTo(2.3, 10);
    expect(usd.STANDARD_IA).toBeCloseTo(0.125, 10);
    expect(usd.GLACIER).toBeCloseTo(0.02, 10);
    expect(analysis.savings.find(({ to }) => to === 'STANDARD_IA')?.usdPerMonth).toBeCloseTo(1.05, 8);
  });

  it('makes alarms on demand, lists them, and removes only its own', async () => {
    process.env.AWS_ENDPOINT_URL_CLOUDWATCH = url;
    const cw = await import('@aws-sdk/client-cloudwatch');
    const client = cloudWatchClient(cw, url);
    await client.send(
      new cw.PutMetricAlarmCommand({
        ...{ AlarmName: `sluice/${bucket}-other/storage-cost`, Threshold: 1, EvaluationPeriods: 1, Period: 86_400 },
        ...{ ComparisonOperator: 'GreaterThanThreshold', MetricName: 'm', Namespace: 'n', Statistic: 'Average' },
      }),
    );
    const made = await createStorageAlarms(account(), {
      storageUsdPerMonth: 20,
      objects: 5000,
      topicArn: 'arn:aws:sns:us-east-1:123456789012:bills',
    });
    expect(made.map(({ name, threshold }) => [name, threshold]).sort()).toEqual([
      [`sluice/${bucket}/object-count`, 5000],
      [`sluice/${bucket}/storage-cost`, 20],
    ]);
    expect(made.every(({ notifies }) => notifies.length === 1)).toBe(true);
    expect((await removeStorageAlarms(account())).sort()).toEqual([
      `sluice/${bucket}/object-count`,
      `sluice/${bucket}/storage-cost`,
    ]);
    expect(await storageAlarms(account())).toEqual([]);
    const left = await client.send(new cw.DescribeAlarmsCommand({}));
    expect(left.MetricAlarms?.map(({ AlarmName }) => AlarmName)).toEqual([`sluice/${bucket}-other/storage-cost`]);
    client.destroy();
  });
});

const cloudWatchClient = (cw: typeof import('@aws-sdk/client-cloudwatch'), endpoint: string) =>
  new cw.CloudWatchClient({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });

async function putMetrics(url: string, figures: readonly (readonly [string, string, number])[]): Promise<void> {
  const cw = await import('@aws-sdk/client-cloudwatch');
  const client = cloudWatchClient(cw, url);
  await client.send(
    new cw.PutMetricDataCommand({
      Namespace: 'AWS/S3',
      MetricData: figures.map(([MetricName, type, Value]) => ({
        MetricName,
        Value,
        Timestamp: new Date(Date.now() - 3_600_000),
        Dimensions: [
          { Name: 'BucketName', Value: bucket },
          { Name: 'StorageType', Value: type },
        ],
      })),
    }),
  );
  client.destroy();
}

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
