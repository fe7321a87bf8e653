import { useSyncExternalStore } from 'react';

export const screenNames = ['overview', 'folders', 'activity', 'issues', 'cost', 'settings'] as const;
export type ScreenName = (typeof screenNames)[number];

/** The screen named in the URL's hash: works under http and app:// alike, and back and forward work. */
export function useRoute(): ScreenName {
  return useSyncExternalStore(subscribe, current);
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

function current(): ScreenName {
  const name = window.location.hash.replace(/^#\//, '');
  return screenNames.find((screen) => screen === name) ?? 'overview';
}
