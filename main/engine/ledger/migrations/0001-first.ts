/**
 * A directory's path is kept with its trailing slash (`''` is the root): then `path || name` is the file's path, the subtree of `a/` is
 * the range `a/` … `a0`, and the index order is the byte order in which S3 lists keys.
 *
 * `file` is the table that grows to millions, so it is kept narrow. `state` is fileState.ts's number. A proof is there when `proof_etag` is;
 * `proof_identity` and `proof_size` are NULL while they equal what is observed. The indexes on state are partial: a file that is proven is in
 * none of them, and one that waits for its next try is not in the queue's, so back-off can't slow a claim.
 */
export const first = `
CREATE TABLE folder (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  path TEXT NOT NULL,
  bucket TEXT NOT NULL,
  prefix TEXT NOT NULL,
  kind TEXT NOT NULL,
  connection TEXT NOT NULL,
  rules TEXT NOT NULL,
  objects TEXT NOT NULL,
  deletes TEXT NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  root TEXT,
  last_scan_at REAL,
  last_full_scan_at REAL
) STRICT;

CREATE TABLE folder_count (
  folder_id INTEGER PRIMARY KEY,
  files_total INTEGER NOT NULL DEFAULT 0,
  bytes_total INTEGER NOT NULL DEFAULT 0,
  files_proven INTEGER NOT NULL DEFAULT 0,
  bytes_proven INTEGER NOT NULL DEFAULT 0,
  files_queued INTEGER NOT NULL DEFAULT 0,
  bytes_queued INTEGER NOT NULL DEFAULT 0,
  files_failed INTEGER NOT NULL DEFAULT 0,
  last_upload_at REAL
) STRICT;

CREATE TABLE scan (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  folder_id INTEGER NOT NULL,
  began_at REAL NOT NULL
) STRICT;
CREATE INDEX scan_by_folder ON scan(folder_id);

CREATE TABLE directory (
  id INTEGER PRIMARY KEY,
  folder_id INTEGER NOT NULL,
  path TEXT NOT NULL,
  scan_id INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX directory_by_path ON directory(folder_id, path);

CREATE TABLE file (
  id INTEGER PRIMARY KEY,
  directory_id INTEGER NOT NULL,
  state INTEGER NOT NULL,
  name TEXT NOT NULL,
  identity TEXT NOT NULL,
  folder_id INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime_ms REAL NOT NULL,
  retry_at REAL,
  proof_identity TEXT,
  proof_size INTEGER,
  proof_etag TEXT,
  proof_checksum TEXT,
  proof_at REAL
) STRICT;
CREATE UNIQUE INDEX file_by_name ON file(directory_id, name);
CREATE INDEX file_queue ON file(folder_id, lane, priority) WHERE state = 1;
CREATE INDEX file_claimed ON file(state) WHERE state IN (2, 6);
CREATE INDEX file_due ON file(retry_at) WHERE state = 3;
CREATE INDEX file_failed ON file(folder_id) WHERE state = 4;
CREATE INDEX file_gone ON file(folder_id) WHERE state = 5;

CREATE TABLE upload (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  file_id INTEGER NOT NULL,
  folder_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  token TEXT NOT NULL,
  identity TEXT NOT NULL,
  size INTEGER NOT NULL,
  part_size INTEGER NOT NULL,
  part_count INTEGER NOT NULL,
  algorithm TEXT NOT NULL,
  intended_at REAL NOT NULL,
  upload_id TEXT,
  state TEXT NOT NULL CHECK (state IN ('open', 'aborting')),
  bucket TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX upload_open ON upload(file_id) WHERE state = 'open';

CREATE TABLE part (
  upload_id INTEGER NOT NULL REFERENCES upload(id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,
  checksum TEXT NOT NULL,
  PRIMARY KEY (upload_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE activity (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  folder_id INTEGER NOT NULL,
  path TEXT NOT NULL,
  key TEXT NOT NULL,
  action TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  duration_ms REAL NOT NULL,
  retries INTEGER NOT NULL,
  etag TEXT,
  checksum TEXT,
  error TEXT
) STRICT;
CREATE INDEX activity_by_folder ON activity(folder_id, id);
CREATE INDEX activity_by_time ON activity(at);

CREATE TABLE activity_quarter (
  start_ms INTEGER PRIMARY KEY,
  files INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  retries INTEGER NOT NULL
) STRICT;

CREATE TABLE issue (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  folder_id INTEGER,
  path TEXT,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  remedy TEXT NOT NULL,
  first_seen_at REAL NOT NULL,
  last_seen_at REAL NOT NULL,
  count INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX issue_subject ON issue(ifnull(folder_id, 0), ifnull(path, '/'), code);

CREATE TABLE setting (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;
