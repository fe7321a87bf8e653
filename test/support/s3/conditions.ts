import { S3Error } from './s3Error.ts';
import type { StoredObject } from './storage.ts';

type Header = (name: string) => string | undefined;

/** `If-None-Match: *` and `If-Match` of a write. Throws `PreconditionFailed`, `NoSuchKey`, `NotImplemented`. */
export function checkWriteConditions(header: Header, key: string, current: StoredObject | undefined): void {
  const ifNoneMatch = header('if-none-match');
  const ifMatch = header('if-match');
  if (ifNoneMatch !== undefined && ifMatch !== undefined) throw new S3Error('NotImplemented', { Header: 'If-Match' });
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*') throw new S3Error('NotImplemented', { Header: 'If-None-Match' });
    if (current !== undefined) throw new S3Error('PreconditionFailed', { Condition: 'If-None-Match' });
  }
  if (ifMatch === undefined) return;
  if (current === undefined) throw new S3Error('NoSuchKey', { Key: key });
  if (!matches(ifMatch, current.etag)) throw new S3Error('PreconditionFailed', { Condition: 'If-Match' });
}

/** `If-Match` of DeleteObject: an object that is already gone satisfies it. */
export function checkDeleteCondition(ifMatch: string | undefined, current: StoredObject | undefined): void {
  if (ifMatch === undefined || current === undefined) return;
  if (!matches(ifMatch, current.etag)) throw new S3Error('PreconditionFailed', { Condition: 'If-Match' });
}

/** Of GET and HEAD; with `prefix` `x-amz-copy-source-` of a copy, where every refusal is 412. */
export function checkReadConditions(header: Header, object: StoredObject, prefix = ''): void {
  const modified = Math.floor(Date.parse(object.lastModified) / 1000) * 1000;
  const refuse = (condition: string) => new S3Error('PreconditionFailed', { Condition: condition });
  const ifMatch = header(`${prefix}if-match`);
  if (ifMatch !== undefined && !matches(ifMatch, object.etag)) throw refuse('If-Match');
  const unmodifiedSince = Date.parse(header(`${prefix}if-unmodified-since`) ?? '');
  if (ifMatch === undefined && modified > unmodifiedSince) throw refuse('If-Unmodified-Since');
  const notModified = () => (prefix === '' ? new S3Error('NotModified') : refuse('If-None-Match'));
  const ifNoneMatch = header(`${prefix}if-none-match`);
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, object.etag)) throw notModified();
  const modifiedSince = Date.parse(header(`${prefix}if-modified-since`) ?? '');
  if (ifNoneMatch === undefined && modified <= modifiedSince) throw notModified();
}

function matches(list: string, etag: string): boolean {
  return list.split(',').some((each) => {
    const name = each.trim().replace(/^W\//, '').replace(/^"|"$/g, '');
    return name === '*' || name === etag;
  });
}
