import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPolicy } from '../../main/engine/policyFile.ts';
import {
  AdminPolicy,
  deletesUnder,
  objectsUnder,
  refuseEncryption,
  refuseLocked,
  refusePlace,
  refuseRegion,
  settingsUnder,
} from '../../shared/policy.ts';
import { policySchemaText } from '../../shared/policySchema.ts';
import { defaultEngineSettings, ObjectPolicy } from '../../shared/settings.ts';

const policy = (rules: object): AdminPolicy => AdminPolicy.parse({ version: 1, ...rules });
const code = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('what an administrator locks', () => {
  const rules = policy({
    settings: { maxConnections: { value: 20, reason: 'shared line' }, settleMs: { value: 9_000, locked: false } },
  });

  it('holds whatever the user chose, and a default gives way to the user', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 250 }), fc.integer({ min: 0, max: 600_000 }), (connections, settleMs) => {
        const settings = settingsUnder(rules, { maxConnections: connections, settleMs }, defaultEngineSettings);
        expect(settings).toMatchObject({ maxConnections: 20, settleMs });
        expect(code(() => refuseLocked(rules, { maxConnections: connections }))).toBe(
          connections === 20 ? undefined : 'policy-locked',
        );
      }),
    );
    expect(settingsUnder(rules, {}, defaultEngineSettings).settleMs).toBe(9_000);
  });

  it('says the reason to whoever is refused', () => {
    expect(() => refuseLocked(rules, { maxConnections: 5 })).toThrow('shared line');
  });

  it("can't be stepped around by a schedule", () => {
    const limited = policy({ settings: { maxBandwidthBytesPerSecond: { value: 1_000_000 } } });
    const rule = { days: [1], fromMinute: 0, toMinute: 1440, bytesPerSecond: null };
    expect(code(() => refuseLocked(limited, { bandwidthSchedule: [rule] }))).toBe('policy-locked');
    expect(settingsUnder(limited, { bandwidthSchedule: [rule] }, defaultEngineSettings).bandwidthSchedule).toEqual([]);
  });
});

describe('where data may go', () => {
  const aws = { endpointUrl: null };
  it.each([
    ['corp-a', undefined],
    ['corp-', undefined],
    ['xcorp-a', 'policy-refused'],
    ['corpXa', 'policy-refused'],
    ['corp.a', 'policy-refused'],
  ])('bucket %s under corp-*: %s', (bucket, expected) => {
    expect(code(() => refusePlace(policy({ buckets: { allow: ['corp-*'] } }), aws, bucket))).toBe(expected);
  });

  it.each([
    [null, undefined],
    ['https://s3.corp.example', undefined],
    ['https://S3.CORP.example/', undefined],
    ['https://s3.corp.example:9000', 'policy-refused'],
    ['https://s3.corp.example.evil.example', 'policy-refused'],
  ])('endpoint %s: %s', (endpointUrl, expected) => {
    const rules = policy({ endpoints: { allow: ['aws', 's3.corp.example'] } });
    expect(code(() => refusePlace(rules, { endpointUrl }, 'any'))).toBe(expected);
  });

  it('a pattern is no regular expression, and none is a pattern for everything by accident', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9.-]{3,20}$/),
        fc.stringMatching(/^[a-z0-9.-]{3,20}$/),
        (allowed, asked) => {
          const rules = policy({ buckets: { allow: [allowed] } });
          expect(code(() => refusePlace(rules, aws, asked))).toBe(asked === allowed ? undefined : 'policy-refused');
        },
      ),
    );
  });

  it('a region that the store does not say is refused', () => {
    const rules = policy({ regions: { allow: ['eu-*'] } });
    expect(code(() => refuseRegion(rules, 'b', 'eu-west-1'))).toBeUndefined();
    expect(code(() => refuseRegion(rules, 'b', 'us-east-1'))).toBe('policy-refused');
    expect(code(() => refuseRegion(rules, 'b', null))).toBe('policy-refused');
  });

  it('plain http to another machine is no TLS 1.2', () => {
    const rules = policy({ tls: { minimum: '1.2' } });
    expect(code(() => refusePlace(rules, { endpointUrl: 'http://s3.corp.example' }, 'b'))).toBe('policy-refused');
    expect(code(() => refusePlace(rules, { endpointUrl: 'http://127.0.0.1:9' }, 'b'))).toBeUndefined();
    expect(code(() => refusePlace(rules, { endpointUrl: 'http://127.0.0.1.evil.example' }, 'b'))).toBe(
      'policy-refused',
    );
  });
});

it('the published schema is the one that is enforced (node scripts/policySchema.ts)', () => {
  const published = readFileSync(new URL('../../docs/policy.schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(published)).toEqual(JSON.parse(policySchemaText()));
});

it('the example of docs/admin.md is valid', () => {
  const page = readFileSync(new URL('../../docs/admin.md', import.meta.url), 'utf8');
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
  expect(checkPolicy(example)).toMatchObject({ ok: true });
});

describe('how it is stored', () => {
  const plain = ObjectPolicy.parse({});
  it('encryption is filled in where it was left open, and a weaker one is refused', () => {
    const kms = policy({ encryption: { require: 'aws:kms', keyId: 'k1' } });
    expect(objectsUnder(kms, plain).sse).toEqual({ kind: 'aws:kms', keyId: 'k1' });
    expect(code(() => objectsUnder(kms, { ...plain, sse: { kind: 'AES256' } }))).toBe('policy-refused');
    expect(code(() => objectsUnder(kms, { ...plain, sse: { kind: 'aws:kms', keyId: 'other' } }))).toBe(
      'policy-refused',
    );
    const aes = policy({ encryption: { require: 'AES256' } });
    expect(objectsUnder(aes, plain).sse).toEqual({ kind: 'AES256' });
    expect(code(() => refuseEncryption(aes, null))).toBe('policy-refused');
    expect(code(() => refuseEncryption(aes, 'aws:kms'))).toBeUndefined();
    expect(code(() => refuseEncryption(kms, 'AES256'))).toBe('policy-refused');
  });

  it('deletes stay within the limit, of whichever kind', () => {
    const rules = policy({ deletes: { allow: 'mirror', maxPercent: 5 } });
    const mirror = (limit: object) => ({ kind: 'mirror', limit }) as Parameters<typeof deletesUnder>[1];
    expect(code(() => deletesUnder(rules, mirror({ kind: 'percent', percent: 5 })))).toBeUndefined();
    expect(code(() => deletesUnder(rules, mirror({ kind: 'percent', percent: 6 })))).toBe('policy-refused');
    expect(code(() => deletesUnder(rules, mirror({ kind: 'count', count: 1 })))).toBe('policy-refused');
    expect(code(() => deletesUnder(policy({ deletes: { allow: 'never' } }), mirror({ kind: 'count', count: 0 })))).toBe(
      'policy-refused',
    );
  });
});

describe('a policy that says something else than was meant', () => {
  it.each([
    ['{', ''],
    ['{"version":2}', 'version'],
    ['{"version":1,"bukets":{}}', ''],
    ['{"version":1,"settings":{"maxConnections":{"value":900}}}', 'settings.maxConnections.value'],
    ['{"version":1,"settings":{"maxConnections":{"value":9,"lokced":true}}}', 'settings.maxConnections'],
    ['{"version":1,"buckets":{"allow":[]}}', 'buckets.allow'],
  ])('%s is a problem at "%s"', (text, path) => {
    const checked = checkPolicy(text);
    expect(checked.ok ? null : checked.problems[0]?.path).toBe(path);
  });

  it('never throws anything but says what is wrong, whatever the file holds', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => 'ok' in checkPolicy(text)));
  });
});
