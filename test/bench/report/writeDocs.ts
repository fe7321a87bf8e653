import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const begin = '<!-- bench:begin -->';
const end = '<!-- bench:end -->';

/** Puts `text` between the marks of each file that has them; which were written. */
export function writeDocs(files: readonly string[], text: string): string[] {
  return files.filter((file) => {
    const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const after = betweenMarks(before, text);
    if (after !== null) writeFileSync(file, after);
    return after !== null;
  });
}

/** null: there are no marks, or not in their order. */
export function betweenMarks(page: string, text: string): string | null {
  const from = page.indexOf(begin);
  const to = page.indexOf(end, from + begin.length);
  if (from < 0 || to < 0) return null;
  return `${page.slice(0, from + begin.length)}\n${text.trimEnd()}\n${page.slice(to)}`;
}
