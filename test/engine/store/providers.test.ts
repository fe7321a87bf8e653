import { describe, expect, it } from 'vitest';
import { capabilitiesOf, capabilitiesText, checksumFor } from '../../../main/engine/store/capabilities.ts';
import { profileOf, providerOfAnswer, providerOfHost } from '../../../main/engine/store/providers/detectProvider.ts';

describe('a store is recognised', () => {
  it.each([
    [null, 'aws'],
    ['s3.eu-central-1.amazonaws.com', 'aws'],
    ['bucket.s3-accelerate.amazonaws.com', 'aws'],
    ['s3.cn-north-1.amazonaws.com.cn', 'aws'],
    ['abc.r2.cloudflarestorage.com', 'r2'],
    ['abc.eu.r2.cloudflarestorage.com', 'r2'],
    ['s3.us-west-004.backblazeb2.com', 'b2'],
    ['s3.eu-central-1.wasabisys.com', 'wasabi'],
    ['notamazonaws.com', null],
    ['amazonaws.com.example.org', null],
    ['127.0.0.1', null],
  ])('by its host %s', (host, provider) => {
    expect(providerOfHost(host)).toBe(provider);
  });

  it.each([
    ['AmazonS3', 'aws'],
    ['MinIO', 'minio'],
    ['MinIO/RELEASE.2025-01-20', 'minio'],
    ['WasabiS3/7.20.4410', 'wasabi'],
    ['VERSITYGW', 'versitygw'],
    ['Ceph Object Gateway (squid)', 'ceph'],
    ['nginx', null],
    ['cloudflare', null],
  ])('by its answer, which says %s', (server, provider) => {
    expect(providerOfAnswer({ server })).toBe(provider);
  });

  it('by nothing, when it says nothing', () => {
    expect(providerOfAnswer({})).toBeNull();
  });
});

describe('the checksum of a store', () => {
  it('is its best unless the user orders one', () => {
    const r2 = capabilitiesOf(profileOf('r2'), {});
    expect(checksumFor('auto', r2)).toBe('crc64nvme');
    expect(checksumFor('sha256', r2)).toBe('sha256');
    expect(checksumFor('auto', capabilitiesOf(profileOf('aws'), {}))).toBe('crc32');
    expect(checksumFor('auto', capabilitiesOf(profileOf('generic'), { refusedChecksums: ['crc32'] }))).toBe(
      'crc64nvme',
    );
  });
});

describe('what a store can do', () => {
  it('is said in one line', () => {
    expect(capabilitiesText(capabilitiesOf(profileOf('aws'), {}))).toBe(
      'AWS S3: checksums crc32, crc64nvme, crc32c, sha256 (whole-object crc32, crc64nvme, crc32c); conditional writes; trailing checksums; objects up to 45.5 TiB',
    );
    expect(capabilitiesText(capabilitiesOf(profileOf('b2'), {}))).toContain('no conditional writes; no trailing');
  });
});
