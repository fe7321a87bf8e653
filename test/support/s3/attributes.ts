import { S3Error } from './s3Error.ts';

const kept = [
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-language',
  'cache-control',
  'expires',
  'x-amz-website-redirect-location',
];
const storageClasses = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
  'EXPRESS_ONEZONE',
];
const maxMetadataBytes = 2048;

/** The headers that stay with an object. Throws `MetadataTooLarge`, `InvalidStorageClass`, `InvalidEncryptionAlgorithmError`. */
export function attributesOf(headers: ReadonlyMap<string, readonly string[]>): Record<string, string> {
  const found: Record<string, string> = {};
  let metadataBytes = 0;
  for (const [name, values] of headers) {
    const value = values.join(',');
    if (name.startsWith('x-amz-meta-')) {
      metadataBytes += name.length - 'x-amz-meta-'.length + value.length;
      found[name] = value;
    } else if (kept.includes(name)) found[name] = value;
  }
  if (metadataBytes > maxMetadataBytes)
    throw new S3Error('MetadataTooLarge', { Size: metadataBytes, MaxSizeAllowed: maxMetadataBytes });
  keepContentEncoding(found);
  found['content-type'] ??= 'binary/octet-stream';

  const storageClass = headers.get('x-amz-storage-class')?.[0];
  if (storageClass !== undefined && !storageClasses.includes(storageClass))
    throw new S3Error('InvalidStorageClass', { StorageClassRequested: storageClass });
  if (storageClass !== undefined && storageClass !== 'STANDARD') found['x-amz-storage-class'] = storageClass;
  Object.assign(found, encryptionOf(headers));
  return found;
}

/** The encryption headers that S3 repeats in answers to writes. */
export function encryptionHeaders(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).filter(([name]) => name.startsWith('x-amz-server-side-encryption')),
  );
}

function encryptionOf(headers: ReadonlyMap<string, readonly string[]>): Record<string, string> {
  const algorithm = headers.get('x-amz-server-side-encryption')?.[0];
  const keyId = headers.get('x-amz-server-side-encryption-aws-kms-key-id')?.[0];
  if (algorithm !== undefined && !['AES256', 'aws:kms', 'aws:kms:dsse'].includes(algorithm))
    throw new S3Error('InvalidEncryptionAlgorithmError', {
      ArgumentName: 'x-amz-server-side-encryption',
      ArgumentValue: algorithm,
    });
  if (keyId !== undefined && !algorithm?.startsWith('aws:kms'))
    throw new S3Error(
      'InvalidArgument',
      { ArgumentName: 'x-amz-server-side-encryption', ArgumentValue: algorithm ?? 'null' },
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
    );
  // S3 encrypts everything with AES256 when nothing else is said.
  const found: Record<string, string> = { 'x-amz-server-side-encryption': algorithm ?? 'AES256' };
  if (algorithm?.startsWith('aws:kms'))
    found['x-amz-server-side-encryption-aws-kms-key-id'] = keyId ?? 'arn:aws:kms:us-east-1:000000000000:key/aws-s3';
  return found;
}

function keepContentEncoding(found: Record<string, string>): void {
  const encoding = found['content-encoding'];
  if (encoding === undefined) return;
  const rest = encoding
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== 'aws-chunked' && each !== '');
  if (rest.length === 0) delete found['content-encoding'];
  else found['content-encoding'] = rest.join(',');
}
