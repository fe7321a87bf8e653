import type { FolderRules, IgnorePreset } from '../../shared/settings.ts';
import type { ConnectionInput, FolderView } from '../../shared/syncApi.ts';
import { presetsOf } from './ignorePresets.ts';

/** A shell command line: words a POSIX shell would change are put in single quotes. */
export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(' ');
}

function quote(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Typed keys never become part of it: the environment carries them. */
export function addFolderCommand(input: {
  readonly path: string;
  readonly uri: string;
  readonly connection: ConnectionInput;
  readonly rules: FolderRules;
}): string {
  const { connection, rules } = input;
  const flags = [
    ...(connection.endpointUrl ? ['--endpoint-url', connection.endpointUrl] : []),
    ...(connection.region ? ['--region', connection.region] : []),
    ...(connection.pathStyle ? ['--path-style'] : []),
    ...(connection.credentials.kind === 'chain' && connection.credentials.profile
      ? ['--profile', connection.credentials.profile]
      : []),
    ...presetFlags(presetsOf(rules)),
    ...rules.exclude.flatMap((pattern) => ['--exclude', pattern]),
  ];
  const command = commandLine(['sluice', 'folder', 'add', input.path, input.uri, ...flags]);
  return connection.credentials.kind === 'keys' ? `AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… ${command}` : command;
}

/** The command leaves out the litter by itself. */
function presetFlags(presets: readonly IgnorePreset[]): readonly string[] {
  if (presets.length === 1 && presets[0] === 'litter') return [];
  if (presets.length === 0) return ['--ignore-preset', 'none'];
  return presets.flatMap((preset) => ['--ignore-preset', preset]);
}

export const folderCommand = (
  verb: 'pause' | 'resume' | 'remove' | 'deletes' | 'reconcile',
  folder: FolderView,
): string => commandLine(['sluice', 'folder', verb, String(folder.id)]);

export const verifyCommand = (folder: FolderView, deep: boolean): string =>
  commandLine(['sluice', 'verify', String(folder.id), ...(deep ? ['--deep'] : [])]);

export function restoreCommand(
  folder: FolderView,
  how: { readonly target: string; readonly include: readonly string[]; readonly overwrite: boolean },
): string {
  const flags = [
    ...how.include.flatMap((pattern) => ['--include', pattern]),
    ...(how.overwrite ? ['--overwrite'] : []),
    ...(folder.endpointUrl ? ['--endpoint-url', folder.endpointUrl] : []),
    ...(folder.region ? ['--region', folder.region] : []),
  ];
  return commandLine(['sluice', 'restore', folder.uri, how.target, ...flags]);
}
