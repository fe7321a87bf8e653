import { BucketName, FolderInput, type FolderRules, type IgnorePreset } from '../../../shared/settings.ts';
import { ConnectionInput } from '../../../shared/syncApi.ts';

/** What the dialog has collected so far, as typed. */
export interface AddFolderForm {
  readonly signIn: 'chain' | 'keys' | 'compatible';
  readonly profile: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly endpointUrl: string;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly bucket: string;
  readonly prefix: string;
  readonly path: string;
  readonly presets: readonly IgnorePreset[];
  /** One pattern a line. */
  readonly exclude: string;
}

export const emptyAddFolderForm: AddFolderForm = {
  signIn: 'chain',
  profile: '',
  accessKeyId: '',
  secretAccessKey: '',
  endpointUrl: '',
  region: '',
  pathStyle: true,
  bucket: '',
  prefix: '',
  path: '',
  presets: ['litter'],
  exclude: '',
};

export type AddFolderErrors = Partial<Record<keyof AddFolderForm, string>>;

type Checked<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly errors: AddFolderErrors };

export function connectionOf(form: AddFolderForm): Checked<ConnectionInput> {
  const errors: AddFolderErrors = {};
  const compatible = form.signIn === 'compatible';
  if (form.signIn !== 'chain') {
    if (!form.accessKeyId.trim()) errors.accessKeyId = 'Type the access key.';
    if (!form.secretAccessKey) errors.secretAccessKey = 'Type the secret key.';
  }
  const endpointUrl = compatible ? form.endpointUrl.trim() : null;
  if (compatible && !ConnectionInput.shape.endpointUrl.safeParse(endpointUrl).success) {
    errors.endpointUrl = 'Write the whole address, as https://s3.example.com.';
  }
  if (Object.keys(errors).length > 0) return { ok: false, errors };
  return {
    ok: true,
    value: {
      endpointUrl,
      region: form.region.trim() || null,
      pathStyle: compatible && form.pathStyle,
      verifyTls: true,
      caBundlePath: null,
      credentials:
        form.signIn === 'chain'
          ? { kind: 'chain', profile: form.profile.trim() || null }
          : { kind: 'keys', accessKeyId: form.accessKeyId.trim(), secretAccessKey: form.secretAccessKey },
    },
  };
}

export interface Place {
  readonly bucket: string;
  /** Ends with `/` unless empty. */
  readonly prefix: string;
  readonly uri: string;
}

export function placeOf(form: AddFolderForm): Checked<Place> {
  const bucket = form.bucket.trim();
  if (!BucketName.safeParse(bucket).success) {
    return { ok: false, errors: { bucket: 'Choose a bucket, or type its name: 3 characters or more, no spaces.' } };
  }
  const bare = form.prefix.trim().replace(/^\/+|\/+$/g, '');
  const prefix = bare === '' ? '' : `${bare}/`;
  return { ok: true, value: { bucket, prefix, uri: `s3://${bucket}/${prefix}` } };
}

export function folderOf(form: AddFolderForm): Checked<{ readonly path: string; readonly rules: FolderRules }> {
  const path = form.path.trim();
  // POSIX, a Windows drive, or a network share.
  if (!/^(\/|[A-Za-z]:[\\/]|\\\\)/.test(path)) {
    return { ok: false, errors: { path: 'Choose a folder, or type its whole path.' } };
  }
  const exclude = form.exclude.split('\n').map((line) => line.trim());
  const rules = { include: [], exclude: exclude.filter(Boolean), presets: [...form.presets] };
  return { ok: true, value: { path, rules } };
}

/** The call's parameters; null while something is missing. */
export function addFolderParams(form: AddFolderForm) {
  const [connection, place, folder] = [connectionOf(form), placeOf(form), folderOf(form)];
  if (!connection.ok || !place.ok || !folder.ok) return null;
  const rest = FolderInput.omit({ connection: true }).parse({
    path: folder.value.path,
    bucket: place.value.bucket,
    prefix: place.value.prefix,
    rules: folder.value.rules,
  });
  return { ...rest, connection: connection.value };
}
