/** How S3 charges a request: PUT, COPY, POST and LIST; GET, HEAD and the rest; DELETE and abort are free (https://aws.amazon.com/s3/pricing/). */
export type RequestClass = 'write' | 'read' | 'free';

export function requestClass(operation: string): RequestClass {
  if (/^(?:Delete|Abort)/.test(operation)) return 'free';
  return /^(?:Put|Upload|Create|Complete|Copy|List|Post|Restore)/.test(operation) ? 'write' : 'read';
}

/** What is charged as STANDARD until the object is put together, whichever class it is for (S3's pricing FAQ on multipart uploads to archives). */
export const chargedAsStandard = (operation: string): boolean =>
  !/^(?:PutObject|CompleteMultipartUpload|CopyObject)$/.test(operation);
