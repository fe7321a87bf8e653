import { SluiceError } from '../../shared/errors.ts';
import { BucketName } from '../../shared/settings.ts';

export interface S3Location {
  readonly bucket: string;
  /** Ends with `/` unless empty. */
  readonly prefix: string;
}

/** `s3://bucket[/prefix]`; the prefix is a folder, with or without its last slash. Throws `bad-uri`. */
export function parseS3Uri(text: string): S3Location {
  const match = /^s3:\/\/([^/]*)(?:\/(.*))?$/s.exec(text);
  if (!match) throw new SluiceError('bad-uri', `'${text}' is not an S3 address`);
  const bucket = match[1] ?? '';
  const prefix = match[2] ?? '';
  if (bucket === '') throw new SluiceError('bad-uri', `'${text}' names no bucket`);
  if (!BucketName.safeParse(bucket).success) {
    throw new SluiceError('bad-uri', `'${bucket}' cannot be the name of a bucket`);
  }
  if (prefix.startsWith('/')) throw new SluiceError('bad-uri', `'${text}' has an empty folder name in its prefix`);
  return { bucket, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
}

export const formatS3Uri = ({ bucket, prefix }: S3Location): string => `s3://${bucket}/${prefix}`;
