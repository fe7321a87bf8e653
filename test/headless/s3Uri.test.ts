import { describe, expect, it } from 'vitest';
import { parseS3Uri } from '../../main/headless/s3Uri.ts';

describe('an S3 address', () => {
  it.each([
    ['s3://bucket', 'bucket', ''],
    ['s3://bucket/', 'bucket', ''],
    ['s3://bucket/photos', 'bucket', 'photos/'],
    ['s3://bucket/photos/2026/', 'bucket', 'photos/2026/'],
    ['s3://my.dotted-bucket/Ünïcode und Raum', 'my.dotted-bucket', 'Ünïcode und Raum/'],
  ])('%s', (uri, bucket, prefix) => {
    expect(parseS3Uri(uri)).toEqual({ bucket, prefix });
  });

  it.each([
    '',
    'bucket',
    's3:',
    's3:/bucket',
    's3://',
    's3:///x',
    'https://bucket',
    's3://ab',
    's3://bu cket',
    's3://bucket//x',
    's3://-a-',
  ])('refuses %j before anything is touched', (uri) => {
    expect(() => parseS3Uri(uri)).toThrow(expect.objectContaining({ code: 'bad-uri' }));
  });
});
