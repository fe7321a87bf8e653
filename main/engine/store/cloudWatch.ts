import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmsCommand,
  GetMetricStatisticsCommand,
  ListMetricsCommand,
  PutMetricAlarmCommand,
} from '@aws-sdk/client-cloudwatch';
import { SluiceError } from '../../../shared/errors.ts';
import type { CredentialsProvider } from './store.ts';
import { storeError } from './storeError.ts';

export interface CloudWatchOptions {
  readonly bucket: string;
  readonly region: string;
  /** null: AWS's own; else that of a stand-in. */
  readonly endpointUrl: string | null;
  readonly credentials: CredentialsProvider;
}

export interface BucketMetrics {
  /** Bytes by S3's name of the storage type, as `StandardStorage`. */
  readonly bytes: ReadonlyMap<string, number>;
  readonly objects: number;
  readonly measuredAtMs: number;
}

export interface AlarmInput {
  readonly name: string;
  readonly description: string;
  readonly threshold: number;
  readonly topicArn: string | null;
  readonly metric:
    | { readonly kind: 'objects' }
    /** USD a month: bytes of each storage type times its price per byte. */
    | { readonly kind: 'cost'; readonly usdPerByte: ReadonlyMap<string, number> };
}

export interface FoundAlarm {
  readonly name: string;
  readonly metric: string;
  readonly threshold: number;
  readonly state: string;
  readonly notifies: readonly string[];
}

/**
 * S3's daily figures of a bucket and alarms on them (docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html). Loading this loads the SDK's CloudWatch client: import it
 * when it is needed. Throws SluiceError.
 */
export interface CloudWatch {
  /** null: CloudWatch has no figures of this bucket (yet). */
  metrics(nowMs: number): Promise<BucketMetrics | null>;
  putAlarm(alarm: AlarmInput): Promise<void>;
  /** Those of these names that there are. */
  alarms(names: readonly string[]): Promise<readonly FoundAlarm[]>;
  removeAlarms(names: readonly string[]): Promise<void>;
  close(): void;
}

const dayMs = 86_400_000;
const daySeconds = 86_400;
const namespace = 'AWS/S3';

export function openCloudWatch({ bucket, region, endpointUrl, credentials }: CloudWatchOptions): CloudWatch {
  const client = new CloudWatchClient({
    region,
    credentials: async () => credentials(),
    maxAttempts: 3,
    ...(endpointUrl !== null && { endpoint: endpointUrl }),
    logger: silent,
  });
  const run = async <T>(operation: string, send: () => Promise<T>): Promise<T> => {
    try {
      return await send();
    } catch (thrown) {
      throw storeError(thrown, operation, { endpoint: 'CloudWatch', bucket, profile: null });
    }
  };
  const dimensions = (storageType: string) => [
    { Name: 'BucketName', Value: bucket },
    { Name: 'StorageType', Value: storageType },
  ];
  /** The newest of the daily figures; null: none in the last days. */
  const newest = async (MetricName: string, storageType: string, nowMs: number) => {
    const output = await run('GetMetricStatistics', () =>
      client.send(
        new GetMetricStatisticsCommand({
          Namespace: namespace,
          MetricName,
          Dimensions: dimensions(storageType),
          // One a day, and it may come two days late.
          StartTime: new Date(nowMs - 4 * dayMs),
          EndTime: new Date(nowMs + dayMs),
          Period: daySeconds,
          Statistics: ['Average'],
        }),
      ),
    );
    const points = (output.Datapoints ?? []).flatMap(({ Timestamp, Average }) =>
      Timestamp && Average !== undefined ? [{ at: Timestamp.getTime(), value: Average }] : [],
    );
    return points.sort((a, b) => b.at - a.at)[0] ?? null;
  };
  /** Which storage types the bucket has figures of. */
  const storageTypes = async (): Promise<readonly string[]> => {
    const types = new Set<string>();
    let NextToken: string | undefined;
    do {
      const page = await run('ListMetrics', () =>
        client.send(
          new ListMetricsCommand({
            Namespace: namespace,
            MetricName: 'BucketSizeBytes',
            Dimensions: [{ Name: 'BucketName', Value: bucket }],
            NextToken,
          }),
        ),
      );
      for (const { Dimensions } of page.Metrics ?? []) {
        const type = Dimensions?.find(({ Name }) => Name === 'StorageType')?.Value;
        if (type) types.add(type);
      }
      NextToken = page.NextToken;
    } while (NextToken);
    return [...types];
  };

  return {
    metrics: async (nowMs) => {
      const bytes = new Map<string, number>();
      let measuredAtMs = 0;
      for (const type of await storageTypes()) {
        const point = await newest('BucketSizeBytes', type, nowMs);
        if (!point) continue;
        bytes.set(type, point.value);
        measuredAtMs = Math.max(measuredAtMs, point.at);
      }
      const objects = await newest('NumberOfObjects', 'AllStorageTypes', nowMs);
      if (bytes.size === 0 || !objects) return null;
      return { bytes, objects: objects.value, measuredAtMs };
    },
    putAlarm: async ({ name, description, threshold, topicArn, metric }) => {
      const common = {
        AlarmName: name,
        AlarmDescription: description,
        Threshold: threshold,
        ComparisonOperator: 'GreaterThanThreshold' as const,
        EvaluationPeriods: 1,
        // A day without a figure is no alarm and no all-clear.
        TreatMissingData: 'ignore',
        ...(topicArn !== null && { AlarmActions: [topicArn] }),
      };
      const command =
        metric.kind === 'objects'
          ? new PutMetricAlarmCommand({
              ...common,
              Namespace: namespace,
              MetricName: 'NumberOfObjects',
              Dimensions: dimensions('AllStorageTypes'),
              Statistic: 'Average',
              Period: daySeconds,
            })
          : new PutMetricAlarmCommand({ ...common, Metrics: costMetrics(metric.usdPerByte, dimensions) });
      await run('PutMetricAlarm', () => client.send(command));
    },
    alarms: async (names) => {
      const output = await run('DescribeAlarms', () =>
        client.send(new DescribeAlarmsCommand({ AlarmNames: [...names], AlarmTypes: ['MetricAlarm'] })),
      );
      return (output.MetricAlarms ?? []).flatMap((alarm) => {
        const { AlarmName: name, Threshold: threshold } = alarm;
        if (name === undefined || threshold === undefined || !names.includes(name)) return [];
        return [
          {
            name,
            threshold,
            metric: alarm.MetricName ?? 'storage cost in USD a month',
            state: alarm.StateValue ?? 'unknown',
            notifies: alarm.AlarmActions ?? [],
          },
        ];
      });
    },
    removeAlarms: async (names) => {
      if (names.length === 0) return;
      await run('DeleteAlarms', () => client.send(new DeleteAlarmsCommand({ AlarmNames: [...names] })));
    },
    close: () => client.destroy(),
  };
}

type Dimensions = (storageType: string) => { readonly Name: string; readonly Value: string }[];

/** One figure out of the size of each storage type: what they cost together. */
function costMetrics(usdPerByte: ReadonlyMap<string, number>, dimensions: Dimensions) {
  if (usdPerByte.size === 0) throw new SluiceError('internal', 'A cost alarm needs a storage type');
  const types = [...usdPerByte];
  return [
    ...types.map(([type], at) => ({
      Id: `m${at}`,
      ReturnData: false,
      MetricStat: {
        Metric: { Namespace: namespace, MetricName: 'BucketSizeBytes', Dimensions: dimensions(type) },
        Period: daySeconds,
        Stat: 'Average',
      },
    })),
    {
      Id: 'cost',
      Label: 'storage cost in USD a month',
      ReturnData: true,
      Expression: types.map(([, price], at) => `FILL(m${at}, 0) * ${price.toFixed(18)}`).join(' + '),
    },
  ];
}

const nothing = () => undefined;
const silent = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
