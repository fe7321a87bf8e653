/** What each setting gave, per store and class of sizes; the tuner picks from it. Bounded: see ledger/tuning.ts. */
export const tuning = `
CREATE TABLE tuning (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  store TEXT NOT NULL,
  size_class TEXT NOT NULL,
  part_size INTEGER NOT NULL,
  concurrency INTEGER NOT NULL,
  bytes_per_second REAL NOT NULL,
  bytes INTEGER NOT NULL,
  at REAL NOT NULL
) STRICT;
CREATE INDEX tuning_by_class ON tuning(store, size_class, id);
`;
