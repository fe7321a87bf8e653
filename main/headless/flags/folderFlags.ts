import type { Command } from 'commander';
import { z } from 'zod';
import { SluiceError } from '../../../shared/errors.ts';
import {
  DeletePolicy,
  FolderInput,
  type FolderRules,
  type IgnorePreset,
  type ObjectPolicy,
} from '../../../shared/settings.ts';
import type { CommandHost } from '../host.ts';
import { parseS3Uri } from '../s3Uri.ts';
import { parseFlags } from './parseFlags.ts';
import { choiceFlag } from './quantities.ts';
import { parseStoreFlags } from './storeFlags.ts';

/** What is uploaded and how it is stored: the flags that `sync` and `folder add` share. */
export function addFolderFlags(command: Command): Command {
  return command
    .optionsGroup('Files:')
    .option('--include <glob>', 'upload only what matches, gitignore syntax (repeatable)', collect)
    .option('--exclude <glob>', 'leave out what matches, gitignore syntax (repeatable)', collect)
    .option(
      '--ignore-preset <name>',
      'leave out litter, node-modules, vcs or editor-temp, or none (repeatable; default: litter)',
      collect,
    )
    .option('--delete <policy>', 'never, or mirror: delete from the bucket what is gone from the folder', 'never')
    .option('--max-delete <n|p%>', 'with --delete mirror: stop when more would be deleted (default: 10%)')
    .option(
      '--on-foreign <rule>',
      'an object of the same name that this folder did not write: keep it, or overwrite',
      'keep',
    )
    .option('--storage-class <class>', 'storage class of new objects')
    .option('--sse <method>', "AES256 or aws:kms[:KEY_ID] (default: the bucket's own)");
}

/** `100` or `5%`. */
export const deleteLimitFlag = z.string().transform((text, context) => parseDeleteLimit(text, context));

const FolderFlags = z.object({
  include: z.array(z.string().min(1, 'the pattern is empty')).default([]),
  exclude: z.array(z.string().min(1, 'the pattern is empty')).default([]),
  ignorePreset: z.array(choiceFlag('litter', 'node-modules', 'vcs', 'editor-temp', 'none')).optional(),
  delete: choiceFlag('never', 'mirror').default('never'),
  maxDelete: deleteLimitFlag.optional(),
  onForeign: choiceFlag('keep', 'overwrite').default('keep'),
  storageClass: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/, 'this is not the name of a storage class')
    .transform((name) => name.toUpperCase())
    .optional(),
  sse: z.string().transform(parseSse).optional(),
});

/** Throws `usage` and `bad-uri`; looks at no disk. */
export function parseFolderFlags(
  raw: unknown,
  host: CommandHost,
  target: { readonly path: string; readonly uri: string; readonly kind: FolderInput['kind'] },
): FolderInput {
  const location = parseS3Uri(target.uri);
  const flags = parseFlags(FolderFlags, raw);
  const deletes: DeletePolicy =
    flags.delete === 'never' ? { kind: 'never' } : DeletePolicy.parse({ kind: 'mirror', limit: flags.maxDelete });
  return FolderInput.parse({
    path: target.path,
    ...location,
    connection: parseStoreFlags(raw, host),
    rules: { include: flags.include, exclude: flags.exclude, ...presetsOf(flags.ignorePreset) },
    objects: {
      storageClass: flags.storageClass ?? null,
      sse: flags.sse ?? { kind: 'bucket-default' },
      foreign: flags.onForeign,
    },
    deletes,
    kind: target.kind,
  });
}

function presetsOf(names: readonly (IgnorePreset | 'none')[] | undefined): Pick<FolderRules, 'presets'> {
  if (names === undefined) return {};
  const presets = names.filter((name) => name !== 'none');
  if (presets.length > 0 && presets.length < names.length)
    throw new SluiceError('usage', '--ignore-preset none stands alone', { remedy: 'Leave out none, or the others.' });
  return { presets };
}

/** Deleting behind nobody's back needs a hold-back time and a list to approve: a folder that is kept has them, a command that watches does not. */
export const mirrorWhileWatching = (): SluiceError =>
  new SluiceError('usage', '--delete mirror works one pass at a time for now, not while a folder is watched', {
    remedy:
      'Keep the folder with `sluice folder add --delete mirror` and a daemon, or run `sluice sync --delete mirror` from a timer.',
  });

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

type DeleteLimit = Extract<DeletePolicy, { kind: 'mirror' }>['limit'];

function parseDeleteLimit(text: string, context: z.core.$RefinementCtx): DeleteLimit {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  const value = Number(match?.[1]);
  if (match?.[2] === '%' && value <= 100) return { kind: 'percent', percent: value };
  if (match?.[2] === '' && Number.isSafeInteger(value)) return { kind: 'count', count: value };
  context.addIssue(`'${text}' is neither a number of files nor a percentage; write it like 100 or 5%`);
  return z.NEVER;
}

function parseSse(text: string, context: z.core.$RefinementCtx): ObjectPolicy['sse'] {
  if (text === 'AES256') return { kind: 'AES256' };
  if (text === 'aws:kms') return { kind: 'aws:kms', keyId: null };
  if (text.startsWith('aws:kms:') && text.length > 'aws:kms:'.length) {
    return { kind: 'aws:kms', keyId: text.slice('aws:kms:'.length) };
  }
  context.addIssue(`'${text}' is not one of AES256, aws:kms, aws:kms:KEY_ID`);
  return z.NEVER;
}
