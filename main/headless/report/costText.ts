import type {
  Forecast,
  LifecyclePreview,
  MeterLine,
  MeterReport,
  PriceNote,
  StorageAnalysis,
} from '../../../shared/cost.ts';
import { formatUsd } from '../../../shared/money.ts';
import { formatBytes, formatCount } from '../../../shared/units.ts';

/** What a sync would cost, in lines. */
export function forecastLines(forecast: Forecast): string[] {
  const { files, bytes, requestUsd, storageUsdPerMonth, writes, reads, padded } = forecast;
  if (files === 0) return ['Nothing to upload: it costs a look at the bucket'];
  return [
    `Uploading ${filesText(files)}, ${formatBytes(bytes)}, would cost about ${formatUsd(requestUsd)} in requests (${formatCount(writes)} writes, ${formatCount(reads)} reads), and keeping them ${formatUsd(storageUsdPerMonth)} a month in ${forecast.storageClass}`,
    perGbLine(forecast.usdPerGb, forecast.targetUsdPerGb),
    ...(padded.files > 0
      ? [`${filesText(padded.files)} are charged as larger than they are: ${formatBytes(padded.bytes)} more`]
      : []),
    ...(forecast.minimumDays > 0 ? [`Each object is charged for at least ${forecast.minimumDays} days`] : []),
    priceLine(forecast.prices),
  ];
}

export function meterLines(report: MeterReport, lines: readonly MeterLine[], all: boolean): string[] {
  if (lines.length === 0) return [`${report.month}: nothing was asked of this bucket`];
  const text = lines.flatMap((line) => [
    `${line.path ?? 'no folder'} → s3://${line.bucket}  ${formatUsd(line.requestUsd)} for ${formatCount(line.writes)} writes and ${formatCount(line.reads)} reads; ${formatBytes(line.bytes)} went up, ${formatUsd(line.addedStorageUsd)} a month to keep`,
    ...(line.unanswered > 0
      ? [`  ${formatCount(line.unanswered)} requests had no answer and are counted as charged`]
      : []),
    `  ${perGbLine(line.usdPerGb, report.targetUsdPerGb)}`,
    `  ${priceLine(line.prices)}`,
  ]);
  const { budget } = report;
  return [
    `${report.month}, UTC${all ? '' : ', this bucket'}`,
    ...text,
    budget.kind === 'none'
      ? 'No monthly budget is set'
      : `${formatUsd(budget.spentUsd)} of the monthly budget of ${formatUsd(budget.limitUsd)} are used, over all folders${budget.kind === 'reached' ? ': uploads are stopped' : ''}`,
  ];
}

export function storageLines(analysis: StorageAnalysis): string[] {
  const source =
    analysis.source === 'cloudwatch'
      ? `CloudWatch, ${new Date(analysis.measuredAt).toISOString().slice(0, 10)}`
      : 'by listing';
  return [
    `${formatCount(analysis.objects)} objects, ${formatBytes(analysis.bytes)}, ${formatUsd(analysis.usdPerMonth)} a month (${source})`,
    ...(analysis.fallbackReason === null ? [] : [analysis.fallbackReason]),
    ...analysis.classes.map(
      ({ storageClass, bytes, usdPerMonth }) =>
        `  ${storageClass}  ${formatBytes(bytes)}  ${formatUsd(usdPerMonth)} a month`,
    ),
    ...analysis.savings.flatMap(({ from, to, usdPerMonth, transitionUsd, paysBackAfterMonths, traps }) => [
      usdPerMonth > 0
        ? `${from} → ${to} would save ${formatUsd(usdPerMonth)} a month for ${formatUsd(transitionUsd)} once (paid back after ${(paysBackAfterMonths ?? 0).toFixed(1)} months)`
        : `${from} → ${to} would cost ${formatUsd(-usdPerMonth)} more a month`,
      ...traps.map((trap) => `  ${trap}`),
    ]),
    ...analysis.bySize.map(
      ({ label, objects, bytes, advice }) =>
        `${label}: ${formatCount(objects)} objects, ${formatBytes(bytes)}. ${advice}`,
    ),
    priceLine(analysis.prices),
  ];
}

const marks = { same: '=', add: '+', change: '~', keep: ' ' } as const;

export function diffLines(preview: LifecyclePreview): string[] {
  return preview.lines.flatMap(({ change, id, text, before }) => [
    ...(before === null ? [] : [`- ${id || '(no name)'}  ${before}`]),
    `${marks[change]} ${id || '(no name)'}  ${text}`,
  ]);
}

export function effectLines(preview: LifecyclePreview): string[] {
  const { effects, tooSmall, traps, strays } = preview;
  return [
    ...(preview.objectsKnown === 0
      ? ['No objects are known here yet, so nothing can be said of the effect']
      : [
          `Of ${formatCount(preview.objectsKnown)} objects that the ledger knows:`,
          ...effects.map(({ step, objects, bytes, due }) => {
            const soon = due
              .filter((each) => each.objects > 0)
              .map(
                (each) => `${formatCount(each.objects)} ${each.days === 0 ? 'at once' : `within ${each.days} days`}`,
              );
            return `  ${step === 'delete' ? 'deleted' : `to ${step}`}: ${formatCount(objects)}, ${formatBytes(bytes)}${soon.length > 0 ? ` (${soon.join(', ')})` : ''}`;
          }),
          ...(tooSmall.objects > 0
            ? [`  too small to be moved: ${formatCount(tooSmall.objects)}, ${formatBytes(tooSmall.bytes)}`]
            : []),
          `  ${formatUsd(preview.usdPerMonthNow)} a month now, ${formatUsd(preview.usdPerMonthThen)} when all is where it ends; moving costs ${formatUsd(preview.transitionUsd)} once`,
        ]),
    ...traps.map((trap) => `! ${trap}`),
    ...(strays.uploads > 0
      ? [
          `${formatCount(strays.uploads)} unfinished uploads are in the bucket${strays.withoutRule ? ' and no rule clears them yet' : ''}`,
        ]
      : []),
    priceLine(preview.prices),
  ];
}

function perGbLine(usdPerGb: number | null, target: number): string {
  if (usdPerGb === null) return 'Nothing went up, so there is no cost per GB';
  const verdict = usdPerGb < target ? 'under' : 'over';
  return `${formatUsd(usdPerGb)} per GB, ${verdict} the target of ${formatUsd(target)}`;
}

const priceLine = ({ name, asOf, assumed }: PriceNote): string =>
  `Prices of ${name} as of ${asOf}${assumed === null ? '' : ` (${assumed})`}`;

const filesText = (count: number): string => `${formatCount(count)} ${count === 1 ? 'file' : 'files'}`;
