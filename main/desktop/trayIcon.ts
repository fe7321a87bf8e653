import { join } from 'node:path';
import { type NativeImage, nativeImage } from 'electron';
import type { SentenceState } from '../../shared/sentence.ts';

/** The drawings of scripts/icons.mjs; each has a silhouette of its own. */
type TrayIconName = 'idle' | 'safe' | 'uploading' | 'paused' | 'offline' | 'attention' | 'error';

const icons: Readonly<Record<SentenceState, TrayIconName>> = {
  empty: 'idle',
  safe: 'safe',
  scanning: 'uploading',
  uploading: 'uploading',
  paused: 'paused',
  offline: 'offline',
  attention: 'attention',
  error: 'error',
};

/** macOS colours a template itself; Linux panels take one bitmap as it is, so they get the big one. */
export function trayIconFile(state: SentenceState, platform: NodeJS.Platform): string {
  const name = icons[state];
  if (platform === 'darwin') return `${name}Template.png`;
  return platform === 'linux' ? `${name}-32.png` : `${name}.png`;
}

export function trayIcon(directory: string, state: SentenceState): NativeImage {
  const image = nativeImage.createFromPath(join(directory, trayIconFile(state, process.platform)));
  if (process.platform === 'darwin') image.setTemplateImage(true);
  return image;
}
