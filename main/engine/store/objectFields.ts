import type { ObjectPolicy } from '../../../shared/settings.ts';
import type { ObjectMetadata, WriteCondition } from './store.ts';

/** As `x-amz-meta-*`. */
export const metadataNames = {
  token: 'sluice-token',
  origin: 'sluice-origin',
  mtimeMs: 'sluice-mtime',
  sizeBytes: 'sluice-size',
  source: 'sluice-source',
} as const;

export const metadataFields = ({
  token,
  origin,
  mtimeMs,
  sizeBytes,
  source,
}: ObjectMetadata): Record<string, string> => ({
  [metadataNames.token]: token,
  [metadataNames.origin]: origin,
  [metadataNames.mtimeMs]: String(mtimeMs),
  [metadataNames.sizeBytes]: String(sizeBytes),
  ...(source !== undefined && { [metadataNames.source]: source }),
});

export function policyFields({ storageClass, sse }: ObjectPolicy) {
  return {
    ...(storageClass !== null && { StorageClass: storageClass as 'STANDARD' }),
    ...(sse.kind !== 'bucket-default' && { ServerSideEncryption: sse.kind }),
    ...(sse.kind === 'aws:kms' && sse.keyId !== null && { SSEKMSKeyId: sse.keyId }),
  };
}

/** The SDK's fields; each is sent as it stands, so the ETag gets its quotes back. */
export function conditionFields(condition: WriteCondition): { IfNoneMatch?: '*'; IfMatch?: string } {
  if (condition.kind === 'none') return {};
  return condition.kind === 'if-absent' ? { IfNoneMatch: '*' } : { IfMatch: `"${condition.etag}"` };
}

/** ETags go without quotes everywhere inside. */
export const unquoted = (etag: string): string => etag.replace(/^(?:W\/)?"|"$/g, '');

export function numberOrNull(text: string | undefined): number | null {
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}
