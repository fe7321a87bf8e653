/**
 * `file_content` finds what may be a file's twin or its former self: objects that the server confirmed, by the size and mtime that a rename keeps. Two narrow integers an entry, and
 * none for a file that isn't proven.
 *
 * `pending_delete`: objects whose files are gone, held back before they are deleted; `decision` is `held`, `approved` or `kept`. What was decided of a file counts only until that
 * file is back: the triggers see to it, whoever changes its row.
 */
export const copies = `
CREATE INDEX file_content ON file(size, mtime_ms) WHERE proof_checksum IS NOT NULL AND proof_identity IS NULL;

CREATE TABLE pending_delete (
  file_id INTEGER PRIMARY KEY,
  folder_id INTEGER NOT NULL,
  noticed_at REAL NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('held', 'approved', 'kept'))
) STRICT;
CREATE INDEX pending_delete_by_folder ON pending_delete(folder_id, decision, noticed_at);
CREATE TRIGGER pending_delete_is_back AFTER UPDATE OF state ON file WHEN OLD.state = 5 AND NEW.state <> 5
BEGIN DELETE FROM pending_delete WHERE file_id = OLD.id; END;
CREATE TRIGGER pending_delete_is_over AFTER DELETE ON file WHEN OLD.state = 5
BEGIN DELETE FROM pending_delete WHERE file_id = OLD.id; END;
`;
