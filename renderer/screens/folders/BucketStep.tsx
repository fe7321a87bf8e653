import { Database } from 'lucide-react';
import { PathText } from '../../components/PathText.tsx';
import { TextField } from '../../components/TextField.tsx';
import type { StepProps } from './AddFolderDialog.tsx';
import { placeOf } from './addFolderForm.ts';

interface BucketStepProps extends StepProps {
  /** null: these keys may not list them. */
  readonly buckets: readonly string[] | null;
}

export function BucketStep({ form, errors, put, buckets }: BucketStepProps) {
  const typed = form.bucket.trim();
  const chosen = buckets?.includes(typed) ?? false;
  const matching = (buckets ?? []).filter((bucket) => chosen || bucket.includes(typed));
  const place = placeOf(form);
  return (
    <>
      <TextField
        label="Bucket"
        hint={buckets ? undefined : 'These keys may not list buckets, so type its name.'}
        value={form.bucket}
        onChange={(bucket) => put({ bucket })}
        error={errors.bucket}
      />
      {matching.length > 0 && (
        <ul className="choices" aria-label="Your buckets">
          {matching.map((bucket) => (
            <li key={bucket}>
              <button type="button" className="choice" aria-pressed={bucket === typed} onClick={() => put({ bucket })}>
                <Database size={15} aria-hidden />
                <PathText path={bucket} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <TextField
        label="Prefix (optional)"
        hint="A folder inside the bucket, as laptop/documents."
        value={form.prefix}
        onChange={(prefix) => put({ prefix })}
      />
      {place.ok && (
        <p className="muted">
          Files go to <PathText path={place.value.uri} className="mono" />
        </p>
      )}
    </>
  );
}
