import type { ListMultipartUploadsOutput } from '@aws-sdk/client-s3';
import { SluiceError } from '../../../shared/errors.ts';
import { asS3UploadId } from '../../../shared/ids.ts';
import { listedKey } from './listedKey.ts';
import type { ListedUpload } from './store.ts';

/** Where a page begins, and how its keys shall be written. */
export interface UploadsPageRequest {
  readonly KeyMarker: string | undefined;
  readonly UploadIdMarker: string | undefined;
  readonly EncodingType: 'url' | undefined;
}

/** Every upload of every page that `ask` gets. Throws `store-server-error` when a page leads to itself. */
export async function* listUploads(
  ask: (request: UploadsPageRequest) => Promise<ListMultipartUploadsOutput>,
): AsyncGenerator<ListedUpload> {
  let EncodingType: 'url' | undefined = 'url';
  let KeyMarker: string | undefined;
  let UploadIdMarker: string | undefined;
  do {
    const marker = { KeyMarker, UploadIdMarker };
    let page = await ask({ ...marker, EncodingType });
    // Ceph encodes without saying so, other stores neither do it nor say so: asked without the wish, all write keys as they are
    if (EncodingType !== undefined && page.EncodingType === undefined && page.Uploads?.some(mayBeEncoded)) {
      EncodingType = undefined;
      page = await ask({ ...marker, EncodingType });
    }
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined) continue;
      yield {
        key: listedKey(Key, page.EncodingType),
        uploadId: asS3UploadId(UploadId),
        initiatedAtMs: Initiated?.getTime() ?? 0,
      };
    }
    if (!page.IsTruncated) return;
    KeyMarker = page.NextKeyMarker && listedKey(page.NextKeyMarker, page.EncodingType);
    UploadIdMarker = page.NextUploadIdMarker;
    if (KeyMarker === marker.KeyMarker && UploadIdMarker === marker.UploadIdMarker)
      throw new SluiceError('store-server-error', "The store's answer to ListMultipartUploads has no next page", {
        operation: 'ListMultipartUploads',
      });
  } while (KeyMarker !== undefined);
}

const mayBeEncoded = ({ Key = '' }: { readonly Key?: string | undefined }): boolean => /[%+]/.test(Key);
