import { describe, expect, it } from 'vitest';
import { mayRefuseTrailer, refusedFeature } from '../../../main/engine/plan/refusedFeature.ts';
import { type ErrorDetails, SluiceError } from '../../../shared/errors.ts';

const refusal = (message: string, details: ErrorDetails) => new SluiceError('store-refused', message, details).view();
const both = { condition: true, trailer: true };
const notImplemented = refusal('NotImplemented: A header you provided implies functionality that is not implemented', {
  httpStatus: 501,
  s3Code: 'NotImplemented',
});

describe('a store that refuses what S3 has', () => {
  it('is asked for less: first without the trailer, then without the condition, then believed', () => {
    expect(refusedFeature(notImplemented, both)).toBe('trailer');
    expect(refusedFeature(notImplemented, { condition: true, trailer: false })).toBe('condition');
    expect(refusedFeature(notImplemented, { condition: false, trailer: false })).toBeNull();
  });

  it('is believed when it names the header', () => {
    const named = (message: string) => refusedFeature(refusal(message, { httpStatus: 400 }), both);
    expect(named('InvalidArgument: If-None-Match is not supported')).toBe('condition');
    expect(named('InvalidRequest: x-amz-trailer is unknown')).toBe('trailer');
    expect(named("InvalidArgument: Unsupported header 'x-amz-checksum-crc32' received for this API call.")).toBe(
      'checksum',
    );
  });

  it("isn't blamed for refusing something else, or for being away", () => {
    expect(refusedFeature(refusal('InvalidStorageClass: no', { httpStatus: 400 }), both)).toBeNull();
    expect(refusedFeature(new SluiceError('store-unreachable', 'broke the connection').view(), both)).toBeNull();
    expect(
      refusedFeature(new SluiceError('store-server-error', 'failed', { httpStatus: 500 }).view(), both),
    ).toBeNull();
    // A condition that doesn't hold is no refusal of conditions.
    expect(
      refusedFeature(
        new SluiceError('precondition-failed', 'Somebody else wrote it', { httpStatus: 412 }).view(),
        both,
      ),
    ).toBeNull();
  });
});

describe('the first trailer sent to a store', () => {
  it('is given up for a refusal or a mismatch, not for a throttle or a dead network', () => {
    expect(mayRefuseTrailer(notImplemented)).toBe(true);
    expect(mayRefuseTrailer(new SluiceError('checksum-mismatch', 'other bytes', { httpStatus: 400 }).view())).toBe(
      true,
    );
    expect(mayRefuseTrailer(new SluiceError('wrong-keys', 'no', { httpStatus: 403 }).view())).toBe(true);
    expect(mayRefuseTrailer(new SluiceError('store-throttled', 'slow', { httpStatus: 429 }).view())).toBe(false);
    expect(mayRefuseTrailer(new SluiceError('store-unreachable', 'gone').view())).toBe(false);
  });
});
