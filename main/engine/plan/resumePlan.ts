export interface KnownPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly etag: string;
  /** base64 */
  readonly checksum: string;
}

export interface PartAtStore {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly etag: string;
  /** base64 of the upload's algorithm; null: this store doesn't list checksums. */
  readonly checksum: string | null;
}

export interface ResumePlan {
  /** Known here and at the store, the same: not sent again. */
  readonly finished: readonly KnownPart[];
  /** The store has it and we don't know it (killed before the answer was written): kept if the local bytes give this checksum. */
  readonly toCompare: readonly (PartAtStore & { readonly checksum: string })[];
  readonly toSend: readonly number[];
  /** In the ledger, but the store doesn't confirm them. */
  readonly toForget: readonly number[];
}

export interface PartSizes {
  readonly sizeBytes: number;
  readonly partSizeBytes: number;
  readonly partCount: number;
}

/** What is left of an upload found open in the ledger, given what ListParts says. Pure. */
export function resumePlan(sizes: PartSizes, known: readonly KnownPart[], atStore: readonly PartAtStore[]): ResumePlan {
  const ours = new Map(known.map((part) => [part.partNumber, part]));
  const theirs = new Map(atStore.map((part) => [part.partNumber, part]));
  const finished: KnownPart[] = [];
  const toCompare: (PartAtStore & { checksum: string })[] = [];
  const toSend: number[] = [];
  const toForget: number[] = [];
  for (let partNumber = 1; partNumber <= sizes.partCount; partNumber++) {
    const mine = ours.get(partNumber);
    const listed = theirs.get(partNumber);
    const rightSize = listed?.sizeBytes === partLength(sizes, partNumber);
    if (mine && listed && rightSize && samePart(mine, listed)) {
      finished.push(mine);
      continue;
    }
    if (mine) toForget.push(partNumber);
    if (listed && rightSize && listed.checksum !== null) toCompare.push({ ...listed, checksum: listed.checksum });
    else toSend.push(partNumber);
  }
  return { finished, toCompare, toSend, toForget };
}

/**
 * After Complete was refused for a part: the parts with the ETags that the store lists, if it has every one of them with our checksum. null: it doesn't, or they are those
 * that were refused. Pure.
 */
export function listedAgain(
  sizes: PartSizes,
  sent: readonly KnownPart[],
  atStore: readonly PartAtStore[],
): readonly KnownPart[] | null {
  const theirs = new Map(atStore.map((part) => [part.partNumber, part]));
  let differs = false;
  const parts: KnownPart[] = [];
  for (const part of sent) {
    const listed = theirs.get(part.partNumber);
    const isSame = listed?.checksum === part.checksum && listed.sizeBytes === partLength(sizes, part.partNumber);
    if (!listed || !isSame) return null;
    differs ||= listed.etag !== part.etag;
    parts.push({ ...part, etag: listed.etag });
  }
  return differs ? parts : null;
}

/** Bytes of a part; the last one may be shorter. */
export function partLength({ sizeBytes, partSizeBytes }: PartSizes, partNumber: number): number {
  return Math.min(partSizeBytes, sizeBytes - (partNumber - 1) * partSizeBytes);
}

function samePart(mine: KnownPart, listed: PartAtStore): boolean {
  return (
    mine.etag === listed.etag &&
    mine.sizeBytes === listed.sizeBytes &&
    (listed.checksum === null || listed.checksum === mine.checksum)
  );
}
