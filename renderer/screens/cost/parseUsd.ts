/** `5`, `$0.50`, `0,5`: USD, > 0; null: nothing was written; undefined: it is no amount. */
export function parseUsd(text: string): number | null | undefined {
  const plain = text.trim().replace(/^\$/, '').replace(',', '.');
  if (plain === '') return null;
  const value = Number(plain);
  return Number.isFinite(value) && value > 0 && value <= 1_000_000_000 ? value : undefined;
}
