const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * Shortens to at most `limit` user-visible characters, keeping both ends: the last folder and the extension are what
 * people look for. `limit` ≥ 3.
 */
export function truncateMiddle(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const characters = Array.from(segmenter.segment(text), ({ segment }) => segment);
  if (characters.length <= limit) return text;
  const tail = Math.ceil((limit - 1) * 0.6);
  const head = limit - 1 - tail;
  return `${characters.slice(0, head).join('')}…${characters.slice(-tail).join('')}`;
}
