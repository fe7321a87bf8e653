import type { ChecksumAlgorithm } from '../../../shared/settings.ts';
import type { UploadContext } from './uploadContext.ts';

/** false: there is no other to try, or the user ordered this one. */
export function learnRefused({ endpoint, settings }: UploadContext, algorithm: ChecksumAlgorithm): boolean {
  return settings().checksum === 'auto' && endpoint.refuseChecksum(algorithm);
}
