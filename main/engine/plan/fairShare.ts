export interface Sharer<Id> {
  readonly id: Id;
  /** Slots it holds now. */
  readonly holding: number;
  /** When it was last given one; ties go to who waited longest. */
  readonly lastGivenAt: number;
}

/** Who gets the next slot: whoever holds least, then whoever waited longest. null: nobody asks. */
export function fairest<Id>(sharers: Iterable<Sharer<Id>>): Id | null {
  let best: Sharer<Id> | null = null;
  for (const sharer of sharers) {
    if (
      best === null ||
      sharer.holding < best.holding ||
      (sharer.holding === best.holding && sharer.lastGivenAt < best.lastGivenAt)
    ) {
      best = sharer;
    }
  }
  return best === null ? null : best.id;
}
