import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runInProcess } from './support/runInProcess.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-flags-'));
const file = join(folder, 'a.txt');
writeFileSync(file, 'a');
afterAll(() => rmSync(folder, { recursive: true }));

async function accepted(flags: readonly string[], env: Record<string, string> = {}) {
  const run = await runInProcess(['sync', folder, 's3://bucket/p', ...flags], { env });
  expect(run.stderr).toBe('');
  expect(run.code).toBe(0);
  const input = run.engine?.inputs[0];
  if (!input || !run.engine) throw new Error('no engine was made');
  return { input, settings: run.engine.options.settings };
}

describe('sync flags become a folder pair and settings', () => {
  it('takes the defaults of a new user and overrides no stored setting', async () => {
    const { input, settings } = await accepted([]);
    expect(input).toEqual({
      path: folder,
      bucket: 'bucket',
      prefix: 'p/',
      kind: 'manual',
      rules: { include: [], exclude: [] },
      objects: { storageClass: null, sse: { kind: 'bucket-default' }, foreign: 'keep' },
      deletes: { kind: 'never' },
      connection: {
        endpointUrl: null,
        region: null,
        pathStyle: false,
        verifyTls: true,
        caBundlePath: null,
        credentials: { kind: 'chain', profile: null },
      },
    });
    expect(settings).toEqual({});
  });

  it.each([
    [['--max-bandwidth', '160Mbps'], { maxBandwidthBytesPerSecond: 20_000_000, bandwidthSchedule: [] }],
    [['--max-bandwidth', '20MiB/s'], { maxBandwidthBytesPerSecond: 20 * 1024 ** 2, bandwidthSchedule: [] }],
    [['--max-connections', '250'], { maxConnections: 250 }],
    [['--memory', '2GiB'], { memoryBytes: 2 * 1024 ** 3 }],
    [['--part-size', '16MiB'], { partSizeBytes: 16 * 1024 ** 2 }],
    [['--part-size', 'auto'], { partSizeBytes: 'auto' }],
    [['--checksum', 'crc64nvme'], { checksum: 'crc64nvme' }],
    [['--accelerate', 'off'], {}],
    [['--accelerate', 'auto'], {}],
  ])('%j', async (flags, expected) => {
    expect((await accepted(flags)).settings).toEqual(expected);
  });

  it.each([
    [
      ['--include', '*.jpg', '--include', '*.png', '--exclude', 'tmp/'],
      { rules: { include: ['*.jpg', '*.png'], exclude: ['tmp/'] } },
    ],
    [
      ['--delete', 'mirror'],
      { deletes: { kind: 'mirror', limit: { kind: 'percent', percent: 10 }, holdMs: 86_400_000 } },
    ],
    [
      ['--delete', 'mirror', '--max-delete', '5%'],
      { deletes: { kind: 'mirror', limit: { kind: 'percent', percent: 5 }, holdMs: 86_400_000 } },
    ],
    [
      ['--delete', 'mirror', '--max-delete', '0'],
      { deletes: { kind: 'mirror', limit: { kind: 'count', count: 0 }, holdMs: 86_400_000 } },
    ],
    [
      ['--sse', 'AES256', '--storage-class', 'standard_ia'],
      { objects: { storageClass: 'STANDARD_IA', sse: { kind: 'AES256' }, foreign: 'keep' } },
    ],
    [['--sse', 'aws:kms'], { objects: { storageClass: null, sse: { kind: 'aws:kms', keyId: null }, foreign: 'keep' } }],
    [
      ['--sse', 'aws:kms:arn:aws:kms:eu-central-1:1:key/x'],
      {
        objects: {
          storageClass: null,
          sse: { kind: 'aws:kms', keyId: 'arn:aws:kms:eu-central-1:1:key/x' },
          foreign: 'keep',
        },
      },
    ],
  ])('%j', async (flags, expected) => {
    expect((await accepted(flags)).input).toMatchObject(expected);
  });

  it('reads endpoint, region and profile from flags, and from the variables of the AWS tools where there is no flag', async () => {
    const env = { AWS_ENDPOINT_URL_S3: 'https://s3.example.com', AWS_REGION: 'eu-west-1' };
    expect((await accepted([], env)).input.connection).toMatchObject({
      endpointUrl: 'https://s3.example.com',
      region: 'eu-west-1',
    });
    const flags = [
      '--endpoint-url',
      'http://127.0.0.1:9000',
      '--region',
      'us-west-2',
      '--profile',
      'work',
      '--path-style',
      '--no-verify-ssl',
    ];
    expect((await accepted(flags, env)).input.connection).toEqual({
      endpointUrl: 'http://127.0.0.1:9000',
      region: 'us-west-2',
      pathStyle: true,
      verifyTls: false,
      caBundlePath: null,
      credentials: { kind: 'chain', profile: 'work' },
    });
  });
});

describe('a wrong command line gets exit 2 and one sentence, and no engine is made', () => {
  it.each([
    [['--memory', 'lots'], '--memory:'],
    [['--memory', '1MiB'], '--memory:'],
    [['--max-bandwidth', 'fast'], '--max-bandwidth:'],
    [['--max-bandwidth', '0'], '--max-bandwidth:'],
    [['--max-connections', '0'], '--max-connections:'],
    [['--max-connections', '251'], '--max-connections:'],
    [['--max-connections', '1e2'], '--max-connections:'],
    [['--part-size', '1MiB'], '--part-size:'],
    [['--part-size', '6GiB'], '--part-size:'],
    [['--checksum', 'md5'], '--checksum:'],
    [['--accelerate', 'maybe'], '--accelerate:'],
    [['--delete', 'everything'], '--delete:'],
    [['--delete', 'mirror', '--watch'], '--delete mirror works one pass at a time'],
    [['--delete', 'mirror', '--max-delete', '101%'], '--max-delete:'],
    [['--delete', 'mirror', '--max-delete', '-1'], '--max-delete'],
    [['--sse', 'rot13'], '--sse:'],
    [['--sse', 'aws:kms:'], '--sse:'],
    [['--storage-class', 'a b'], '--storage-class:'],
    [['--exclude', ''], '--exclude:'],
    [['--endpoint-url', 'not a url'], 'endpoint'],
    [['--endpoint-url', 'ftp://x'], 'endpoint'],
    [['--endpoint-url', 'https://user:secret@x'], 'endpoint'],
    [['--no-verify-ssl'], 'certificate'],
    [['--no-verify-ssl', '--endpoint-url', 'https://s3.example.com'], 'certificate'],
    [['--ca-bundle', '/does/not/exist.pem'], '/does/not/exist.pem'],
    [['--ca-bundle', file], 'certificate'],
    [['--watch', '--dry-run'], '--dry-run'],
    [['--nonsense'], '--nonsense'],
  ])('%j', async (flags, named) => {
    const run = await runInProcess(['sync', folder, 's3://bucket', ...flags]);
    expect(run.code).toBe(2);
    expect(run.engine).toBeUndefined();
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(/^sluice: [^\n]+\.\n$/);
    expect(run.stderr).toContain(named);
    expect(run.stderr).not.toContain('secret');
  });

  it.each([
    [[], 'argument'],
    [[folder], "'s3-uri'"],
    [[folder, 's3://bucket', 'more'], 'argument'],
    [[join(folder, 'nowhere'), 's3://bucket'], 'There is no folder'],
    [[join(file, 'below'), 's3://bucket'], 'There is no folder'],
    [[file, 's3://bucket'], 'is not a folder'],
    [['', 's3://bucket'], 'empty'],
    [[folder, 'bucket'], 'is not an S3 address'],
  ])('sync %j', async (args, named) => {
    const run = await runInProcess(['sync', ...args]);
    expect(run.code).toBe(2);
    expect(run.engine).toBeUndefined();
    expect(run.stderr).toMatch(/^sluice: [^\n]+\.\n$/);
    expect(run.stderr).toContain(named);
  });

  it('tells a script too: the last line of --json is a summary with the exit code', async () => {
    const run = await runInProcess(['sync', join(folder, 'nowhere'), 's3://bucket', '--json']);
    const lines = run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(lines).toEqual([
      expect.objectContaining({ type: 'error', code: 'folder-missing' }),
      expect.objectContaining({ type: 'summary', exitCode: 2, filesScanned: 0 }),
    ]);
  });
});

describe('help and version', () => {
  it.each([
    ['--help'],
    ['sync --help'],
    ['daemon --help'],
    ['folder --help'],
    ['folder add --help'],
    ['status --help'],
    ['verify --help'],
    ['plan --help'],
    ['uploads --help'],
    ['uploads abort --help'],
    ['doctor --help'],
  ])('%s goes to stdout with exit 0', async (args) => {
    const run = await runInProcess(args.split(' '));
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('Usage: sluice');
    expect(run.stderr).toBe('');
  });

  it('prints the version', async () => {
    expect(await runInProcess(['--version'])).toMatchObject({ code: 0, stdout: '9.8.7\n' });
  });
});
