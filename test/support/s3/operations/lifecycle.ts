import type { S3Context, S3Response } from '../context.ts';
import { S3Error } from '../s3Error.ts';
import { childrenNamed, childText, readXml, type XmlElement } from '../xml.ts';

const minimumSizeHeader = 'x-amz-transition-default-minimum-object-size';
const defaultMinimumSize = 'all_storage_classes_128K';
const minimumSizes = [defaultMinimumSize, 'varies_by_storage_class'];

export function getLifecycle(context: S3Context): S3Response {
  const { lifecycle, lifecycleMinimum } = context.bucket.settings;
  if (lifecycle === null) throw new S3Error('NoSuchLifecycleConfiguration', { BucketName: context.bucket.name });
  return { status: 200, headers: { [minimumSizeHeader]: lifecycleMinimum ?? defaultMinimumSize }, body: lifecycle };
}

/** Refuses what S3 refuses (docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html). */
export async function putLifecycle(context: S3Context): Promise<S3Response> {
  const { storage, bucket } = context;
  const hasDigest = [...context.headers.keys()].some(
    (name) => name === 'content-md5' || name === 'x-amz-trailer' || name.startsWith('x-amz-checksum-'),
  );
  if (!hasDigest)
    throw new S3Error(
      'InvalidRequest',
      {},
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    );
  const minimum = context.headers.get(minimumSizeHeader)?.[0] ?? defaultMinimumSize;
  if (!minimumSizes.includes(minimum)) throw new S3Error('InvalidRequest', {}, 'Invalid minimum object size');
  const text = await context.receiveText();
  const root = readXml(text, 'LifecycleConfiguration');
  const rules = childrenNamed(root, 'Rule');
  if (rules.length !== root.children.length || rules.length === 0 || rules.length > 1000)
    throw new S3Error('MalformedXML');
  const ids = new Set<string>();
  for (const rule of rules) {
    checkRule(rule);
    const id = childText(rule, 'ID');
    if (id === undefined) continue;
    if (id.length > 255) throw invalid('ID length should not exceed allowed limit of 255');
    if (ids.has(id)) throw invalid('Rule ID must be unique. Found same ID for more than one rule');
    ids.add(id);
  }
  const oldStyle = rules.filter((rule) => has(rule, 'Prefix')).length;
  if (oldStyle > 0 && oldStyle < rules.length)
    throw new S3Error(
      'InvalidRequest',
      {},
      'Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.',
    );
  storage.saveSettings(bucket, { ...bucket.settings, lifecycle: text, lifecycleMinimum: minimum });
  return { status: 200, headers: { [minimumSizeHeader]: minimum } };
}

export function deleteLifecycle(context: S3Context): S3Response {
  const { storage, bucket } = context;
  storage.saveSettings(bucket, { ...bucket.settings, lifecycle: null, lifecycleMinimum: null });
  return { status: 204 };
}

const actions: Readonly<Record<string, readonly string[]>> = {
  Transition: ['Days', 'Date', 'StorageClass'],
  Expiration: ['Days', 'Date', 'ExpiredObjectDeleteMarker'],
  NoncurrentVersionTransition: ['NoncurrentDays', 'NewerNoncurrentVersions', 'StorageClass'],
  NoncurrentVersionExpiration: ['NoncurrentDays', 'NewerNoncurrentVersions'],
  AbortIncompleteMultipartUpload: ['DaysAfterInitiation'],
};
const filters = ['Prefix', 'Tag', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan'];
const classes = ['STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'];
const infrequent = ['STANDARD_IA', 'ONEZONE_IA'];

function checkRule(rule: XmlElement): void {
  for (const child of rule.children) {
    if (['ID', 'Status', 'Filter', 'Prefix'].includes(child.name)) continue;
    const parts = actions[child.name];
    if (!parts || child.children.some(({ name }) => !parts.includes(name))) throw new S3Error('MalformedXML');
  }
  const status = childText(rule, 'Status');
  if (status !== 'Enabled' && status !== 'Disabled') throw new S3Error('MalformedXML');
  if (has(rule, 'Filter') === has(rule, 'Prefix')) throw new S3Error('MalformedXML');
  const taken = rule.children.filter(({ name }) => name in actions);
  if (taken.length === 0)
    throw new S3Error('InvalidRequest', {}, 'At least one action needs to be specified in a rule');
  const narrowed = checkFilter(childrenNamed(rule, 'Filter')[0]);
  if (has(rule, 'AbortIncompleteMultipartUpload') && narrowed)
    throw new S3Error(
      'InvalidRequest',
      {},
      'AbortIncompleteMultipartUpload cannot be specified with Tags or object size.',
    );
  const current = checkMoves(rule, 'Transition', 'Days');
  checkMoves(rule, 'NoncurrentVersionTransition', 'NoncurrentDays');
  const expiry = days(childrenNamed(rule, 'Expiration')[0], 'Days');
  if (expiry !== null && expiry < 1) throw invalid("'Days' for Expiration action must be a positive integer");
  if (expiry !== null && current.some((each) => each >= expiry))
    throw invalid("'Days' in the Expiration action must be greater than 'Days' in the Transition action");
}

/** Whether it goes by tags or sizes. */
function checkFilter(filter: XmlElement | undefined): boolean {
  if (!filter) return false;
  if (filter.children.length > 1) throw new S3Error('MalformedXML');
  const and = childrenNamed(filter, 'And')[0];
  if (and && and.children.length < 2) throw new S3Error('MalformedXML');
  const parts = and?.children ?? filter.children;
  if (parts.some(({ name }) => !filters.includes(name))) throw new S3Error('MalformedXML');
  return parts.some(({ name }) => name !== 'Prefix');
}

function checkMoves(rule: XmlElement, name: string, daysName: string): readonly number[] {
  const moves = childrenNamed(rule, name).map((move) => {
    const to = childText(move, 'StorageClass') ?? '';
    const after = days(move, daysName);
    if (!classes.includes(to)) throw new S3Error('MalformedXML');
    if (after === null && childText(move, 'Date') === undefined) throw new S3Error('MalformedXML');
    if (infrequent.includes(to) && after !== null && after < 30)
      throw invalid(`'${daysName}' in ${name} action must be greater than or equal to 30 for storageClass '${to}'`);
    return { to, after: after ?? 0 };
  });
  for (const { to, after } of moves)
    for (const other of moves)
      if (
        infrequent.includes(to) &&
        !infrequent.includes(other.to) &&
        other.to !== 'INTELLIGENT_TIERING' &&
        other.after < after + 30
      )
        throw invalid(
          `'${daysName}' in the '${name}' action for StorageClass '${other.to}' must be 30 days more than for StorageClass '${to}'`,
        );
  return moves.map(({ after }) => after);
}

function days(element: XmlElement | undefined, name: string): number | null {
  const text = element && childText(element, name);
  if (text === undefined) return null;
  if (!/^\d+$/.test(text)) throw new S3Error('MalformedXML');
  return Number(text);
}

const has = (rule: XmlElement, name: string): boolean => rule.children.some((child) => child.name === name);
const invalid = (message: string): S3Error => new S3Error('InvalidArgument', {}, message);
