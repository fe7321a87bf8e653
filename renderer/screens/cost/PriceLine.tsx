import type { PriceNote } from '../../../shared/cost.ts';

/** Whose prices these are, and from when. */
export function PriceLine({ prices }: { readonly prices: PriceNote }) {
  return (
    <div className="field-hint">
      Prices of {prices.name} as of {prices.asOf}
      {prices.assumed !== null && <> ({prices.assumed})</>}
    </div>
  );
}
