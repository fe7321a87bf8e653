import { z } from 'zod';
import { SluiceError } from './errors.ts';
import {
  type DeletePolicy,
  type EngineSettings,
  EngineSettingsChange,
  type FolderInput,
  type ObjectPolicy,
  type StoreConnection,
} from './settings.ts';

const reason = z.string().min(1).max(500).optional().describe('Shown to users beside what it locks.');

/** A value for every user: `locked` ones can't be changed, others are defaults until somebody does. */
const setting = <Value extends z.ZodType>(value: Value) =>
  z.strictObject({ value, locked: z.boolean().default(true), reason });

type SettingName = keyof EngineSettings;
type SettingRules = {
  [Name in SettingName]: z.ZodOptional<ReturnType<typeof setting<(typeof EngineSettingsChange)['shape'][Name]>>>;
};
// Made from the settings, so that a new one can be locked without a word here.
const settingRules = Object.fromEntries(
  Object.entries(EngineSettingsChange.shape).map(([name, value]) => [name, setting(value.unwrap()).optional()]),
) as unknown as SettingRules;

const patterns = z.array(z.string().min(1)).min(1);

/** The machine-wide policy of an administrator (docs/admin.md). Strict: a misspelt rule that was ignored would be a rule that doesn't hold. */
export const AdminPolicy = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1),
  settings: z.strictObject(settingRules).default({}).describe('Engine settings, each a default or locked.'),
  buckets: z.strictObject({ allow: patterns, reason }).optional().describe('Names; * and ? stand for any characters.'),
  regions: z
    .strictObject({ allow: patterns, reason })
    .optional()
    .describe('The bucket must be in one of these by its own answer to HeadBucket.'),
  endpoints: z
    .strictObject({ allow: patterns, reason })
    .optional()
    .describe('Host names of endpoints, with port if it is not the usual one; `aws` is Amazon S3 itself.'),
  encryption: z
    .discriminatedUnion('require', [
      z.strictObject({ require: z.literal('AES256'), reason }),
      z.strictObject({ require: z.literal('aws:kms'), keyId: z.string().min(1).optional(), reason }),
    ])
    .optional()
    .describe('Asked for with every object, and checked in the answer.'),
  storageClasses: z
    .strictObject({ allow: patterns, reason })
    .optional()
    .describe('The first is used where none is named.'),
  deletes: z
    .discriminatedUnion('allow', [
      z.strictObject({ allow: z.literal('never'), reason }),
      z.strictObject({
        allow: z.literal('mirror'),
        maxCount: z.number().int().min(0).optional(),
        maxPercent: z.number().min(0).max(100).optional(),
        reason,
      }),
    ])
    .optional(),
  tls: z
    .strictObject({ minimum: z.enum(['1.2', '1.3']), reason })
    .optional()
    .describe('Plain http is refused too, other than to this machine.'),
});
export type AdminPolicy = z.infer<typeof AdminPolicy>;

export const noPolicy: AdminPolicy = { version: 1, settings: {} };

/** One rule, in words for people. `setting` names the field it locks, where it locks one. */
export const PolicyLock = z.object({
  setting: z.string().nullable(),
  text: z.string(),
  reason: z.string().nullable(),
});
export type PolicyLock = z.infer<typeof PolicyLock>;

/** What is in force, for screens and commands; `source` null: no policy file. */
export const PolicyView = z.object({ source: z.string().nullable(), locks: z.array(PolicyLock) });
export type PolicyView = z.infer<typeof PolicyView>;

/** Defaults of the policy, then what the user chose, then what is locked. */
export function settingsUnder(policy: AdminPolicy, user: EngineSettingsChange, base: EngineSettings): EngineSettings {
  const defaults: Record<string, unknown> = {};
  const locked: Record<string, unknown> = {};
  for (const [name, rule] of settingRulesOf(policy)) (rule.locked ? locked : defaults)[name] = rule.value;
  return { ...base, ...defaults, ...user, ...locked } as EngineSettings;
}

/** Throws `policy-locked` when `change` would set a locked setting to another value. */
export function refuseLocked(policy: AdminPolicy, change: EngineSettingsChange): void {
  for (const [name, rule] of settingRulesOf(policy)) {
    const wanted = change[name];
    if (!rule.locked || wanted === undefined || JSON.stringify(wanted) === JSON.stringify(rule.value)) continue;
    throw new SluiceError(
      'policy-locked',
      `${name} is set to ${JSON.stringify(rule.value)} by your administrator${because(rule.reason)}`,
    );
  }
}

/** The folder as the policy has it: what was left open is filled in. Throws `policy-refused` for what it forbids. */
export function folderUnder<Folder extends Pick<FolderInput, 'bucket' | 'objects' | 'deletes'> & { connection: Place }>(
  policy: AdminPolicy,
  folder: Folder,
): Folder {
  refusePlace(policy, folder.connection, folder.bucket);
  return { ...folder, objects: objectsUnder(policy, folder.objects), deletes: deletesUnder(policy, folder.deletes) };
}

type Place = Pick<StoreConnection, 'endpointUrl'>;

/** Throws `policy-refused`. The region is not known before the bucket was asked: see refuseRegion. */
export function refusePlace(policy: AdminPolicy, { endpointUrl }: Place, bucket: string): void {
  const { buckets, endpoints, tls } = policy;
  if (buckets && !buckets.allow.some((pattern) => matches(pattern, bucket)))
    throw refused(`The bucket ${bucket} is not one of ${buckets.allow.join(', ')}`, buckets.reason);
  const url = endpointUrl === null ? null : new URL(endpointUrl);
  const host = url?.host.toLowerCase() ?? 'aws';
  if (endpoints && !endpoints.allow.some((pattern) => matches(pattern.toLowerCase(), host)))
    throw refused(`The endpoint ${host} is not one of ${endpoints.allow.join(', ')}`, endpoints.reason);
  if (tls && url?.protocol === 'http:' && !isThisMachine(url.hostname))
    throw refused(`The endpoint ${host} is plain http, and TLS ${tls.minimum} is required`, tls.reason);
}

/** Whether bodies may take the accelerated endpoint: one that the policy doesn't name is left aside, for the regional one does as well. */
export function accelerationUnder(
  policy: AdminPolicy | undefined,
  accelerated: Place,
  bucket: string,
): 'allowed' | 'forbidden' {
  try {
    if (policy) refusePlace(policy, accelerated, bucket);
    return 'allowed';
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'policy-refused') return 'forbidden';
    throw error;
  }
}

/** `region` null: the store didn't say, which is refused too. Throws `policy-refused`. */
export function refuseRegion({ regions }: AdminPolicy, bucket: string, region: string | null): void {
  if (!regions || (region !== null && regions.allow.some((pattern) => matches(pattern, region)))) return;
  const where = region === null ? 'does not say its region' : `is in ${region}`;
  throw refused(`The bucket ${bucket} ${where}; allowed are ${regions.allow.join(', ')}`, regions.reason);
}

/** Whether what the store says it did is what is required; `named` null: it says nothing. Throws `policy-refused`. */
export function refuseEncryption({ encryption }: AdminPolicy, named: string | null): void {
  if (!encryption || named === encryption.require || (named ?? '').startsWith(`${encryption.require}:`)) return;
  // KMS is more than AES256 asks for.
  if (encryption.require === 'AES256' && named?.startsWith('aws:kms')) return;
  throw refused(
    `The store names ${named === null ? 'no encryption' : named} where ${encryption.require} is required`,
    encryption.reason,
  );
}

export function objectsUnder({ encryption, storageClasses }: AdminPolicy, objects: ObjectPolicy): ObjectPolicy {
  const storageClass = objects.storageClass ?? storageClasses?.allow[0] ?? null;
  if (storageClasses && storageClass !== null && !storageClasses.allow.includes(storageClass))
    throw refused(
      `The storage class ${storageClass} is not one of ${storageClasses.allow.join(', ')}`,
      storageClasses.reason,
    );
  return { ...objects, storageClass, sse: encryption ? sseUnder(encryption, objects.sse) : objects.sse };
}

function sseUnder(required: NonNullable<AdminPolicy['encryption']>, sse: ObjectPolicy['sse']): ObjectPolicy['sse'] {
  if (required.require === 'AES256') return sse.kind === 'bucket-default' ? { kind: 'AES256' } : sse;
  const keyId = required.keyId ?? null;
  if (sse.kind === 'bucket-default') return { kind: 'aws:kms', keyId };
  if (sse.kind === 'AES256')
    throw refused('AES256 is less than the encryption aws:kms that is required', required.reason);
  if (keyId !== null && sse.keyId !== null && sse.keyId !== keyId)
    throw refused(`The key ${sse.keyId} is not the required ${keyId}`, required.reason);
  return { kind: 'aws:kms', keyId: keyId ?? sse.keyId };
}

export function deletesUnder({ deletes: rule }: AdminPolicy, deletes: DeletePolicy): DeletePolicy {
  if (!rule || deletes.kind === 'never') return deletes;
  if (rule.allow === 'never') throw refused('Deleting from the bucket is not allowed', rule.reason);
  const { limit } = deletes;
  if (limit.kind === 'count' && rule.maxCount !== undefined && limit.count > rule.maxCount)
    throw refused(`At most ${rule.maxCount} objects may be deleted in one run`, rule.reason);
  if (limit.kind === 'percent' && rule.maxPercent !== undefined && limit.percent > rule.maxPercent)
    throw refused(`At most ${rule.maxPercent} % of the objects may be deleted in one run`, rule.reason);
  // A limit of the other kind would step around the rule.
  if (limit.kind === 'count' && rule.maxCount === undefined && rule.maxPercent !== undefined)
    throw refused(`The limit on deletes must be a percentage, at most ${rule.maxPercent} %`, rule.reason);
  if (limit.kind === 'percent' && rule.maxPercent === undefined && rule.maxCount !== undefined)
    throw refused(`The limit on deletes must be a number, at most ${rule.maxCount}`, rule.reason);
  return deletes;
}

/** Whether a user may let so many objects go at once, of so many that are known. Throws `policy-refused`. */
export function refuseDeletes({ deletes: rule }: AdminPolicy, files: number, known: number): void {
  if (!rule || files === 0) return;
  if (rule.allow === 'never') throw refused('Deleting from the bucket is not allowed', rule.reason);
  const { maxCount, maxPercent, reason } = rule;
  // Where both are named either is enough, as for a folder's own limit.
  if (maxCount === undefined && maxPercent === undefined) return;
  if (maxCount !== undefined && files <= maxCount) return;
  if (maxPercent !== undefined && files <= (known * maxPercent) / 100) return;
  const most = [maxCount, maxPercent === undefined ? undefined : `${maxPercent} %`].filter(
    (each) => each !== undefined,
  );
  throw refused(`At most ${most.join(' or ')} of the objects may be deleted in one run`, reason);
}

/** Rules that delete objects after a time are deletes too. Throws `policy-refused`. */
export function refuseExpiry({ deletes }: AdminPolicy): void {
  if (deletes?.allow === 'never')
    throw refused('Deleting from the bucket is not allowed, and the recommended rules delete', deletes.reason);
}

/** Every rule in a sentence. */
export function locksOf(policy: AdminPolicy): readonly PolicyLock[] {
  const locks: PolicyLock[] = [];
  const add = (name: string | null, text: string, why: string | undefined) =>
    locks.push({ setting: name, text, reason: why ?? null });
  for (const [name, rule] of settingRulesOf(policy))
    if (rule.locked) add(name, `${name} is ${JSON.stringify(rule.value)}`, rule.reason);
  const { buckets, regions, endpoints, encryption, storageClasses, deletes, tls } = policy;
  if (buckets) add(null, `Buckets: ${buckets.allow.join(', ')}`, buckets.reason);
  if (regions) add(null, `Regions: ${regions.allow.join(', ')}`, regions.reason);
  if (endpoints) add(null, `Endpoints: ${endpoints.allow.join(', ')}`, endpoints.reason);
  if (encryption) {
    const key = encryption.require === 'aws:kms' && encryption.keyId ? ` with key ${encryption.keyId}` : '';
    add(null, `Encryption: ${encryption.require}${key}`, encryption.reason);
  }
  if (storageClasses) add(null, `Storage classes: ${storageClasses.allow.join(', ')}`, storageClasses.reason);
  if (deletes?.allow === 'never') add(null, 'Deletes: never', deletes.reason);
  if (deletes?.allow === 'mirror') {
    const limits = [
      deletes.maxCount === undefined ? '' : `${deletes.maxCount} objects`,
      deletes.maxPercent === undefined ? '' : `${deletes.maxPercent} %`,
    ].filter(Boolean);
    add(
      null,
      limits.length === 0 ? 'Deletes: allowed' : `Deletes: at most ${limits.join(' or ')} in one run`,
      deletes.reason,
    );
  }
  if (tls) add(null, `TLS: ${tls.minimum} at least`, tls.reason);
  return locks;
}

interface SettingRule {
  readonly value: unknown;
  readonly locked: boolean;
  readonly reason?: string | undefined;
}

function settingRulesOf({ settings }: AdminPolicy): readonly (readonly [SettingName, SettingRule])[] {
  const rules = Object.entries(settings).flatMap(([name, rule]) =>
    rule ? [[name as SettingName, rule as SettingRule] as const] : [],
  );
  const { maxBandwidthBytesPerSecond: limit, bandwidthSchedule } = settings;
  // A schedule of the user's own would step around a locked limit.
  if (limit?.locked && !bandwidthSchedule)
    rules.push(['bandwidthSchedule', { value: [], locked: true, reason: limit.reason }]);
  return rules;
}

/** `*` and `?` only; anything else is itself. */
function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

const isThisMachine = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

const because = (why: string | undefined): string => (why === undefined ? '' : ` (${why})`);
const refused = (message: string, why: string | undefined): SluiceError =>
  new SluiceError('policy-refused', `${message}${because(why)}`);
