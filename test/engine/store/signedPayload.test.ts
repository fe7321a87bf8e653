import { createHash } from 'node:crypto';
import { lookup as dnsLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { asObjectKey } from '../../../shared/ids.ts';
import { startS3Server } from '../../support/s3/server.ts';
import { bodyOf, crc32Of, failure, metadata, openStore, policy, streamBody } from './testStore.ts';

// a host of another machine, as far as the store can tell
vi.mock('../../../main/engine/store/localhostLookup.ts', () => {
  const lookup: LookupFunction = (_hostname, options, callback) => dnsLookup('127.0.0.1', options, callback);
  return { lookup };
});

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function plainHttp(host: string, pathStyle: boolean) {
  const server = await startS3Server({ buckets: ['photos'], virtualHostSuffix: host });
  const { store } = openStore(`http://${host}:${server.port}`, {
    bucket: 'photos',
    connection: { pathStyle },
    credentials: async () => ({ accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey }),
  });
  closers.push(
    () => server.close(),
    () => store.close(),
  );
  return { server, store };
}
const key = asObjectKey('a b/ü+');

describe('plain HTTP over a network', () => {
  it.each([true, false])('signs the payload with the hash it was given (path style: %s)', async (pathStyle) => {
    const { server, store } = await plainHttp('store.lan', pathStyle);
    const bytes = Buffer.from('hello');
    expect(store.signsPayload).toBe(true);
    await store.putObject({ key, body: bodyOf(bytes), policy, metadata });
    await store.putObject({
      key: asObjectKey('stream'),
      body: {
        ...streamBody(Readable.from([bytes]), bytes.length, crc32Of(bytes)),
        sha256Hex: createHash('sha256').update(bytes).digest('hex'),
      },
      policy,
      metadata,
    });
    expect(await server.readObject('photos', key)).toEqual(bytes);
    expect(await server.readObject('photos', 'stream')).toEqual(bytes);
  });

  it('refuses to send without a hash, and the server a wrong one', async () => {
    const { store } = await plainHttp('store.lan', true);
    const bytes = Buffer.from('hello');
    const { sha256Hex: _, ...unhashed } = bodyOf(bytes);
    expect((await failure(store.putObject({ key, body: unhashed, policy, metadata }))).code).toBe('internal');
    const wrong = { ...bodyOf(bytes), sha256Hex: '0'.repeat(64) };
    expect((await failure(store.putObject({ key, body: wrong, policy, metadata }))).code).toBe('checksum-mismatch');
  });

  it('a host of this machine needs no such hash, in virtual-host style too', async () => {
    const { server, store } = await plainHttp('s3.localhost', false);
    expect(store.signsPayload).toBe(false);
    const { sha256Hex: _, ...unhashed } = bodyOf(Buffer.from('hello'));
    await store.putObject({ key, body: unhashed, policy, metadata });
    expect((await server.readObject('photos', key)).toString()).toBe('hello');
  });
});
