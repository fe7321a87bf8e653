/** Requests made and bytes taken, per day (UTC), folder, bucket and operation: what the meter of costs reads. `folder_id` 0: of no folder. Kept 800 days. */
export const meter = `
CREATE TABLE meter (
  day TEXT NOT NULL,
  folder_id INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  region TEXT NOT NULL,
  bucket TEXT NOT NULL,
  storage_class TEXT NOT NULL,
  operation TEXT NOT NULL,
  answered INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  unanswered INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  unanswered_bytes INTEGER NOT NULL,
  PRIMARY KEY (day, folder_id, endpoint, region, bucket, storage_class, operation)
) STRICT, WITHOUT ROWID;
`;
