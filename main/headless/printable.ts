/**
 * Text for a person's terminal: control characters, escape sequences and characters that reorder or hide text are written
 * as `\xNN` or `\u{N}`, so that a file's name can't move the cursor, colour the screen or pose as another file.
 */
export function printable(text: string): string {
  return text.replace(hostile, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** Controls, formats (bidi, zero width, tags), line and paragraph separators, lone surrogates. */
const hostile = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
