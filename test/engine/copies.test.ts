import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileEvent } from '../../shared/events.ts';
import { KiB, MiB } from '../../shared/units.ts';
import { bucket, type Harness, openHarness, prefix } from '../support/engineHarness.ts';

let harness: Harness;
/** Somebody else, who writes into the same bucket. */
let other: S3Client;
beforeEach(async () => {
  harness = await openHarness();
  const { endpoint, region, accessKeyId, secretAccessKey } = harness.server;
  other = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true });
});
afterEach(async () => {
  other.destroy();
  await harness.close();
});

const theyPut = (path: string, Body: string) =>
  other.send(new PutObjectCommand({ Bucket: bucket, Key: prefix + path, Body }));
const theyDelete = (path: string) => other.send(new DeleteObjectCommand({ Bucket: bucket, Key: prefix + path }));

const at = (path: string): string => join(harness.root, path);
const read = (path: string) => harness.server.readObject(bucket, prefix + path);
const copies = (): FileEvent[] =>
  harness.events.filter((event): event is FileEvent => event.type === 'file' && event.action === 'copy');
const mirror = { deletes: { kind: 'mirror', limit: { kind: 'percent', percent: 100 }, holdMs: 0 } } as const;

describe('a rename', () => {
  it('of a folder of 1,000 files sends no byte of content, and a mirror deletes the old names afterwards', async () => {
    const contents = new Map<string, Buffer>();
    await mkdir(at('old/deep'), { recursive: true });
    for (let i = 0; i < 1000; i++) {
      const name = `${i % 10 === 0 ? 'deep/' : ''}f ${i}+ü%.txt`;
      contents.set(name, randomBytes(50 + i));
      await writeFile(at(`old/${name}`), contents.get(name)!);
    }
    expect(await harness.pass({ folder: mirror })).toMatchObject({ filesUploaded: 1000, exitCode: 0 });
    await rename(at('old'), at('new'));
    const summary = await harness.pass({ folder: mirror });
    expect(summary).toMatchObject({
      filesCopied: 1000,
      filesUploaded: 0,
      filesUnchanged: 0,
      filesDeleted: 1000,
      bytesUploaded: 0,
      bytesSent: 0,
      exitCode: 0,
    });
    expect(summary.requests).toMatchObject({ CopyObject: 1000 });
    expect(summary.requests.PutObject).toBeUndefined();
    expect(await harness.differences()).toEqual([]);
    for (const [name, content] of contents) expect((await read(`new/${name}`)).equals(content)).toBe(true);
    // The copies are proven like uploads: nothing is left to do, and they can be copied in their turn.
    expect(await harness.pass({ folder: mirror })).toMatchObject({ filesUnchanged: 1000, requests: { HeadBucket: 1 } });
    await rename(at('new/deep'), at('deeper'));
    expect(await harness.pass({ folder: mirror })).toMatchObject({ filesCopied: 100, bytesSent: 0 });
  });

  it('keeps the policy, token and time of the new name, not those of the old object', async () => {
    await harness.write('a', 'content');
    await harness.pass();
    await rename(at('a'), at('b'));
    await harness.pass({
      folder: { objects: { storageClass: 'STANDARD_IA', sse: { kind: 'AES256' }, foreign: 'keep' } },
    });
    const key = (name: string) => other.send(new HeadObjectCommand({ Bucket: bucket, Key: prefix + name }));
    const [before, after] = await Promise.all([key('a'), key('b')]);
    expect(after).toMatchObject({ StorageClass: 'STANDARD_IA', ServerSideEncryption: 'AES256' });
    expect(after.Metadata?.['sluice-origin']).toBe(before.Metadata?.['sluice-origin']);
    expect(after.Metadata?.['sluice-mtime']).toBe(before.Metadata?.['sluice-mtime']);
    expect(after.Metadata?.['sluice-token']).not.toBe(before.Metadata?.['sluice-token']);
    const engine = await harness.open();
    const folderId = await harness.folder(engine);
    const report = await engine.api.verifyFolder({ folderId, deep: true });
    expect(report).toMatchObject({ ok: true, filesChecked: 1, bytesReread: 7 });
    expect(copies()).toMatchObject([{ path: 'b', bytes: 0, parts: 1 }]);
  });

  it('of a file that was edited on the way is an upload', async () => {
    await harness.write('a', randomBytes(200));
    await harness.pass();
    await rename(at('a'), at('b'));
    await writeFile(at('b'), randomBytes(200));
    expect(await harness.pass()).toMatchObject({ filesCopied: 0, filesUploaded: 1 });
    expect((await harness.differences()).filter((key) => !key.endsWith('(extra)'))).toEqual([]);
  });

  it('of a file whose bytes changed behind a restored time is found out by its checksum', async () => {
    const when = new Date(1_700_000_000_000);
    await harness.write('a', 'first!');
    await utimes(at('a'), when, when);
    await harness.pass();
    await rename(at('a'), at('b'));
    await writeFile(at('b'), 'second');
    await utimes(at('b'), when, when);
    expect(await harness.pass()).toMatchObject({ filesCopied: 0, filesUploaded: 1 });
    expect((await read('b')).toString()).toBe('second');
  });

  it('of a file above CopyObject’s limit is copied in parts; a part that can’t be copied is sent', async () => {
    const content = randomBytes(16 * MiB + 5);
    await harness.write('a', content);
    const options = { settings: { partSizeBytes: 5 * MiB }, copyObjectLimitBytes: 8 * MiB };
    await harness.pass({ options });
    await rename(at('a'), at('b'));
    const copied = await harness.pass({ options });
    expect(copied).toMatchObject({ filesCopied: 1, filesUploaded: 0, bytesSent: 0, exitCode: 0 });
    expect(copied.requests).toMatchObject({ UploadPartCopy: 4, CompleteMultipartUpload: 1 });
    expect((await read('b')).equals(content)).toBe(true);
    expect(copies()).toMatchObject([{ path: 'b', parts: 4 }]);

    await rename(at('b'), at('c'));
    harness.break({ match: { operation: /UploadPartCopy/, nth: 3 }, fault: { kind: 'status', code: 409 } });
    const partly = await harness.pass({ options });
    expect(partly).toMatchObject({ filesUploaded: 1, filesFailed: 0 });
    expect(partly.requests.UploadPart).toBeGreaterThan(0);
    expect((await read('c')).equals(content)).toBe(true);
    expect(harness.server.openUploads(bucket)).toEqual([]);
  });
});

describe('bytes the bucket has already', () => {
  it('are copied under any name, at any time, from 8 MiB on; and small ones with their time or name', async () => {
    const large = randomBytes(9 * MiB);
    const small = randomBytes(100 * KiB);
    await harness.write('large', large);
    await harness.write('one/small', small);
    await harness.write('one/tiny', 'tiny');
    await harness.pass();
    await harness.write('another name', large);
    await mkdir(at('two'));
    await copyFile(at('one/small'), at('two/small'));
    await copyFile(at('one/tiny'), at('two/tiny'));
    const summary = await harness.pass();
    expect(summary).toMatchObject({ filesCopied: 2, filesUploaded: 1, bytesUploaded: 4 });
    expect(await harness.differences()).toEqual([]);
  });

  it('are not taken for those of a file that is only as large', async () => {
    await harness.write('a', randomBytes(9 * MiB));
    await harness.pass();
    await harness.write('b', randomBytes(9 * MiB));
    expect(await harness.pass()).toMatchObject({ filesCopied: 0, filesUploaded: 1 });
    expect(await harness.differences()).toEqual([]);
  });
});

describe('when a copy goes wrong', () => {
  it('one whose answer was lost is found done, by its token', async () => {
    await harness.write('a', 'content');
    await harness.pass();
    await rename(at('a'), at('b'));
    harness.break({ match: { operation: /CopyObject/, times: 1 }, fault: { kind: 'loseResponse' } });
    expect(await harness.pass()).toMatchObject({ filesCopied: 1, filesUploaded: 0, bytesSent: 0, exitCode: 0 });
    expect((await read('b')).toString()).toBe('content');
  });

  it('errors inside a 200, 503s and resets cost another try, or an upload, never the file', async () => {
    for (let n = 0; n < 40; n++) await harness.write(`a/${n}`, randomBytes(1000));
    await harness.pass();
    await rename(at('a'), at('b'));
    harness.break(
      { match: { operation: /CopyObject/, probability: 0.1 }, fault: { kind: 'errorIn200' } },
      { match: { operation: /CopyObject/, probability: 0.1 }, fault: { kind: 'errorIn200', afterEffect: true } },
      { match: { operation: /CopyObject/, probability: 0.1 }, fault: { kind: 'status', code: 500 } },
      { match: { operation: /CopyObject/, probability: 0.1 }, fault: { kind: 'truncateResponse' } },
      { match: { operation: /CopyObject/, probability: 0.1 }, fault: { kind: 'resetBeforeRequest' } },
    );
    const summary = await harness.pass();
    expect(summary).toMatchObject({ filesFailed: 0, exitCode: 0 });
    expect((await harness.differences()).filter((key) => !key.endsWith('(extra)'))).toEqual([]);
  });

  it('a source that was changed or deleted by others is uploaded from here', async () => {
    await harness.write('a', 'aaaa');
    await harness.write('b', 'bbbb');
    await harness.pass();
    await theyDelete('a');
    await theyPut('b', 'others');
    await rename(at('a'), at('a2'));
    await rename(at('b'), at('b2'));
    expect(await harness.pass()).toMatchObject({ filesCopied: 0, filesUploaded: 2, exitCode: 0 });
    expect((await read('a2')).toString()).toBe('aaaa');
    expect((await read('b2')).toString()).toBe('bbbb');
    expect((await read('b')).toString()).toBe('others');
  });

  it('never writes over an object that somebody else put under the new name', async () => {
    await harness.write('a', 'ours');
    await harness.pass();
    await theyPut('b', 'theirs');
    await rename(at('a'), at('b'));
    expect(await harness.pass()).toMatchObject({ filesCopied: 0, filesFailed: 1, exitCode: 1 });
    expect((await read('b')).toString()).toBe('theirs');
  });
});

it('after random renames, copies and edits a mirror’s bucket is the disk, and one that never deletes holds at least the disk', async () => {
  const step = fc.oneof(
    fc.record({ does: fc.constant('rename' as const), from: fc.nat(5), to: fc.nat(8) }),
    fc.record({ does: fc.constant('rename-folder' as const), from: fc.nat(1), to: fc.nat(1) }),
    fc.record({ does: fc.constant('copy' as const), from: fc.nat(5), to: fc.nat(8) }),
    fc.record({ does: fc.constant('edit' as const), from: fc.nat(5), to: fc.nat(8) }),
    fc.record({ does: fc.constant('swap' as const), from: fc.nat(5), to: fc.nat(5) }),
  );
  const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(rounds, fc.boolean(), async (changes, deletes) => {
      const place = await openHarness();
      try {
        const path = (n: number): string => join(place.root, n % 2 === 0 ? 'even' : 'odd', `f${n}`);
        for (let n = 0; n < 6; n++) await place.write(`${n % 2 === 0 ? 'even' : 'odd'}/f${n}`, randomBytes(70 * KiB));
        const folder = deletes ? mirror : {};
        await place.pass({ folder });
        for (const round of changes) {
          for (const { does, from, to } of round) await change(place.root, path, does, from, to).catch(() => undefined);
          expect(await place.pass({ folder })).toMatchObject({ filesFailed: 0, exitCode: 0 });
          const wrong = await place.differences();
          expect(deletes ? wrong : wrong.filter((key) => !key.endsWith('(extra)'))).toEqual([]);
        }
      } finally {
        await place.close();
      }
    }),
    { numRuns: 8 },
  );
}, 60_000);

/** What can't be done now, since its file isn't there, is left out. */
async function change(root: string, path: (n: number) => string, does: string, from: number, to: number) {
  if (does === 'rename') return rename(path(from), path(to));
  if (does === 'copy') return copyFile(path(from), path(to));
  if (does === 'edit') return writeFile(path(from), randomBytes(70 * KiB));
  if (does === 'rename-folder') return rename(join(root, from === 0 ? 'even' : 'odd'), join(root, `folder${to}`));
  await rename(path(from), join(root, 'aside'));
  await rename(path(to), path(from));
  return rename(join(root, 'aside'), path(to));
}
