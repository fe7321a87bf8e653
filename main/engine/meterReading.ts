import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { EngineSettings } from '../../shared/settings.ts';
import { criticalMetrics } from './insight/criticalMetrics.ts';
import type { Labels, MetricFamily, MetricSample } from './insight/prometheusText.ts';
import type { RunMetrics } from './insight/runMetrics.ts';
import type { FolderRow, Ledger } from './ledger/ledger.ts';
import type { Transfer } from './transfer/transfer.ts';

export interface MeterOptions {
  readonly ledger: Ledger;
  readonly transfer: Pick<Transfer, 'active' | 'connections' | 'reach'>;
  readonly metrics: RunMetrics;
  readonly settings: () => EngineSettings;
  readonly dataDir: string;
  readonly version: string;
}

/** All that can be scraped, as it is now. Counters begin at 0 with the engine. docs/monitoring.md lists the names. */
export async function meterReading(options: MeterOptions): Promise<readonly MetricFamily[]> {
  const ledgerBytes = await ledgerSize(options.dataDir);
  return [...sent(options.metrics), ...state(options, ledgerBytes), ...processFigures(options.version)];
}

function sent(metrics: RunMetrics): MetricFamily[] {
  const { counts, requests, latency } = metrics.reading();
  const made = Object.values(requests).reduce((sum, count) => sum + count, 0);
  const critical = criticalMetrics({ ...counts, requests: made, latency });
  const outcomes = { uploaded: counts.filesUploaded, deleted: counts.filesDeleted, failed: counts.filesFailed };
  return [
    counter('sluice_payload_bytes_total', 'Bytes of files that the bucket confirmed', counts.bytesUploaded),
    counter('sluice_sent_bytes_total', 'Body bytes put on the wire, failed tries included', counts.bytesSent),
    counter('sluice_wasted_bytes_total', 'Body bytes of failed and overtaken tries', counts.bytesWasted),
    { ...family('sluice_files_total', 'Files by what became of them', 'counter'), samples: by('outcome', outcomes) },
    { ...family('sluice_requests_total', 'Requests by operation', 'counter'), samples: by('operation', requests) },
    counter('sluice_retries_total', 'Puts and parts sent again', counts.retries),
    counter('sluice_throttled_requests_total', 'Requests refused for being too many', counts.throttled),
    counter('sluice_hedged_requests_total', 'Parts sent a second time on suspicion', counts.hedges),
    counter('sluice_straggler_requests_total', 'Requests cut off because they stood still', counts.stragglers),
    counter('sluice_resumed_parts_total', 'Parts that the bucket had from an earlier run', counts.resumedParts),
    {
      name: 'sluice_part_duration_seconds',
      help: 'Time of a PutObject or UploadPart that succeeded',
      type: 'histogram',
      histogram: latency,
    },
    {
      ...family('sluice_target_met', '1: the critical metric meets its target since the start', 'gauge'),
      samples: critical.map(({ name, met }) => ({ labels: { target: name }, value: met ? 1 : 0 })),
    },
    {
      ...family('sluice_error_budget_left_ratio', 'Left of the error budget since the start', 'gauge'),
      samples: critical.map(({ name, budgetLeft }) => ({ labels: { target: name }, value: budgetLeft })),
    },
  ];
}

function state({ ledger, transfer, settings }: MeterOptions, ledgerBytes: number): MetricFamily[] {
  const folders = ledger.folders();
  const of = (value: (folder: FolderRow) => number | null): MetricSample[] =>
    folders.flatMap((folder) => {
      const found = value(folder);
      return found === null ? [] : [{ labels: labelsOf(folder), value: found }];
    });
  const folderGauge = (name: string, help: string, value: (folder: FolderRow) => number | null): MetricFamily => ({
    ...family(name, help, 'gauge'),
    samples: of(value),
  });
  const seconds = (atMs: number | null): number | null => (atMs === null ? null : atMs / 1000);
  const issues: Record<string, number> = {};
  for (const { code } of ledger.issues()) issues[code] = (issues[code] ?? 0) + 1;
  const lanes = { small: 0, large: 0 };
  for (const { lane } of transfer.active()) lanes[lane]++;
  return [
    gauge('sluice_connections', 'Connections in use', transfer.connections()),
    gauge('sluice_connections_limit', 'Connections that the settings allow', settings().maxConnections),
    { ...family('sluice_active_files', 'Files being uploaded, by lane', 'gauge'), samples: by('lane', lanes) },
    folderGauge('sluice_folder_files', 'Files on disk', ({ id }) => ledger.counts(id).filesTotal),
    folderGauge(
      'sluice_folder_proven_files',
      'Files proven to be in the bucket',
      ({ id }) => ledger.counts(id).filesProven,
    ),
    folderGauge('sluice_folder_queued_files', 'Files to upload', ({ id }) => ledger.counts(id).filesQueued),
    folderGauge('sluice_folder_queued_bytes', 'Bytes to upload', ({ id }) => ledger.counts(id).bytesQueued),
    folderGauge(
      'sluice_folder_failed_files',
      'Files given up until they change',
      ({ id }) => ledger.counts(id).filesFailed,
    ),
    folderGauge('sluice_folder_last_upload_timestamp_seconds', 'Last confirmed upload', ({ id }) =>
      seconds(ledger.lastUploadAt(id)),
    ),
    folderGauge('sluice_folder_last_scan_timestamp_seconds', 'End of the last scan', ({ lastScanAt }) =>
      seconds(lastScanAt),
    ),
    folderGauge('sluice_store_reachable', '0: the breaker of its store is open', ({ id }) =>
      transfer.reach(id).kind === 'reached' ? 1 : 0,
    ),
    { ...family('sluice_issues', 'Open issues by code', 'gauge'), samples: by('code', issues) },
    gauge('sluice_ledger_size_bytes', 'The ledger on disk, its log included', ledgerBytes),
  ];
}

function processFigures(version: string): MetricFamily[] {
  const { user, system } = process.cpuUsage();
  return [
    counter(
      'sluice_event_loop_active_seconds_total',
      'Time the control thread was busy',
      performance.eventLoopUtilization().active / 1000,
    ),
    counter('process_cpu_seconds_total', 'Processor time of all threads', (user + system) / 1e6),
    gauge('process_resident_memory_bytes', 'Resident memory', process.memoryUsage.rss()),
    gauge('process_start_time_seconds', 'Start of the process', performance.timeOrigin / 1000),
    { ...family('sluice_build_info', 'Always 1', 'gauge'), samples: [{ labels: { version }, value: 1 }] },
  ];
}

const family = <T extends 'counter' | 'gauge'>(name: string, help: string, type: T) => ({ name, help, type });
const counter = (name: string, help: string, value: number): MetricFamily => ({
  ...family(name, help, 'counter'),
  samples: [{ value }],
});
const gauge = (name: string, help: string, value: number): MetricFamily => ({
  ...family(name, help, 'gauge'),
  samples: [{ value }],
});
const by = (label: string, values: Readonly<Record<string, number>>): MetricSample[] =>
  Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
const labelsOf = ({ id, bucket }: FolderRow): Labels => ({ folder_id: String(id), bucket });

async function ledgerSize(dataDir: string): Promise<number> {
  const sizes = await Promise.all(
    ['ledger.sqlite', 'ledger.sqlite-wal'].map((name) =>
      stat(join(dataDir, name)).then(
        ({ size }) => size,
        // A log that was folded in is not there.
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
