import { asObjectKey, type ObjectKey, type RelativePath } from '../../../shared/ids.ts';

/** The path as it is on disk, after the prefix: no normalisation, so that two names on disk are two objects. */
export const objectKey = (prefix: string, path: RelativePath): ObjectKey => asObjectKey(prefix + path);
