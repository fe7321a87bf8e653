import type { ObjectPolicy } from '../../../shared/settings.ts';
import type { ObjectMetadata } from './store.ts';

/** As `x-amz-meta-*`. */
export const metadataNames = { token: 'sluice-token', mtimeMs: 'sluice-mtime', sizeBytes: 'sluice-size' } as const;

export const metadataFields = ({ token, mtimeMs, sizeBytes }: ObjectMetadata): Record<string, string> => ({
  [metadataNames.token]: token,
  [metadataNames.mtimeMs]: String(mtimeMs),
  [metadataNames.sizeBytes]: String(sizeBytes),
});

export function policyFields({ storageClass, sse }: ObjectPolicy) {
  return {
    ...(storageClass !== null && { StorageClass: storageClass as 'STANDARD' }),
    ...(sse.kind !== 'bucket-default' && { ServerSideEncryption: sse.kind }),
    ...(sse.kind === 'aws:kms' && sse.keyId !== null && { SSEKMSKeyId: sse.keyId }),
  };
}

/** ETags go without quotes everywhere inside. */
export const unquoted = (etag: string): string => etag.replace(/^(?:W\/)?"|"$/g, '');

export function numberOrNull(text: string | undefined): number | null {
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}
