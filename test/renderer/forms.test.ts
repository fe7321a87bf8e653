import { describe, expect, it } from 'vitest';
import {
  addFolderParams,
  connectionOf,
  emptyAddFolderForm,
  folderOf,
  placeOf,
} from '../../renderer/screens/folders/addFolderForm.ts';
import { formOf, parseForm } from '../../renderer/screens/settings/settingsForm.ts';
import { defaultEngineSettings } from '../../shared/settings.ts';
import { GiB, MiB } from '../../shared/units.ts';

describe('settings as typed', () => {
  it('come back unchanged when nothing was changed', () => {
    for (const settings of [
      defaultEngineSettings,
      {
        ...defaultEngineSettings,
        maxBandwidthBytesPerSecond: 20_000_000,
        partSizeBytes: 64 * MiB,
        memoryBytes: 1.5 * GiB,
        rescanIntervalMs: 10_000,
      },
    ]) {
      expect(parseForm(formOf(settings)).settings).toEqual(settings);
    }
  });
  it('read rates in bytes and in bits', () => {
    const form = formOf(defaultEngineSettings);
    expect(parseForm({ ...form, bandwidth: '160Mbps' }).settings?.maxBandwidthBytesPerSecond).toBe(20_000_000);
    expect(parseForm({ ...form, bandwidth: ' ' }).settings?.maxBandwidthBytesPerSecond).toBeNull();
  });
  it('name every wrong field, and nothing is saved', () => {
    const wrong = {
      ...formOf(defaultEngineSettings),
      bandwidth: 'fast',
      maxConnections: '251',
      memory: '1MiB',
      partSizeKind: 'fixed',
      partSize: '4MiB',
      settleSeconds: '-1',
      rescanMinutes: '',
    } as const;
    const { settings, errors } = parseForm(wrong);
    expect(settings).toBeNull();
    expect(Object.keys(errors).sort()).toEqual([
      'bandwidth',
      'maxConnections',
      'memory',
      'partSize',
      'rescanMinutes',
      'settleSeconds',
    ]);
  });
});

describe('a new folder as typed', () => {
  const form = {
    ...emptyAddFolderForm,
    bucket: ' my-bucket ',
    prefix: '/laptop/docs/',
    path: '/home/ada',
    exclude: '\n*.tmp \n\nnode_modules/\n',
  };
  it('gets its prefix and patterns tidied', () => {
    expect(addFolderParams(form)).toMatchObject({
      bucket: 'my-bucket',
      prefix: 'laptop/docs/',
      path: '/home/ada',
      rules: { exclude: ['*.tmp', 'node_modules/'] },
    });
    expect(placeOf({ ...form, prefix: '///' })).toMatchObject({
      ok: true,
      value: { prefix: '', uri: 's3://my-bucket/' },
    });
  });
  it('never deletes remotely unless somebody asks for it elsewhere', () => {
    expect(addFolderParams(form)?.deletes).toEqual({ kind: 'never' });
  });
  it('is refused with the field named', () => {
    expect(placeOf({ ...form, bucket: 'a b' }).ok).toBe(false);
    expect(folderOf({ ...form, path: 'relative/path' })).toMatchObject({
      ok: false,
      errors: { path: expect.any(String) },
    });
    expect(folderOf({ ...form, path: 'C:\\Users\\ada' }).ok).toBe(true);
    expect(connectionOf({ ...form, signIn: 'compatible', endpointUrl: 'minio.local' })).toMatchObject({
      ok: false,
      errors: { endpointUrl: expect.any(String), accessKeyId: expect.any(String), secretAccessKey: expect.any(String) },
    });
  });
  it('does not carry a foreign endpoint over to AWS after a change of mind', () => {
    const changed = { ...form, signIn: 'chain', endpointUrl: 'http://127.0.0.1:9000', secretAccessKey: 'x' } as const;
    expect(connectionOf(changed)).toMatchObject({
      ok: true,
      value: { endpointUrl: null, pathStyle: false, credentials: { kind: 'chain', profile: null } },
    });
  });
});
