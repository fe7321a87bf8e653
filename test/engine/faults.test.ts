import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness } from '../support/engineHarness.ts';

const options = { settings: { partSizeBytes: 5 * MiB } };
const seed = Number(process.env.SLUICE_SEED ?? 7);

let harness: Harness;
beforeEach(async () => {
  harness = await openHarness(seed);
});
afterEach(() => harness.close());

async function someFiles(): Promise<void> {
  for (let i = 0; i < 150; i++) await harness.write(`d${i % 5}/f${i}`, randomBytes(100 + i * 40));
  for (let i = 0; i < 3; i++) await harness.write(`large ${i}`, randomBytes(17 * MiB + i));
}

describe('on a bad network', () => {
  it('resets, SlowDown, 500s, lost answers, cut answers and flipped bits cost retries, never a byte', async () => {
    await someFiles();
    const data = /PutObject|UploadPart|CompleteMultipartUpload|CreateMultipartUpload|HeadObject/;
    harness.break(
      { match: { operation: data, probability: 0.04 }, fault: { kind: 'resetBeforeRequest' } },
      { match: { operation: data, probability: 0.04 }, fault: { kind: 'status', code: 503 } },
      { match: { operation: data, probability: 0.04 }, fault: { kind: 'status', code: 500 } },
      { match: { operation: data, probability: 0.03 }, fault: { kind: 'loseResponse' } },
      { match: { operation: data, probability: 0.03 }, fault: { kind: 'truncateResponse' } },
      { match: { operation: /PutObject|UploadPart/, probability: 0.04 }, fault: { kind: 'corruptBody' } },
      { match: { operation: /UploadPart/, probability: 0.1 }, fault: { kind: 'resetAfterBytes', bytes: 1 * MiB } },
    );
    const summary = await harness.pass({ options });
    expect(summary, `seed ${seed}`).toMatchObject({ exitCode: 0, filesUploaded: 153, filesFailed: 0 });
    expect(summary.retries).toBeGreaterThan(0);
    expect(await harness.differences()).toEqual([]);
    harness.mend();
    await harness.pass({ options });
    expect(harness.server.openUploads(bucket), `seed ${seed}`).toEqual([]);
  });

  it('a Complete whose answer was lost is found done, not sent again', async () => {
    await harness.write('large', randomBytes(17 * MiB));
    harness.break({ match: { operation: /CompleteMultipartUpload/, times: 1 }, fault: { kind: 'loseResponse' } });
    expect(await harness.pass({ options })).toMatchObject({ exitCode: 0, filesUploaded: 1 });
    expect(harness.server.counts()).toMatchObject({ CreateMultipartUpload: 1, UploadPart: 4 });
    expect(await harness.differences()).toEqual([]);
  });

  it('an error inside a 200 is an error, and Complete is tried again', async () => {
    await harness.write('large', randomBytes(17 * MiB));
    harness.break({ match: { operation: /CompleteMultipartUpload/, times: 1 }, fault: { kind: 'errorIn200' } });
    expect(await harness.pass({ options })).toMatchObject({ exitCode: 0, filesUploaded: 1 });
    expect(harness.server.counts()).toMatchObject({ CreateMultipartUpload: 1, UploadPart: 4 });
    expect(await harness.differences()).toEqual([]);
  });

  it('an upload that S3 created without our hearing of it is swept, a foreign one is left alone', async () => {
    await harness.write('large', randomBytes(17 * MiB));
    harness.break({ match: { operation: /CreateMultipartUpload/, times: 7 }, fault: { kind: 'loseResponse' } });
    const { S3Client, CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3');
    const { endpoint, region, accessKeyId, secretAccessKey } = harness.server;
    const other = new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
    });
    await other.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'somebody else/large' }));
    other.destroy();
    expect(await harness.pass({ options })).toMatchObject({ exitCode: 0 });
    expect(harness.server.counts().CreateMultipartUpload).toBeGreaterThanOrEqual(8);
    expect(harness.server.openUploads(bucket).map(({ key }) => key)).toEqual(['somebody else/large']);
  });

  it('a store that is away for a while fails no file', async () => {
    await someFiles();
    const running = harness.pass({ options });
    await sleep(700);
    harness.break({ fault: { kind: 'resetBeforeRequest' } });
    await sleep(3000);
    harness.mend();
    expect(await running).toMatchObject({ exitCode: 0, filesFailed: 0, filesUploaded: 153 });
    expect(await harness.differences()).toEqual([]);
  });

  it('a store that stays away ends the run with its reason, and the next run goes on', async () => {
    await someFiles();
    const running = harness.pass({ options: { ...options, storePatienceMs: 1000 } });
    running.catch(() => undefined);
    await sleep(500);
    harness.break({ fault: { kind: 'resetBeforeRequest' } });
    await expect(running).rejects.toMatchObject({ code: 'store-unreachable' });
    harness.mend();
    const before = harness.server.listKeys(bucket).length;
    const summary = await harness.pass({ options });
    expect(summary).toMatchObject({ exitCode: 0, filesFailed: 0 });
    expect(summary.filesUploaded).toBeLessThanOrEqual(153 - before + 48);
    expect(await harness.differences()).toEqual([]);
    expect(harness.server.openUploads(bucket)).toEqual([]);
  });
});
