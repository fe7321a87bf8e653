import { describe, expect, it } from 'vitest';
import { resolveEndpoint } from '../../../main/engine/store/endpoint.ts';
import { StoreConnection } from '../../../shared/settings.ts';

const at = (endpointUrl: string | null, more: Partial<StoreConnection> = {}) =>
  resolveEndpoint({ ...StoreConnection.parse({}), endpointUrl, ...more });

describe('what an endpoint means', () => {
  it.each([
    ['https://minio.lan', { tls: true, loopback: false, pathStyle: false, signsPayload: false }],
    ['http://minio.lan:9000', { tls: false, loopback: false, pathStyle: false, signsPayload: true }],
    ['http://10.0.0.7:9000', { pathStyle: true, signsPayload: true }],
    ['http://[fd00::7]:9000', { pathStyle: true, signsPayload: true }],
    ['http://127.0.0.1:9000', { loopback: true, pathStyle: true, signsPayload: false }],
    ['http://[::1]:9000', { loopback: true, pathStyle: true, signsPayload: false }],
    ['http://localhost:9000', { loopback: true, pathStyle: true, signsPayload: false }],
    ['http://s3.localhost:9000', { loopback: true, pathStyle: false, signsPayload: false }],
    ['http://127.evil.example', { loopback: false, signsPayload: true }],
    ['http://localhost.evil.example', { loopback: false, signsPayload: true }],
    [null, { url: null, tls: true, pathStyle: false, signsPayload: false }],
  ])('%s', (url, expected) => {
    expect(at(url)).toMatchObject(expected);
  });

  it('a certificate goes unchecked on this machine only', () => {
    expect(at('https://127.0.0.1:9000', { verifyTls: false }).loopback).toBe(true);
    for (const url of [null, 'https://minio.lan', 'https://localhost.evil.example']) {
      expect(() => at(url, { verifyTls: false })).toThrow(expect.objectContaining({ code: 'bad-settings' }));
    }
  });

  it('keys in the URL are refused, and not repeated', () => {
    try {
      at('https://user:s3cret@minio.lan');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'bad-settings' });
      expect(String(error)).not.toContain('s3cret');
    }
  });
});
