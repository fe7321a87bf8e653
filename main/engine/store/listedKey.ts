import { asObjectKey, type ObjectKey } from '../../../shared/ids.ts';

/** A key of a listing asked for with EncodingType=url. Some stores ignore the wish; then they don't echo it either. */
export function listedKey(text: string, encodingType: string | undefined): ObjectKey {
  return asObjectKey(encodingType === 'url' ? decode(text) : text);
}

/** S3 writes a space as `+` here and a plus as `%2B`. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // not UTF-8 underneath: such a key can't be one of ours; keep it as listed
    return text;
  }
}
