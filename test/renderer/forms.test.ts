import { describe, expect, it } from 'vitest';
import {
  addFolderParams,
  connectionOf,
  emptyAddFolderForm,
  folderOf,
  placeOf,
} from '../../renderer/screens/folders/addFolderForm.ts';
import { formOf, parseForm } from '../../renderer/screens/settings/settingsForm.ts';
import { addFolderCommand } from '../../renderer/text/commandLine.ts';
import { defaultEngineSettings, type IgnorePreset } from '../../shared/settings.ts';
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
        acceleration: { ...defaultEngineSettings.acceleration, mode: 'on', clientRegion: 'eu-west-1' },
      } as const,
    ]) {
      expect(parseForm(formOf(settings), settings)).toEqual({ change: {}, errors: {} });
    }
  });
  it('read rates in bytes and in bits', () => {
    const form = formOf(defaultEngineSettings);
    const limited = { ...defaultEngineSettings, maxBandwidthBytesPerSecond: 5 * MiB };
    const rateOf = (bandwidth: string) => parseForm({ ...form, bandwidth }, limited).change?.maxBandwidthBytesPerSecond;
    expect(rateOf('160Mbps')).toBe(20_000_000);
    expect(rateOf(' ')).toBeNull();
  });
  it('send only what was changed, so that a setting without a field here is never put back to its default', () => {
    const saved = {
      ...defaultEngineSettings,
      reconcileIntervalMs: null,
      monthlyBudgetUsd: 20,
      acceleration: { ...defaultEngineSettings.acceleration, mode: 'off', dualStack: true, assumedGainTo: 3 },
    } as const;
    expect(parseForm({ ...formOf(saved), maxConnections: '32' }, saved).change).toEqual({ maxConnections: 32 });
    expect(parseForm({ ...formOf(saved), accelerationMode: 'auto', accelerationCap: '2,5' }, saved).change).toEqual({
      acceleration: { ...saved.acceleration, mode: 'auto', monthlyCapUsd: 2.5 },
    });
    expect(
      parseForm({ ...formOf(saved), clientRegion: ' EU-West-1 ', accelerationCap: '0' }, saved).change?.acceleration,
    ).toMatchObject({ clientRegion: 'eu-west-1', monthlyCapUsd: 0 });
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
      premium: '-1',
      timeValue: '',
      accelerationCap: 'much',
      clientRegion: 'Frankfurt',
    } as const;
    const { change, errors } = parseForm(wrong, defaultEngineSettings);
    expect(change).toBeNull();
    expect(Object.keys(errors).sort()).toEqual([
      'accelerationCap',
      'bandwidth',
      'clientRegion',
      'maxConnections',
      'memory',
      'partSize',
      'premium',
      'rescanMinutes',
      'settleSeconds',
      'timeValue',
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
      rules: { exclude: ['*.tmp', 'node_modules/'], presets: ['litter'] },
    });
    expect(placeOf({ ...form, prefix: '///' })).toMatchObject({
      ok: true,
      value: { prefix: '', uri: 's3://my-bucket/' },
    });
  });
  it('leaves out what is switched on and nothing else, and its command says the same', () => {
    const commandFor = (presets: IgnorePreset[]) => {
      const params = addFolderParams({ ...form, presets, exclude: '' })!;
      expect(params.rules).toEqual({ include: [], exclude: [], presets });
      return addFolderCommand({ ...params, uri: 's3://my-bucket/' });
    };
    expect(commandFor(['litter'])).toBe('sluice folder add /home/ada s3://my-bucket/');
    expect(commandFor([])).toBe('sluice folder add /home/ada s3://my-bucket/ --ignore-preset none');
    expect(commandFor(['litter', 'vcs'])).toBe(
      'sluice folder add /home/ada s3://my-bucket/ --ignore-preset litter --ignore-preset vcs',
    );
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
