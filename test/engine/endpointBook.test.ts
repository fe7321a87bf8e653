import { describe, expect, it } from 'vitest';
import { createEndpointBook } from '../../main/engine/endpointBook.ts';
import { StoreConnection } from '../../shared/settings.ts';

const day = 24 * 3_600_000;

function world(settings = new Map<string, unknown>()) {
  let nowMs = 1_000_000;
  const ledger = {
    setting: (key: string) => settings.get(key),
    setSetting: (key: string, value: unknown) => void settings.set(key, JSON.parse(JSON.stringify(value))),
  };
  const of = (endpointUrl: string | null) =>
    createEndpointBook(ledger, { now: () => nowMs }).of(StoreConnection.parse({ endpointUrl }));
  return {
    settings,
    of,
    later: (ms: number) => {
      nowMs += ms;
    },
  };
}
const local = 'http://127.0.0.1:9000';

describe('trailers at a store that nobody knows', () => {
  it('are tried with one part at a time, once a checksum in the header was confirmed, and remembered', () => {
    const { of, settings, later } = world();
    const endpoint = of(local);
    const first = endpoint.partPlacement();
    expect(first).toEqual({ placement: 'header', explores: false });
    expect(endpoint.partStored(first, true)).toBe(true);
    const second = endpoint.partPlacement();
    expect(second).toEqual({ placement: 'trailer', explores: true });
    expect(endpoint.partPlacement().placement).toBe('header');
    expect(endpoint.placement()).toBe('header');
    expect(endpoint.partStored(second, true)).toBe(true);
    expect(endpoint.partPlacement()).toEqual({ placement: 'trailer', explores: false });
    expect(of(local).placement()).toBe('trailer');
    later(31 * day);
    expect(world(settings).of('http://127.0.0.1:9001').placement()).toBe('header');
    expect(of(local).placement()).toBe('header');
  });

  it('are never learnt from a store that repeats no checksum: nobody knows what it stored', () => {
    const endpoint = world().of(local);
    for (let i = 0; i < 20; i++) {
      const part = endpoint.partPlacement();
      expect(part.placement).toBe('header');
      endpoint.partStored(part, false);
    }
    // It repeated the header's and not the trailer's.
    endpoint.partStored(endpoint.partPlacement(), true);
    const trying = endpoint.partPlacement();
    expect(trying.placement).toBe('trailer');
    expect(endpoint.partStored(trying, false)).toBe(false);
    expect(endpoint.partPlacement().placement).toBe('header');
    expect(endpoint.placement()).toBe('header');
  });

  it('are not tried again for 30 days when refused, and at once when only the network broke', () => {
    const { of, later } = world();
    const endpoint = of(local);
    endpoint.partStored(endpoint.partPlacement(), true);
    endpoint.partFailed(endpoint.partPlacement(), false);
    const again = endpoint.partPlacement();
    expect(again.explores).toBe(true);
    endpoint.partFailed(again, true);
    expect(endpoint.partPlacement().placement).toBe('header');
    later(29 * day);
    const reopened = of(local);
    reopened.partStored(reopened.partPlacement(), true);
    expect(reopened.partPlacement().placement).toBe('header');
    later(2 * day);
    const fresh = of(local);
    fresh.partStored(fresh.partPlacement(), true);
    expect(fresh.partPlacement().placement).toBe('trailer');
  });

  it('are never sent where the payload is signed', () => {
    const endpoint = world().of('http://store.example');
    endpoint.learn({ trailers: true });
    expect(endpoint.placement()).toBe('header');
    expect(endpoint.partPlacement().placement).toBe('header');
  });
});

describe('what is known of an endpoint', () => {
  it('starts from its host name', () => {
    const { of } = world();
    expect(of(null).capabilities().provider).toBe('aws');
    expect(of(null).placement()).toBe('trailer');
    expect(of('https://abc.r2.cloudflarestorage.com').capabilities().checksums[0]).toBe('crc64nvme');
    expect(of('https://s3.eu-central-003.backblazeb2.com').capabilities().conditionalPut).toBe(false);
    expect(of(local).capabilities().provider).toBe('generic');
  });

  it("is told by what it says of itself only where the host doesn't", () => {
    const { of } = world();
    of(local).recognised('versitygw');
    of(null).recognised('minio');
    of(local).recognised(null);
    expect(of(local).capabilities().provider).toBe('versitygw');
    expect(of(null).capabilities().provider).toBe('aws');
  });

  it('outlives the run, and what is kept of it in a form that nobody can read is learnt anew', () => {
    const { of, settings } = world();
    of(local).learn({ conditionalPut: false, provider: 'minio' });
    expect(of(local).capabilities()).toMatchObject({
      provider: 'minio',
      conditionalPut: false,
      conditionalComplete: true,
    });
    settings.set(`endpoint:${local}`, { at: 'yesterday', conditionalPut: 7 });
    expect(of(local).capabilities()).toMatchObject({ provider: 'generic', conditionalPut: true });
  });

  it('never runs out of checksums: the last one is not given up', () => {
    const endpoint = world().of(local);
    expect(endpoint.refuseChecksum('crc32')).toBe(true);
    expect(endpoint.capabilities().checksums).toEqual(['crc64nvme', 'crc32c', 'sha256']);
    expect(endpoint.refuseChecksum('crc64nvme')).toBe(true);
    expect(endpoint.refuseChecksum('crc32c')).toBe(true);
    expect(endpoint.refuseChecksum('sha256')).toBe(false);
    expect(endpoint.capabilities().checksums).toEqual(['sha256']);
  });
});
