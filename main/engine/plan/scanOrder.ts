import type { RelativePath } from '../../../shared/ids.ts';

/** Whether a scan comes to directory `a` no later than to `b`: depth first, names in UTF-16 order, a directory before what is in it. Pure. */
export function isScannedBy(a: RelativePath, b: RelativePath): boolean {
  if (a === b || a === '') return true;
  if (b === '') return false;
  const [of, against] = [a.split('/'), b.split('/')];
  for (const [at, name] of of.entries()) {
    const other = against[at];
    if (other === undefined) return false;
    if (name !== other) return name < other;
  }
  return true;
}
