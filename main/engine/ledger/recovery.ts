import { asFileId } from '../../../shared/ids.ts';
import type { Connection } from './connection.ts';
import { laneNumber } from './fileState.ts';
import type { Ledger } from './ledger.ts';

const limitSetting = 'ledger.smallFileLimitBytes';

/** What the last run's end left behind, put right before anybody reads: claims are given back, uploads nobody will go on with are to be aborted. */
export function recover(
  { db, write }: Connection,
  ledger: Pick<Ledger, 'releaseClaim' | 'setting' | 'setSetting'>,
  smallFileLimitBytes: number,
): void {
  const claimed = db
    .prepare<[], number>('SELECT id FROM file INDEXED BY file_claimed WHERE state IN (2, 6)')
    .pluck()
    .all();
  for (const id of claimed) ledger.releaseClaim(asFileId(id));
  write(() => {
    db.prepare(
      `UPDATE upload SET state = 'aborting' WHERE state = 'open'
       AND ifnull((SELECT file.state FROM file WHERE file.id = upload.file_id), 0) IN (0, 5)`,
    ).run();
  });
  if (ledger.setting(limitSetting) === smallFileLimitBytes) return;
  write(() => {
    const lane = `iif(size <= ?, ${laneNumber.small}, ${laneNumber.large})`;
    db.prepare(`UPDATE file SET lane = ${lane} WHERE state IN (1, 3, 4) AND lane <> ${lane}`).run(
      smallFileLimitBytes,
      smallFileLimitBytes,
    );
  });
  ledger.setSetting(limitSetting, smallFileLimitBytes);
}
