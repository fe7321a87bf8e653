import { RadioCards } from '../../components/RadioCards.tsx';
import { Switch } from '../../components/Switch.tsx';
import { TextField } from '../../components/TextField.tsx';
import type { StepProps } from './AddFolderDialog.tsx';

export function ConnectionStep({ form, errors, put }: StepProps) {
  return (
    <>
      <RadioCards
        label="How do you sign in?"
        value={form.signIn}
        onChange={(signIn) => put({ signIn })}
        options={[
          {
            value: 'chain',
            label: 'AWS profile',
            hint: 'What this machine is already signed in with: profile, SSO, environment or role.',
          },
          { value: 'keys', label: 'AWS access key', hint: 'Kept in this machine’s secret store, never shown again.' },
          {
            value: 'compatible',
            label: 'Another S3 store',
            hint: 'MinIO, Ceph, Cloudflare R2, Backblaze B2, Wasabi and others.',
          },
        ]}
      />
      {form.signIn === 'compatible' && (
        <TextField
          label="Endpoint"
          type="url"
          placeholder="https://s3.example.com"
          value={form.endpointUrl}
          onChange={(endpointUrl) => put({ endpointUrl })}
          error={errors.endpointUrl}
        />
      )}
      {form.signIn === 'chain' ? (
        <TextField
          label="Profile (optional)"
          hint="Empty: the default one."
          placeholder="default"
          value={form.profile}
          onChange={(profile) => put({ profile })}
        />
      ) : (
        <div className="two-columns">
          <TextField
            label="Access key"
            value={form.accessKeyId}
            onChange={(accessKeyId) => put({ accessKeyId })}
            error={errors.accessKeyId}
          />
          <TextField
            label="Secret key"
            type="password"
            autoComplete="new-password"
            value={form.secretAccessKey}
            onChange={(secretAccessKey) => put({ secretAccessKey })}
            error={errors.secretAccessKey}
          />
        </div>
      )}
      <TextField
        label="Region (optional)"
        hint={form.signIn === 'compatible' ? 'Empty: us-east-1.' : 'Empty: found by asking.'}
        value={form.region}
        onChange={(region) => put({ region })}
      />
      {form.signIn === 'compatible' && (
        <Switch
          label="Bucket in the path"
          hint="Most stores that are not Amazon’s want it (path style)."
          checked={form.pathStyle}
          onChange={(pathStyle) => put({ pathStyle })}
        />
      )}
    </>
  );
}
