import type { Connection } from './connection.ts';
import type { Ledger, TuningRow } from './ledger.ts';

/** Of one store and class; older ones are of a network and a store as they were. */
const keptPerClass = 100;
/** Over all; whoever uses a thousand stores keeps the newest. */
const kept = 5_000;

/** What each setting gave. */
export function createTuning({ db, write }: Connection): Pick<Ledger, 'recordTuning' | 'replaceTuning' | 'tuning'> {
  const insert = db.prepare<TuningRow>(
    `INSERT INTO tuning (store, size_class, part_size, concurrency, bytes_per_second, bytes, at)
     VALUES (@store, @sizeClass, @partSizeBytes, @concurrency, @bytesPerSecond, @bytes, @at)`,
  );
  const trimClass = db.prepare<{ store: string; sizeClass: string }>(
    `DELETE FROM tuning WHERE store = @store AND size_class = @sizeClass AND id <= (
       SELECT id FROM tuning WHERE store = @store AND size_class = @sizeClass ORDER BY id DESC LIMIT 1 OFFSET ${keptPerClass})`,
  );
  const trim = db.prepare(
    `DELETE FROM tuning WHERE id <= (SELECT id FROM tuning ORDER BY id DESC LIMIT 1 OFFSET ${kept})`,
  );
  const select = db.prepare<[string, string], TuningRow>(
    `SELECT store, size_class AS sizeClass, part_size AS partSizeBytes, concurrency, bytes_per_second AS bytesPerSecond, bytes, at
     FROM tuning WHERE store = ? AND size_class = ? ORDER BY id DESC`,
  );
  const forget = db.prepare<[string, string]>('DELETE FROM tuning WHERE store = ? AND size_class = ?');
  return {
    replaceTuning: (store, sizeClass, rows) =>
      write(() => {
        forget.run(store, sizeClass);
        for (const row of rows) insert.run(row);
      }),
    recordTuning: (row) =>
      write(() => {
        insert.run(row);
        trimClass.run({ store: row.store, sizeClass: row.sizeClass });
        trim.run();
      }),
    tuning: (store, sizeClass) => select.all(store, sizeClass),
  };
}
