import type { RelativePath } from '../../../shared/ids.ts';
import type { SourceProblem } from '../../../shared/source.ts';

const maxKeyBytes = 1024;

/** What no object key can hold: C0 and DEL, which XML listings can't carry or mangle, U+FFFE, U+FFFF, and halves of surrogate pairs (checked apart). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const unsupported = /[\u0000-\u001f\u007f\ufffe\uffff]/;

/** Why no S3 key can spell this path; null when one can. For a directory it holds for all that is below, too. */
export function keyProblem(keyPrefix: string, path: RelativePath): SourceProblem | null {
  const found = unsupported.exec(path);
  if (found !== null) {
    const code = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return {
      path,
      code: 'name-unsupported',
      detail: `The name holds the control character U+${code}, which S3 can't list.`,
    };
  }
  if (!path.isWellFormed())
    return { path, code: 'name-unsupported', detail: 'The name is not valid Unicode (half of a surrogate pair).' };
  // a UTF-16 unit is at most 3 bytes of UTF-8: most paths need no count
  if ((keyPrefix.length + path.length) * 3 <= maxKeyBytes) return null;
  const bytes = Buffer.byteLength(keyPrefix) + Buffer.byteLength(path);
  if (bytes <= maxKeyBytes) return null;
  return { path, code: 'key-too-long', detail: `Its key would be ${bytes} bytes long; S3 takes ${maxKeyBytes}.` };
}
