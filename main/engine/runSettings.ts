import { type AdminPolicy, refuseLocked, settingsUnder } from '../../shared/policy.ts';
import { defaultEngineSettings, type EngineSettings } from '../../shared/settings.ts';
import type { EngineOptions } from './engine.ts';
import { storedSettings } from './engineApi.ts';
import type { Ledger } from './ledger/ledger.ts';

type Flags = Pick<EngineOptions, 'settings' | 'accelerate'>;

/** What is stored, with the command line's on top; what the policy locks is locked for it too, also by one that comes while the engine runs. */
export function runSettings(ledger: Ledger, policy: AdminPolicy, flags: Flags): EngineSettings {
  return settingsUnder(policy, withFlags(ledger, policy, flags), defaultEngineSettings);
}

/** Throws `policy-locked` when the command line asks for another value than a locked one. */
export function refuseLockedFlags(ledger: Ledger, policy: AdminPolicy, flags: Flags): void {
  refuseLocked(policy, flags.settings ?? {});
  if (flags.accelerate !== undefined)
    refuseLocked(policy, { acceleration: withFlags(ledger, policy, flags).acceleration });
}

function withFlags(ledger: Ledger, policy: AdminPolicy, { settings, accelerate }: Flags): EngineSettings {
  const wanted = { ...storedSettings(ledger, policy), ...settings };
  return accelerate === undefined ? wanted : { ...wanted, acceleration: { ...wanted.acceleration, mode: accelerate } };
}
