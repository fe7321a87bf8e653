import { describe, expect, it } from 'vitest';
import { PackedListing, packFiles } from '../../../main/engine/watch/packedListing.ts';
import { asRelativePath } from '../../../shared/ids.ts';
import { addFolder, file, open, proof, proofFor, proveAll, scan, sees, states } from './ledgerFixture.ts';

describe('scans', () => {
  it('say what is new, changed, unchanged and gone, and queue only what must be uploaded', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    expect(scan(ledger, id, { '': [file('r')], a: [file('x'), file('y', 3)], 'a/b': [file('z')] })).toEqual({
      added: 4,
      changed: 0,
      unchanged: 0,
      gone: 0,
      bytesToUpload: 50 + 50 + 150 + 50,
    });
    proveAll(ledger, id);
    expect(scan(ledger, id, { '': [file('r')], a: [file('y', 2), file('n')] })).toEqual({
      added: 1,
      changed: 1,
      unchanged: 1,
      gone: 2,
      bytesToUpload: 150,
    });
    expect(states(ledger, id)).toEqual({
      'a/b/z': 'gone',
      'a/n': 'queued',
      'a/x': 'gone',
      'a/y': 'queued',
      r: 'proven',
    });
    expect(ledger.folder(id)).toMatchObject({ lastScanAt: 20, lastFullScanAt: 20 });
  });

  it('do not care in which order a directory is listed', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    const names = ['b', 'a', 'ä', 'Z', '😀', '\ufb01'].map((name) => file(name));
    scan(ledger, id, { d: names });
    expect(scan(ledger, id, { d: names.toReversed() })).toMatchObject({ added: 0, changed: 0, unchanged: 6, gone: 0 });
    expect(scan(ledger, id, { d: names.slice(1) })).toMatchObject({ unchanged: 5, gone: 1 });
  });

  it('that stopped half-way call nothing gone that they did not reach', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    scan(ledger, id, { a: [file('x'), file('y')], b: [file('z')] });
    const half = ledger.beginScan(id, 1);
    ledger.observeDirectories(half, [{ directory: asRelativePath('a'), files: [file('x')] }]);
    expect(ledger.finishScan(half, { complete: false, atMs: 99, unreadable: [] })).toMatchObject({ gone: 0 });
    expect(Object.keys(states(ledger, id))).toEqual(['a/x', 'b/z']);
    expect(ledger.folder(id)).toMatchObject({ lastScanAt: 99, lastFullScanAt: 20 });
  });

  it('of some directories say what is gone in them and below, and nothing of the others', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    scan(ledger, id, { a: [file('x')], 'a/b': [file('x')], 'a/b/c': [file('x')], ab: [file('x')], d: [file('x')] });
    const part = ledger.beginScan(id, 30);
    ledger.observeDirectories(part, [{ directory: asRelativePath('a'), files: [file('x')] }]);
    const end = { complete: true, atMs: 31, unreadable: [], within: [asRelativePath('a'), asRelativePath('gone')] };
    expect(ledger.finishScan(part, end)).toMatchObject({ gone: 2 });
    expect(Object.keys(states(ledger, id))).toEqual(['a/x', 'ab/x', 'd/x']);
    expect(ledger.folder(id)).toMatchObject({ lastScanAt: 31, lastFullScanAt: 20 });
  });

  it('find a directory unchanged by its listing as one string, and what changed in it', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    const listed = (...files: ReturnType<typeof file>[]) => {
      const sorted = files.map((each) => ({
        ...each,
        sizeBytes: 0,
        identity: `0.${each.identity}` as typeof each.identity,
      }));
      const scanId = ledger.beginScan(id, 1);
      const diff = ledger.observeDirectories(scanId, [new PackedListing(asRelativePath('d'), [packFiles(sorted)])]);
      ledger.finishScan(scanId, { complete: true, atMs: 2, unreadable: [] });
      return diff;
    };
    expect(listed(file('a'), file('b'), file('c'))).toMatchObject({ added: 3 });
    expect(listed(file('a'), file('b'), file('c'))).toMatchObject({ added: 0, changed: 0, unchanged: 3, gone: 0 });
    expect(listed(file('a'), file('b', 2))).toMatchObject({ changed: 1, unchanged: 1, gone: 1 });
    expect(listed()).toMatchObject({ gone: 2 });
  });

  it('leave what is below an unreadable directory as it is, but not its namesakes', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    scan(ledger, id, { a: [file('x')], 'a/b/c': [file('x')], 'a/b-c': [file('x')], 'a/bb': [file('x')] });
    expect(scan(ledger, id, { a: [file('x')] }, ['a/b'])).toMatchObject({ gone: 2 });
    expect(Object.keys(states(ledger, id))).toEqual(['a/b/c/x', 'a/x']);
  });

  it('do not bury what the watcher saw while they ran, in a directory old or new', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    scan(ledger, id, { a: [file('x')] });
    const running = ledger.beginScan(id, 1);
    ledger.observePaths(id, [sees('a/late'), sees('new/late')]);
    ledger.observeDirectories(running, [{ directory: asRelativePath('a'), files: [file('x')] }]);
    expect(ledger.finishScan(running, { complete: true, atMs: 2, unreadable: [] })).toMatchObject({ gone: 0 });
    expect(scan(ledger, id, { a: [file('x')] })).toMatchObject({ gone: 2 });
  });

  it('queue a failed file again, and leave one alone that waits for its next try', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    scan(ledger, id, { a: [file('fails'), file('waits')] });
    const [fails, waits] = ledger.claimNext(id, 'small', 2);
    ledger.postpone(waits!.id, 1_000);
    ledger.giveUp(fails!.id);
    expect(ledger.observePaths(id, [sees('a/fails'), sees('a/waits')])).toMatchObject({
      unchanged: 2,
      bytesToUpload: 0,
    });
    expect(states(ledger, id)).toEqual({ 'a/fails': 'failed', 'a/waits': 'waiting' });
    expect(scan(ledger, id, { a: [file('fails'), file('waits')] })).toMatchObject({ unchanged: 2, bytesToUpload: 50 });
    expect(states(ledger, id)).toEqual({ 'a/fails': 'queued', 'a/waits': 'waiting' });
  });

  it('of a folder that was removed or that another scan replaced are refused', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    const first = ledger.beginScan(id, 1);
    const second = ledger.beginScan(id, 2);
    const refused = expect.objectContaining({ code: 'not-found' });
    expect(() => ledger.observeDirectories(first, [])).toThrow(refused);
    ledger.removeFolder(id);
    expect(() => ledger.observeDirectories(second, [])).toThrow(refused);
    expect(() => ledger.observePaths(id, [sees('a')])).toThrow(refused);
  });
});

describe('what the watcher sees', () => {
  it('is not taken back by the older listing of a scan under way, above all not to what was uploaded before', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    ledger.observePaths(id, [sees('edited'), sees('same')]);
    proveAll(ledger, id);
    const scanId = ledger.beginScan(id, 30);
    ledger.observePaths(id, [sees('edited', 2)]);
    ledger.observeDirectories(scanId, [{ directory: asRelativePath(''), files: [file('edited'), file('same')] }]);
    ledger.finishScan(scanId, { complete: true, atMs: 40, unreadable: [] });
    expect(states(ledger, id)).toEqual({ edited: 'queued', same: 'proven' });
    expect(ledger.file(id, asRelativePath('edited'))!.identity).toBe('v2');
  });

  it('a directory that goes takes all below it and nothing beside it, wildcards and odd characters included', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    const beside = ['a%', 'a%0/x', 'a%-/x', 'aX/x', 'A%/x', 'ä/x'];
    ledger.observePaths(
      id,
      ['a%/x', 'a%/😀/y', 'a%/\u{10ffff}', 'a%/~', ...beside].map((path) => sees(path)),
    );
    expect(ledger.observePaths(id, [{ kind: 'directory-gone', path: asRelativePath('a%') }])).toMatchObject({
      gone: 4,
    });
    expect(Object.keys(states(ledger, id)).sort()).toEqual(beside.toSorted());
  });

  it('a file that comes back as it was proven is not uploaded again; one that comes back otherwise is', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    ledger.observePaths(id, [sees('same'), sees('other')]);
    proveAll(ledger, id);
    ledger.observePaths(
      id,
      ['same', 'other'].map((path) => ({ kind: 'gone', path: asRelativePath(path) })),
    );
    expect(ledger.counts(id).filesTotal).toBe(0);
    expect(ledger.goneFiles(id).map((gone) => gone.path)).toEqual(['other', 'same']);
    expect(ledger.observePaths(id, [sees('same'), sees('other', 2)])).toMatchObject({ added: 2, bytesToUpload: 100 });
    expect(states(ledger, id)).toEqual({ same: 'proven', other: 'queued' });
    expect(ledger.file(id, asRelativePath('other'))!.proof!.identity).toBe('v1');
  });

  it('a change during the upload queues the file again, whatever the worker reports', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    ledger.observePaths(
      id,
      ['a', 'b', 'c', 'd'].map((path) => sees(path)),
    );
    const [a, b, c, d] = ledger.claimNext(id, 'small', 4);
    ledger.observePaths(
      id,
      ['a', 'b', 'c', 'd'].map((path) => sees(path, 2)),
    );
    expect(ledger.claimNext(id, 'small', 4)).toEqual([]);
    ledger.recordProofs([{ fileId: a!.id, proof: proofFor(a!) }]);
    ledger.giveUp(b!.id);
    ledger.markGone(c!.id);
    ledger.postpone(d!.id, 0);
    ledger.wakeDue(1);
    const again = ledger.claimNext(id, 'small', 4);
    expect(again.map((queued) => [queued.path, queued.identity, queued.attempt])).toEqual(
      ['a', 'b', 'c', 'd'].map((path) => [path, 'v2', 0]),
    );
    expect(again[0]!.proof).toMatchObject({ identity: 'v1', sizeBytes: 50 });
    ledger.recordProofs(again.map((queued) => ({ fileId: queued.id, proof: proofFor(queued) })));
    expect(ledger.counts(id)).toMatchObject({ filesProven: 4, bytesProven: 400, filesQueued: 0 });
  });

  it('a file deleted during its upload keeps the proof of the object that was made, and is never given to two workers', () => {
    const ledger = open();
    const { id } = addFolder(ledger);
    ledger.observePaths(id, [sees('done'), sees('back')]);
    const [done, back] = ledger.claimNext(id, 'small', 2);
    ledger.observePaths(
      id,
      ['done', 'back'].map((path) => ({ kind: 'gone', path: asRelativePath(path) })),
    );
    expect(ledger.goneFiles(id)).toEqual([]);
    ledger.observePaths(id, [sees('back', 2)]);
    expect(ledger.claimNext(id, 'small', 2)).toEqual([]);
    ledger.recordProofs([done!, back!].map((queued) => ({ fileId: queued.id, proof: proofFor(queued) })));
    expect(states(ledger, id)).toEqual({ back: 'queued', done: 'gone' });
    expect(ledger.goneFiles(id)[0]!.proof).toMatchObject({ identity: 'v1' });
    ledger.forgetFile(done!.id);
    ledger.forgetFile(back!.id);
    expect(states(ledger, id)).toEqual({ back: 'queued' });
    expect(ledger.check()).toEqual([]);
  });
});

it('a file of which the store confirmed only the size is not called proven, and not sent again', () => {
  const ledger = open();
  const { id } = addFolder(ledger);
  ledger.observePaths(id, [sees('a')]);
  const [a] = ledger.claimNext(id, 'small', 1);
  ledger.recordProofs([{ fileId: a!.id, proof: proof(1, null) }]);
  expect(ledger.counts(id)).toEqual({
    filesTotal: 1,
    bytesTotal: 50,
    filesProven: 0,
    bytesProven: 0,
    filesQueued: 0,
    bytesQueued: 0,
    filesFailed: 0,
  });
  expect(scan(ledger, id, { '': [file('a')] })).toMatchObject({ unchanged: 1, bytesToUpload: 0 });
  expect(ledger.hasQueued(id, 'small')).toBe(false);
});

it('files come in the byte order of their whole paths, as S3 lists keys', () => {
  const ledger = open();
  const { id } = addFolder(ledger);
  const paths = [
    'a',
    'a-b/y',
    'a.txt',
    'a/b/c/d',
    'a/b.x',
    'a/b/z',
    'a0',
    '\ufb01/x',
    '😀/x',
    '😀',
    'ä',
    'z/',
    'B/c',
  ].map((path) => (path.endsWith('/') ? `${path}deep/er/file` : path));
  ledger.observePaths(
    id,
    paths.map((path) => sees(path)),
  );
  const many = Array.from({ length: 1_203 }, (_, at) => file(`m${at}`));
  scan(ledger, addFolder(ledger, 'other/').id, { a: many });
  const inByteOrder = paths.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  expect([...ledger.files(id)].map((known) => known.path)).toEqual(inByteOrder);
  const second = ledger.folders()[1]!.id;
  expect([...ledger.files(second)]).toHaveLength(1_203);
});
