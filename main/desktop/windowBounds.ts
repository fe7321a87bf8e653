import type { Bounds } from './desktopState.ts';

const smallest = { width: 760, height: 520 };
const usual = { width: 1120, height: 760 };

/** Where the window goes: where it was, if enough of it can still be seen and grabbed; otherwise in the middle of the first screen. */
export function windowBounds(saved: Bounds | null, workAreas: readonly Bounds[]): Bounds {
  const [first] = workAreas;
  const screen = saved ? workAreas.find((area) => showsEnough(saved, area)) : undefined;
  if (saved && screen) {
    return {
      ...saved,
      width: clamp(saved.width, smallest.width, screen.width),
      height: clamp(saved.height, smallest.height, screen.height),
    };
  }
  if (!first) return { x: 0, y: 0, ...usual };
  const width = Math.min(usual.width, first.width);
  const height = Math.min(usual.height, first.height);
  return {
    x: first.x + Math.round((first.width - width) / 2),
    y: first.y + Math.round((first.height - height) / 2),
    width,
    height,
  };
}

export const minimumSize: { readonly width: number; readonly height: number } = smallest;

/** The title bar is what one can grab: its top edge and 120 pixels of its width. */
function showsEnough(saved: Bounds, area: Bounds): boolean {
  const visible = Math.min(saved.x + saved.width, area.x + area.width) - Math.max(saved.x, area.x);
  return visible >= 120 && saved.y >= area.y && saved.y <= area.y + area.height - 40;
}

/** A screen smaller than the smallest window: the screen wins. */
const clamp = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max);
