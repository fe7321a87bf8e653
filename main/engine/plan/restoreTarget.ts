import { asRelativePath, type ObjectKey, type RelativePath } from '../../../shared/ids.ts';

/** Names beginning with it are ours while a restore is under way. */
export const partialPrefix = '.sluice-restore-';

export type RestoreTarget =
  | { readonly kind: 'file'; readonly path: RelativePath }
  /** A key that ends in `/`, as consoles make them for folders. `''`: the folder itself. */
  | { readonly kind: 'folder'; readonly path: RelativePath }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Where below the target an object belongs; a key is somebody else's text, so whatever could lead out of the target, or can't be the name of a file on
 * `platform`, is refused. Pure.
 */
export function restoreTarget(prefix: string, key: ObjectKey, platform: string): RestoreTarget {
  const rest = key.slice(prefix.length);
  if (rest === '') return { kind: 'folder', path: asRelativePath('') };
  const isFolder = rest.endsWith('/');
  const segments = (isFolder ? rest.slice(0, -1) : rest).split('/');
  for (const segment of segments) {
    const reason = segmentProblem(segment, platform);
    if (reason !== null) return { kind: 'refused', reason };
  }
  return { kind: isFolder ? 'folder' : 'file', path: asRelativePath(segments.join('/')) };
}

function segmentProblem(segment: string, platform: string): string | null {
  if (segment === '') return 'a folder in its key has an empty name';
  if (segment === '.' || segment === '..') return `'${segment}' in its key would lead out of the folder`;
  if (segment.includes('\0')) return 'its key holds a NUL, which no file name can';
  if (!segment.isWellFormed()) return 'its key is not valid Unicode';
  if (segment.toLowerCase().startsWith(partialPrefix))
    return `names with ${partialPrefix} are used by the restore itself`;
  if (platform === 'win32') return windowsProblem(segment);
  return platform === 'darwin' || utf8Length(segment) <= 255 ? null : 'a name in its key is longer than 255 bytes';
}

/** learn.microsoft.com/windows/win32/fileio/naming-a-file; a colon would also name a drive or a stream, a backslash a folder. */
function windowsProblem(segment: string): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  if (/[<>:"\\|?*\u0001-\u001f]/.test(segment)) return 'its key holds a character that Windows allows in no name';
  if (/[. ]$/.test(segment)) return 'a name in its key ends with a dot or a space, which Windows drops';
  if (/^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/i.test(segment.trimEnd()))
    return `'${segment}' is the name of a device on Windows`;
  return segment.length > 255 ? 'a name in its key is longer than 255 characters' : null;
}

/** Without a surrogate left alone (checked before). */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
