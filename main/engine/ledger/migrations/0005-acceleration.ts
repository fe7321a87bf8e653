/** What acceleration cost, a row a month (UTC), with what is reserved for bytes in flight; and what its probes measured. */
export const acceleration = `
CREATE TABLE acceleration_spend (
  month TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL,
  nano_usd INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE acceleration_probe (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  store TEXT NOT NULL,
  at REAL NOT NULL,
  rounds TEXT NOT NULL
) STRICT;
CREATE INDEX acceleration_probe_by_store ON acceleration_probe(store, id);
`;
