import type { Forecast } from '../../shared/cost.ts';
import type { Prices } from '../../shared/prices.ts';
import type { EngineSettings, FolderRules } from '../../shared/settings.ts';
import { pathIn } from '../../shared/source.ts';
import { folderRules } from './folderRules.ts';
import type { Ledger } from './ledger/ledger.ts';
import { openForecast } from './plan/forecast.ts';
import { planUpload } from './plan/partPlan.ts';
import { scanFolder } from './watch/scanFolder.ts';

/** What uploading a folder would cost, by the scan and the plans that a sync would make. Asks no store, writes nothing. Throws the scan's errors. */
export async function forecastFolder(options: {
  readonly path: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly endpointUrl: string | null;
  readonly rules: FolderRules;
  readonly storageClass: string | null;
  readonly ledger: Pick<Ledger, 'folders' | 'file'>;
  readonly dataDir: string;
  readonly settings: EngineSettings;
  readonly prices: Prices;
  readonly signal: AbortSignal;
}): Promise<Forecast> {
  const { path: root, bucket, prefix, endpointUrl, ledger, settings, prices, storageClass, signal } = options;
  const known = ledger
    .folders()
    .find(
      (each) =>
        each.path === root &&
        each.bucket === bucket &&
        each.prefix === prefix &&
        each.connection.endpointUrl === endpointUrl,
    );
  const forecast = openForecast({ prices, storageClass: storageClass ?? known?.objects.storageClass ?? null });
  const rules = folderRules({ path: root, rules: options.rules }, options.dataDir);
  await scanFolder({ root, rules, keyPrefix: prefix, signal }, (batch) => {
    for (const { directory, files } of batch.listings) {
      for (const { name, sizeBytes, identity } of files) {
        const proof = known && ledger.file(known.id, pathIn(directory, name))?.proof;
        if (proof?.identity === identity) forecast.unchanged();
        else forecast.add({ sizeBytes, ...planUpload(planInput(sizeBytes, settings)) });
      }
    }
  });
  return forecast.total();
}

const planInput = (sizeBytes: number, settings: EngineSettings) => ({
  sizeBytes,
  bandwidthBytesPerSecond: settings.maxBandwidthBytesPerSecond,
  memoryBytes: settings.memoryBytes,
  maxConnections: settings.maxConnections,
  partSizeBytes: settings.partSizeBytes,
});
