import type { PolicyView } from '../../shared/policy.ts';
import type { EngineSettings } from '../../shared/settings.ts';

/** What is said beside a field that the administrator's policy locks; null: it is not locked. */
export function lockReason({ locks }: PolicyView, setting: keyof EngineSettings): string | null {
  const lock = locks.find((each) => each.setting === setting);
  return lock ? `Set by your administrator${lock.reason ? `: ${lock.reason}` : ''}` : null;
}
