import type { PricedClass } from '../../../shared/prices.ts';

/** CloudWatch's storage types and the class each is charged as (docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html). */
const classes: readonly (readonly [RegExp, PricedClass])[] = [
  [/^StandardIA/, 'STANDARD_IA'],
  [/^OneZoneIA/, 'ONEZONE_IA'],
  [/^IntelligentTieringAA|^IntAAObject/, 'GLACIER'],
  [/^IntelligentTieringDAA|^IntDAAObject/, 'DEEP_ARCHIVE'],
  [/^IntelligentTieringAIA/, 'GLACIER_IR'],
  [/^IntelligentTieringIA/, 'STANDARD_IA'],
  [/^IntelligentTiering/, 'INTELLIGENT_TIERING'],
  [/^GlacierInstantRetrieval|^GlacierIR/, 'GLACIER_IR'],
  // The index of archived objects is kept and charged as STANDARD.
  [/^(?:Glacier|DeepArchive)S3ObjectOverhead/, 'STANDARD'],
  [/^Glacier/, 'GLACIER'],
  [/^DeepArchive/, 'DEEP_ARCHIVE'],
];

export const classOfStorageType = (type: string): PricedClass =>
  classes.find(([pattern]) => pattern.test(type))?.[1] ?? 'STANDARD';
