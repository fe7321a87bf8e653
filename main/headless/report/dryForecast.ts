import { pricesFor } from '../../../shared/prices.ts';
import type { FolderInput } from '../../../shared/settings.ts';
import type { DryRunFile } from '../../engine/engine.ts';
import { readPriceFile } from '../../engine/insight/priceFile.ts';
import { openForecast } from '../../engine/plan/forecast.ts';
import type { CommandHost } from '../host.ts';
import { say, sayJson } from '../say.ts';
import { forecastLines } from './costText.ts';

/** What the files of a dry run would cost. Throws `bad-settings` for a broken `prices.json`. */
export function dryForecast(
  host: CommandHost,
  { connection, objects }: FolderInput,
  dataDir: string,
): { planned(file: DryRunFile): void; tell(json: boolean): void } {
  const prices = pricesFor(connection, readPriceFile(dataDir));
  const sum = openForecast({ prices, storageClass: objects.storageClass });
  return {
    planned: ({ action, bytes, parts }) => {
      if (action !== 'delete') sum.add({ sizeBytes: bytes, strategy: action, partCount: parts });
    },
    tell: (json) => {
      const forecast = sum.total();
      if (json) return sayJson(host, { type: 'forecast', ...forecast });
      for (const line of forecastLines(forecast)) say(host.stdout, line);
    },
  };
}
