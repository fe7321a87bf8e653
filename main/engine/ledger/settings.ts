import type { Connection } from './connection.ts';
import type { Ledger } from './ledger.ts';

/** Values by key, as JSON; undefined takes one away. */
export function createSettings({ db, write }: Connection): Pick<Ledger, 'setting' | 'setSetting'> {
  const get = db.prepare<[string], string>('SELECT value FROM setting WHERE key = ?').pluck();
  const put = db.prepare<[string, string]>(
    'INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  const remove = db.prepare<[string]>('DELETE FROM setting WHERE key = ?');
  return {
    setting(key): unknown {
      const value = get.get(key);
      return value === undefined ? undefined : JSON.parse(value);
    },
    setSetting: (key, value) =>
      write(() => void (value === undefined ? remove.run(key) : put.run(key, JSON.stringify(value)))),
  };
}
