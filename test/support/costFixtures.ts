import type { Forecast, LifecyclePreview, MeterReport, StorageAnalysis } from '../../shared/cost.ts';
import type { SyncApi } from '../../shared/syncApi.ts';
import { GiB, MiB } from '../../shared/units.ts';

const prices = { name: 'us-east-1', asOf: '2025-01-01', source: 'https://aws.amazon.com/s3/pricing/', assumed: null };

/** What the Cost screen shows in tests of screens: a month of photographs. */
export const costFixtures = {
  costMeter: async (): Promise<MeterReport> => ({
    month: '2026-11',
    lines: [
      {
        ...{
          folderId: 1,
          path: '/home/ada/Photos',
          bucket: 'family-photos',
          endpointUrl: null,
          storageClass: 'STANDARD',
        },
        requests: {
          PutObject: 4_210,
          CreateMultipartUpload: 12,
          UploadPart: 420,
          CompleteMultipartUpload: 12,
          HeadObject: 12,
        },
        ...{ writes: 4_654, reads: 12, free: 0, unanswered: 3, refused: 1, bytes: 38 * GiB, unansweredBytes: 9 * MiB },
        ...{ requestUsd: 0.0233, addedStorageUsd: 0.8741, usdPerGb: 0.0236, prices },
      },
      {
        ...{
          folderId: null,
          path: null,
          bucket: 'laptop-backup',
          endpointUrl: 'https://s3.example.com',
          storageClass: 'STANDARD',
        },
        requests: { PutObject: 90_000, ListMultipartUploads: 4 },
        ...{ writes: 90_004, reads: 0, free: 0, unanswered: 0, refused: 0, bytes: 2 * GiB, unansweredBytes: 0 },
        ...{ requestUsd: 0.45, addedStorageUsd: 0.046, usdPerGb: 0.248 },
        prices: { ...prices, assumed: 's3.example.com has no prices here: counted as Amazon S3 would in us-east-1' },
      },
    ],
    days: [20, 21, 22, 23, 24, 25].map((day) => ({
      day: `2026-11-${day}`,
      requestUsd: 0.02 * (day - 18),
      addedStorageUsd: 0.03 * (day - 17),
      bytes: day * GiB,
    })),
    ...{ writes: 94_658, reads: 12, bytes: 40 * GiB, requestUsd: 0.4733, addedStorageUsd: 0.9201 },
    ...{ usdPerGb: 0.0348, targetUsdPerGb: 0.025, keptUsdPerMonth: 1.4 },
    budget: { kind: 'near', limitUsd: 1.6, spentUsd: 1.3934 },
  }),
  forecastCost: async (): Promise<Forecast> => ({
    ...{ files: 12_408, bytes: 61 * GiB, filesUnchanged: 0, writes: 13_004, reads: 41, requestUsd: 0.065 },
    requests: {
      HeadBucket: 1,
      PutObject: 12_380,
      CreateMultipartUpload: 28,
      UploadPart: 568,
      CompleteMultipartUpload: 28,
      HeadObject: 28,
    },
    ...{ storageUsdPerMonth: 1.403, usdPerGb: 0.0241, targetUsdPerGb: 0.025, storageClass: 'STANDARD' },
    ...{ padded: { files: 0, bytes: 0 }, minimumDays: 0, prices },
  }),
  analyzeStorage: async (): Promise<StorageAnalysis> => ({
    ...{ source: 'list', fallbackReason: 'CloudWatch has no figures of this bucket yet: its objects were listed.' },
    measuredAt: Date.parse('2026-11-25T10:00:00Z'),
    classes: [
      { storageClass: 'STANDARD', bytes: 58 * GiB, objects: 12_000, usdPerMonth: 1.334 },
      { storageClass: 'STANDARD_IA', bytes: 3 * GiB, objects: 408, usdPerMonth: 0.0375 },
    ],
    ...{ bytes: 61 * GiB, objects: 12_408, usdPerMonth: 1.3715 },
    savings: [
      {
        ...{ from: 'STANDARD', to: 'STANDARD_IA', objects: 11_200, bytes: 57 * GiB, usdPerMonth: 0.5985 },
        ...{ transitionUsd: 0.112, paysBackAfterMonths: 0.187, retrievalUsd: 0.57 },
        traps: ['Charged for at least 30 days: deleting or replacing earlier costs the rest.'],
      },
    ],
    bySize: [
      { label: 'below 128 KiB', objects: 800, bytes: 40 * MiB, advice: 'Leave them in STANDARD.', usdPerMonth: 0.0009 },
    ],
    prices,
  }),
  storageAlarms: async () => ({ alarms: [] }),
  createStorageAlarms: async () => ({ alarms: [] }),
  removeStorageAlarms: async () => ({ removed: [] }),
  previewLifecycle: async (): Promise<LifecyclePreview> => ({
    revision: 'abc',
    lines: [
      {
        change: 'add',
        id: 'sluice-tiers',
        text: 'everything, from 128 KiB: STANDARD_IA after 30 days; GLACIER after 90 days',
        before: null,
      },
      {
        change: 'change',
        id: 'sluice-temp-expire',
        text: 'temp/*: deleted after 1 day',
        before: 'temp/*: deleted after 3 days',
      },
      { change: 'keep', id: 'legal-hold', text: 'contracts/*: deleted after 3650 days', before: null },
    ],
    ...{ changes: true, refusal: null, objectsKnown: 12_408 },
    effects: [
      {
        ...{ step: 'STANDARD_IA', objects: 11_200, bytes: 57 * GiB, transitionUsd: 0.112 },
        due: [
          { days: 0, objects: 900, bytes: 4 * GiB },
          { days: 30, objects: 11_200, bytes: 57 * GiB },
        ],
      },
    ],
    ...{
      usdPerMonthNow: 1.403,
      usdPerMonthThen: 0.06,
      transitionUsd: 0.112,
      tooSmall: { objects: 1_208, bytes: 60 * MiB },
    },
    traps: ['GLACIER must be restored before it can be read, which takes hours and is charged by the GB'],
    strays: { uploads: 2, withoutRule: true },
    bucket: [
      { name: 'versioning', state: 'off', detail: 'never switched on' },
      { name: 'public access', state: 'off', detail: 'blocked' },
    ],
    prices,
  }),
  applyLifecycle: async (): Promise<LifecyclePreview> => ({
    ...(await costFixtures.previewLifecycle()),
    lines: [{ change: 'same', id: 'sluice-tiers', text: 'everything: STANDARD_IA after 30 days', before: null }],
    changes: false,
  }),
} satisfies Partial<SyncApi>;
