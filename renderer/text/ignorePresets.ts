import type { FolderRules, IgnorePreset } from '../../shared/settings.ts';

/** What a person reads of each list of patterns; `hint` names the best known of them. */
export const ignorePresets: readonly {
  readonly preset: IgnorePreset;
  readonly label: string;
  readonly hint: string;
}[] = [
  { preset: 'litter', label: 'What systems leave behind', hint: '.DS_Store, Thumbs.db, swap and lock files, trash.' },
  { preset: 'node-modules', label: 'Installed packages', hint: 'node_modules' },
  { preset: 'vcs', label: 'Version control’s own data', hint: '.git, .hg, .svn: the history that is only there.' },
  { preset: 'editor-temp', label: 'Temporary files of editors', hint: '*~ and #…#: backup copies among them.' },
];

/** A folder that names none leaves out the litter. */
export const presetsOf = ({ presets }: Pick<FolderRules, 'presets'>): readonly IgnorePreset[] => presets ?? ['litter'];

/** As part of a sentence. */
export function presetLabels(rules: Pick<FolderRules, 'presets'>): readonly string[] {
  const chosen = presetsOf(rules);
  return ignorePresets
    .filter(({ preset }) => chosen.includes(preset))
    .map(({ label }) => label.charAt(0).toLowerCase() + label.slice(1));
}
