import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import { usd } from '../../../shared/money.ts';
import type { Connection } from './connection.ts';
import type { Ledger } from './ledger.ts';

const keptProbes = 100;
const nano = 1e9;

/** Spend is whole billionths of a dollar: a sum of floats would drift past the cap. */
export function createAcceleration({
  db,
  write,
}: Connection): Pick<
  Ledger,
  'accelerationSpend' | 'reserveAcceleration' | 'releaseAcceleration' | 'recordProbe' | 'probes'
> {
  const spend = db.prepare<[string], { bytes: number; nanoUsd: number }>(
    'SELECT bytes, nano_usd AS nanoUsd FROM acceleration_spend WHERE month = ?',
  );
  const add = db.prepare<[string, number, number]>(
    `INSERT INTO acceleration_spend (month, bytes, nano_usd) VALUES (?, ?, ?)
     ON CONFLICT (month) DO UPDATE SET bytes = bytes + excluded.bytes, nano_usd = nano_usd + excluded.nano_usd`,
  );
  const release = db.prepare<[number, number, string]>(
    'UPDATE acceleration_spend SET bytes = max(0, bytes - ?), nano_usd = max(0, nano_usd - ?) WHERE month = ?',
  );
  const insertProbe = db.prepare<[string, number, string]>(
    'INSERT INTO acceleration_probe (store, at, rounds) VALUES (?, ?, ?)',
  );
  const trimProbes = db.prepare<[string, string]>(
    `DELETE FROM acceleration_probe WHERE store = ? AND id <= (
       SELECT id FROM acceleration_probe WHERE store = ? ORDER BY id DESC LIMIT 1 OFFSET ${keptProbes})`,
  );
  const selectProbes = db.prepare<[string, number], { at: number; rounds: string }>(
    'SELECT at, rounds FROM acceleration_probe WHERE store = ? ORDER BY id DESC LIMIT ?',
  );
  return {
    accelerationSpend: (month) => {
      const { bytes, nanoUsd } = spend.get(month) ?? { bytes: 0, nanoUsd: 0 };
      return { bytes, usd: usd(nanoUsd / nano) };
    },
    reserveAcceleration: ({ month, bytes, usd, capUsd }) =>
      write(() => {
        const nanoUsd = Math.ceil(usd * nano);
        if ((spend.get(month)?.nanoUsd ?? 0) + nanoUsd > Math.floor(capUsd * nano)) return false;
        add.run(month, bytes, nanoUsd);
        return true;
      }),
    releaseAcceleration: ({ month, bytes, usd }) => write(() => void release.run(bytes, Math.floor(usd * nano), month)),
    recordProbe: ({ store, at, rounds }) =>
      write(() => {
        insertProbe.run(store, at, JSON.stringify(rounds));
        trimProbes.run(store, store);
      }),
    probes: (store, limit) =>
      selectProbes.all(store, limit).map(({ at, rounds }) => ({ store, at, rounds: parseRounds(rounds) })),
  };
}

const Rounds = z.array(z.object({ regional: z.number().positive(), accelerated: z.number().positive() }));

function parseRounds(text: string): z.infer<typeof Rounds> {
  try {
    return Rounds.parse(JSON.parse(text));
  } catch (error) {
    throw new SluiceError('ledger-corrupt', "A probe in the ledger can't be read", { cause: error });
  }
}
