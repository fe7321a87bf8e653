import { afterEach, describe, expect, it } from 'vitest';
import { minimalIamPolicy } from '../../../main/engine/store/minimalIamPolicy.ts';
import { probeStore } from '../../../main/engine/store/probeStore.ts';
import { StoreConnection } from '../../../shared/settings.ts';
import { ProbeResult } from '../../../shared/syncApi.ts';
import { startS3Server } from '../../support/s3/server.ts';
import { sendError, sendXml, startCannedServer } from './cannedServer.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
const connectTo = (endpointUrl: string) => StoreConnection.parse({ endpointUrl });
const keys =
  (accessKeyId = 'AKIATEST', secretAccessKey = 'very-secret') =>
  async () => ({ accessKeyId, secretAccessKey });

async function ours() {
  const server = await startS3Server({ buckets: ['photos'] });
  closers.push(() => server.close());
  return server;
}

describe('testing a connection', () => {
  it('says what works, and writes nothing', async () => {
    const server = await ours();
    const result = await probeStore({
      connection: connectTo(server.endpoint),
      credentials: keys(server.accessKeyId, server.secretAccessKey),
      bucket: 'photos',
    });
    expect(ProbeResult.parse(result)).toMatchObject({ ok: true, buckets: ['photos'] });
    expect(result.steps.map((step) => step.name)).toEqual([
      'Reach the endpoint',
      'Kind of store',
      'Clock',
      'Find credentials',
      'Sign in',
      'Find the bucket',
      'List objects',
      'List unfinished uploads',
    ]);
    expect(Math.abs(result.clockSkewMs ?? Number.NaN)).toBeLessThan(30_000);
    expect(Object.keys(server.counts()).filter((name) => /Put|Create|Delete|Upload$/.test(name))).toEqual([]);
    expect(JSON.stringify(result)).not.toContain(server.secretAccessKey);
  });

  it('stops at wrong keys, with a remedy', async () => {
    const server = await ours();
    const result = await probeStore({
      connection: connectTo(server.endpoint),
      credentials: keys(server.accessKeyId, 'wrong'),
      bucket: 'photos',
    });
    expect(result.ok).toBe(false);
    expect(result.steps.at(-1)).toMatchObject({
      name: 'Sign in',
      ok: false,
      remedy: expect.stringContaining('secret key'),
    });
  });

  it('names a bucket that is not there', async () => {
    const server = await ours();
    const result = await probeStore({
      connection: connectTo(server.endpoint),
      credentials: keys(server.accessKeyId, server.secretAccessKey),
      bucket: 'holidays',
    });
    expect(result.ok).toBe(false);
    expect(result.steps.at(-1)?.detail).toContain('There is no bucket holidays');
  });

  it('an endpoint that is not there ends it at once', async () => {
    const server = await startCannedServer((_req, res) => res.end());
    await server.close();
    const result = await probeStore({ connection: connectTo(server.endpoint), credentials: keys(), bucket: null });
    expect(result).toMatchObject({ ok: false, buckets: null, clockSkewMs: null });
    expect(result.steps).toHaveLength(1);
    expect(result.steps[0]?.remedy).toContain('endpoint URL');
  });

  it('a clock that is off is named with how far, and the rest is tried all the same', async () => {
    const server = await startCannedServer((req, res) => {
      res.setHeader('date', new Date(Date.now() - 3_600_000).toUTCString());
      if (req.method === 'HEAD') return void res.writeHead(200).end();
      sendXml(res, req.url?.includes('uploads') ? '<ListMultipartUploadsResult/>' : '<ListBucketResult/>');
    });
    closers.push(() => server.close());
    const result = await probeStore({ connection: connectTo(server.endpoint), credentials: keys(), bucket: 'photos' });
    expect(result.clockSkewMs).toBeGreaterThan(3_500_000);
    expect(result.steps.find((step) => step.name === 'Clock')).toMatchObject({
      ok: false,
      detail: expect.stringContaining('60 minutes ahead'),
    });
    expect(result.steps.at(-1)).toMatchObject({ name: 'List unfinished uploads', ok: true });
  });

  it('names the IAM action that is missing; not being allowed to list buckets is no failure', async () => {
    const server = await startCannedServer((req, res) => {
      if (req.url?.startsWith('/photos') && req.method === 'HEAD') return void res.writeHead(200).end();
      if (req.url?.includes('list-type')) return sendXml(res, '<ListBucketResult></ListBucketResult>');
      sendError(res, 403, 'AccessDenied');
    });
    closers.push(() => server.close());
    const result = await probeStore({ connection: connectTo(server.endpoint), credentials: keys(), bucket: 'photos' });
    expect(result.ok).toBe(false);
    expect(result.steps.filter((step) => !step.ok)).toEqual([
      {
        name: 'List unfinished uploads',
        ok: false,
        detail: expect.any(String),
        remedy: 'Ask for the IAM action s3:ListBucketMultipartUploads.',
      },
    ]);
    expect(result.buckets).toBeNull();
  });
});

describe('the minimal IAM policy', () => {
  it('is confined to the bucket and the prefix', () => {
    const policy = JSON.parse(minimalIamPolicy('photos', 'laptop/'));
    const resources = policy.Statement.map((statement: { Resource: string }) => statement.Resource);
    expect(resources).toEqual(['arn:aws:s3:::photos', 'arn:aws:s3:::photos', 'arn:aws:s3:::photos/laptop/*']);
    expect(policy.Statement[0].Condition).toEqual({ StringLikeIfExists: { 's3:prefix': 'laptop/*' } });
    expect(JSON.stringify(policy)).not.toContain('s3:*');
  });

  it('of a whole bucket has no condition', () => {
    expect(JSON.parse(minimalIamPolicy('photos', '')).Statement[0]).not.toHaveProperty('Condition');
  });
});
