import { createHash } from 'node:crypto';
import { SluiceError } from '../../../shared/errors.ts';
import { childOf, childrenOf, escapeXml, readXml, textOf, type XmlPiece } from './readXml.ts';

/** The live policy: each rule as it stands in S3's document, and as far as it is understood. */
export interface LiveLifecycle {
  /** Of the document and of what goes with it; another one: somebody changed it. */
  readonly revision: string;
  readonly rules: readonly LiveRule[];
  /** Rules with a Prefix outside of a Filter: S3 takes no rules of the newer form beside them. */
  readonly oldStyle: boolean;
  /** The bucket's own default for what is too small to be moved, a header beside the document; null: the store says none. */
  readonly minimumSize: string | null;
}

export interface RuleFacts {
  readonly id: string;
  readonly enabled: boolean;
  readonly filter: {
    readonly prefix: string;
    readonly tags: readonly (readonly [string, string])[];
    readonly largerThan: number | null;
    readonly smallerThan: number | null;
  };
  readonly transitions: readonly { readonly days: number; readonly storageClass: string }[];
  readonly expireAfterDays: number | null;
  readonly noncurrentTransitions: readonly { readonly days: number; readonly storageClass: string }[];
  readonly noncurrentExpireAfterDays: number | null;
  readonly abortAfterDays: number | null;
  readonly beyond: readonly string[];
}

export interface LiveRule {
  /** The rule's own characters: what is kept is written back as this. */
  readonly source: string;
  readonly facts: RuleFacts;
}

/** Throws `lifecycle-unreadable` for a document that can't be carried over whole. */
export function readLifecycle(text: string | null, minimumSize: string | null): LiveLifecycle {
  const revision = createHash('sha256')
    .update(JSON.stringify([text, minimumSize]))
    .digest('hex')
    .slice(0, 32);
  if (text === null) return { revision, rules: [], oldStyle: false, minimumSize };
  const root = readXml(text);
  if (root?.name !== 'LifecycleConfiguration') throw unreadable('it is no LifecycleConfiguration');
  const other = root.children.find(({ name }) => name !== 'Rule');
  if (other) throw unreadable(`it has a part that this Sluice doesn't know: ${other.name}`);
  // A prefix that is declared on the document is gone when the rule alone is written.
  if (/^<[^>]*\sxmlns:/.test(root.source)) throw unreadable('it uses names of another namespace');
  const rules = root.children.map((rule) => ({ source: rule.source, facts: factsOf(rule) }));
  const ids = rules.map(({ facts }) => facts.id).filter((id) => id !== '');
  if (new Set(ids).size < ids.length) throw unreadable('two of its rules have the same name');
  return {
    revision,
    rules,
    oldStyle: root.children.some((rule) => childOf(rule, 'Prefix') !== undefined),
    minimumSize,
  };
}

/** The document with some rules replaced or added, all others as they stood. */
export function mergedLifecycle(live: LiveLifecycle, write: readonly RuleFacts[]): string {
  const left = new Map(write.map((rule) => [rule.id, rule]));
  const rules = live.rules.map(({ source, facts }) => {
    const ours = left.get(facts.id);
    if (!ours) return source;
    left.delete(facts.id);
    return ruleXml(ours);
  });
  const added = [...left.values()].map(ruleXml);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${[...rules, ...added].join('')}</LifecycleConfiguration>`;
}

const unreadable = (why: string): SluiceError =>
  new SluiceError('lifecycle-unreadable', `The bucket's lifecycle policy can't be carried over: ${why}`);

function factsOf(rule: XmlPiece): RuleFacts {
  const beyond: string[] = [];
  const days = (piece: XmlPiece, name: string, what: string): number | null => {
    const text = textOf(piece, name);
    for (const child of piece.children) {
      if (child.name === name || child.name === 'StorageClass') continue;
      beyond.push(`${what}: ${child.name} ${child.text}`.trim());
    }
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
  };
  const transitions = (name: string, daysName: string) =>
    childrenOf(rule, name).flatMap((piece) => {
      const after = days(piece, daysName, name);
      const storageClass = textOf(piece, 'StorageClass');
      return after === null || storageClass === undefined ? [] : [{ days: after, storageClass }];
    });
  const single = (name: string, daysName: string): number | null => {
    const piece = childOf(rule, name);
    return piece ? days(piece, daysName, name) : null;
  };
  for (const { name } of rule.children) if (!knownParts.has(name)) beyond.push(name);
  const filter = childOf(rule, 'Filter');
  const parts = (childOf(filter, 'And') ?? filter)?.children ?? [];
  for (const { name } of parts) if (!knownFilters.has(name)) beyond.push(`filter: ${name}`);
  const number = (name: string): number | null => {
    const text = parts.find((part) => part.name === name)?.text;
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
  };
  return {
    id: textOf(rule, 'ID') ?? '',
    enabled: textOf(rule, 'Status') === 'Enabled',
    filter: {
      prefix: parts.find(({ name }) => name === 'Prefix')?.text ?? textOf(rule, 'Prefix') ?? '',
      tags: parts
        .filter(({ name }) => name === 'Tag')
        .map((tag) => [textOf(tag, 'Key') ?? '', textOf(tag, 'Value') ?? '']),
      largerThan: number('ObjectSizeGreaterThan'),
      smallerThan: number('ObjectSizeLessThan'),
    },
    transitions: transitions('Transition', 'Days'),
    expireAfterDays: single('Expiration', 'Days'),
    noncurrentTransitions: transitions('NoncurrentVersionTransition', 'NoncurrentDays'),
    noncurrentExpireAfterDays: single('NoncurrentVersionExpiration', 'NoncurrentDays'),
    abortAfterDays: single('AbortIncompleteMultipartUpload', 'DaysAfterInitiation'),
    beyond,
  };
}

const knownParts = new Set([
  ...['ID', 'Status', 'Filter', 'Prefix', 'Transition', 'Expiration', 'NoncurrentVersionTransition'],
  ...['NoncurrentVersionExpiration', 'AbortIncompleteMultipartUpload'],
]);
const knownFilters = new Set(['Prefix', 'Tag', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan', 'And']);

function ruleXml(rule: RuleFacts): string {
  const { prefix, largerThan } = rule.filter;
  const prefixXml = `<Prefix>${escapeXml(prefix)}</Prefix>`;
  const sizeXml = `<ObjectSizeGreaterThan>${largerThan}</ObjectSizeGreaterThan>`;
  const filter = largerThan === null ? prefixXml : prefix === '' ? sizeXml : `<And>${prefixXml}${sizeXml}</And>`;
  const moves = rule.transitions.map(
    ({ days, storageClass }) =>
      `<Transition><Days>${days}</Days><StorageClass>${storageClass}</StorageClass></Transition>`,
  );
  const oldMoves = rule.noncurrentTransitions.map(
    ({ days, storageClass }) =>
      `<NoncurrentVersionTransition><NoncurrentDays>${days}</NoncurrentDays><StorageClass>${storageClass}</StorageClass></NoncurrentVersionTransition>`,
  );
  return [
    `<Rule><ID>${escapeXml(rule.id)}</ID><Filter>${filter}</Filter><Status>${rule.enabled ? 'Enabled' : 'Disabled'}</Status>`,
    ...moves,
    rule.expireAfterDays === null ? '' : `<Expiration><Days>${rule.expireAfterDays}</Days></Expiration>`,
    ...oldMoves,
    rule.noncurrentExpireAfterDays === null
      ? ''
      : `<NoncurrentVersionExpiration><NoncurrentDays>${rule.noncurrentExpireAfterDays}</NoncurrentDays></NoncurrentVersionExpiration>`,
    rule.abortAfterDays === null
      ? ''
      : `<AbortIncompleteMultipartUpload><DaysAfterInitiation>${rule.abortAfterDays}</DaysAfterInitiation></AbortIncompleteMultipartUpload>`,
    '</Rule>',
  ].join('');
}
