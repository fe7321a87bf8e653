import { useEffect, useState } from 'react';
import type { Forecast } from '../../../shared/cost.ts';
import { errorView } from '../../../shared/errors.ts';
import { formatUsd } from '../../../shared/money.ts';
import type { ParamsOf } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount } from '../../../shared/units.ts';
import { useApi } from '../../api/useEngine.ts';
import { PriceLine } from '../cost/PriceLine.tsx';

/** What the folder will cost, before anything is sent. */
export function SummaryForecast({ params }: { readonly params: ParamsOf<'addFolder'> }) {
  const api = useApi();
  const [forecast, setForecast] = useState<Forecast | string | null>(null);
  const asked = JSON.stringify({
    path: params.path,
    bucket: params.bucket,
    prefix: params.prefix,
    endpointUrl: params.connection.endpointUrl,
    region: params.connection.region,
    rules: params.rules,
    storageClass: params.objects?.storageClass ?? null,
  } satisfies ParamsOf<'forecastCost'>);
  useEffect(() => {
    let gone = false;
    api.forecastCost(JSON.parse(asked) as ParamsOf<'forecastCost'>).then(
      (found) => !gone && setForecast(found),
      (error: unknown) => !gone && setForecast(errorView(error).message),
    );
    return () => {
      gone = true;
    };
  }, [api, asked]);
  return (
    <div role="status" className="field">
      <div className="field-label">What it costs</div>
      {forecast === null && <p className="muted">Looking through the folder…</p>}
      {typeof forecast === 'string' && <p className="field-error">{forecast}</p>}
      {forecast !== null && typeof forecast === 'object' && (
        <div>
          {formatCount(forecast.files)} files, {formatBytes(forecast.bytes)}: about {formatUsd(forecast.requestUsd)} to
          upload ({formatCount(forecast.writes)} writes, {formatCount(forecast.reads)} reads), then{' '}
          {formatUsd(forecast.storageUsdPerMonth)} a month.
          {forecast.usdPerGb !== null &&
            ` ${formatUsd(forecast.usdPerGb)} per GB, ${forecast.usdPerGb < forecast.targetUsdPerGb ? 'under' : 'over'} the target of ${formatUsd(forecast.targetUsdPerGb)}.`}
          <PriceLine prices={forecast.prices} />
        </div>
      )}
    </div>
  );
}
