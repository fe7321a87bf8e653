import type { IgnorePreset } from '../../../shared/settings.ts';
import { litterPatterns } from './litterPatterns.ts';

/** What a folder leaves out unless it says otherwise. */
const presetsByDefault: readonly IgnorePreset[] = ['litter'];

/** What people often don't want in a bucket, to be chosen for each folder. All but `litter` may well be somebody's data. */
const patternsOf: Readonly<Record<IgnorePreset, readonly string[]>> = {
  litter: litterPatterns,
  'node-modules': ['node_modules/'],
  // a worktree's or submodule's .git is a file
  vcs: ['.git', '.hg/', '.svn/', '.bzr/', '.jj/', '_darcs/', 'CVS/'],
  // backup and lock files of Emacs and its kin, Vim's probe, JetBrains' safe writes
  'editor-temp': ['*~', '.#*', '[#]*#', '4913', '*___jb_tmp___', '*___jb_old___'],
};

export function presetPatterns(
  presets: readonly IgnorePreset[] | undefined,
): readonly { readonly preset: IgnorePreset; readonly pattern: string }[] {
  return (presets ?? presetsByDefault).flatMap((preset) => patternsOf[preset].map((pattern) => ({ preset, pattern })));
}
