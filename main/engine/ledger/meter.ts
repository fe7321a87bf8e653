import type { Connection } from './connection.ts';
import type { Ledger, MeterRow } from './ledger.ts';

const keptDays = 800;
const dayMs = 86_400_000;

/** What was asked of stores, added up by day. */
export function createMeterRows({ db, write }: Connection): Pick<Ledger, 'addMeter' | 'meter'> {
  const add = db.prepare<MeterRow>(
    `INSERT INTO meter (day, folder_id, endpoint, region, bucket, storage_class, operation, answered, refused, unanswered, bytes, unanswered_bytes)
     VALUES (@day, @folderId, @endpoint, @region, @bucket, @storageClass, @operation, @answered, @refused, @unanswered, @bytes, @unansweredBytes)
     ON CONFLICT DO UPDATE SET
       answered = answered + excluded.answered,
       refused = refused + excluded.refused,
       unanswered = unanswered + excluded.unanswered,
       bytes = bytes + excluded.bytes,
       unanswered_bytes = unanswered_bytes + excluded.unanswered_bytes`,
  );
  const trim = db.prepare<[string]>('DELETE FROM meter WHERE day < ?');
  const select = db.prepare<[string, string], MeterRow>(
    `SELECT day, folder_id AS folderId, endpoint, region, bucket, storage_class AS storageClass, operation, answered, refused, unanswered, bytes,
            unanswered_bytes AS unansweredBytes
     FROM meter WHERE day >= ? AND day <= ? ORDER BY day, folder_id, bucket, operation`,
  );
  let trimmedOn = '';
  return {
    addMeter: (rows) =>
      write(() => {
        for (const row of rows) add.run(row);
        const day = rows[0]?.day;
        if (day === undefined || day === trimmedOn) return;
        trimmedOn = day;
        trim.run(new Date(Date.parse(day) - keptDays * dayMs).toISOString().slice(0, 10));
      }),
    meter: (fromDay, toDay) => select.all(fromDay, toDay),
  };
}
