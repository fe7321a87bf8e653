import { useLayoutEffect, useRef, useState } from 'react';
import { type ErrorView, errorView } from '../../../shared/errors.ts';
import type { ProbeResult } from '../../../shared/syncApi.ts';
import { notify } from '../../api/notices.ts';
import { useApi } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import {
  type AddFolderErrors,
  type AddFolderForm,
  addFolderParams,
  connectionOf,
  emptyAddFolderForm,
  folderOf,
  placeOf,
} from './addFolderForm.ts';
import { BucketStep } from './BucketStep.tsx';
import { ConnectionStep } from './ConnectionStep.tsx';
import { FolderStep } from './FolderStep.tsx';
import { ProbeSteps } from './ProbeSteps.tsx';
import { SummaryStep } from './SummaryStep.tsx';

const steps = ['Sign in', 'Bucket', 'Folder', 'Summary'] as const;

interface AddFolderDialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
}

/** Typed keys must not outlive the dialog: its state is made anew each time it opens. */
export function AddFolderDialog({ open, onClose }: AddFolderDialogProps) {
  return open ? <AddFolderWizard onClose={onClose} /> : null;
}

function AddFolderWizard({ onClose }: { readonly onClose: () => void }) {
  const api = useApi();
  const [step, setStep] = useState(0);
  const [form, setForm] = useState(emptyAddFolderForm);
  const [errors, setErrors] = useState<AddFolderErrors>({});
  const [busy, setBusy] = useState(false);
  const [probe, setProbe] = useState<ProbeResult | null>(null);
  const [buckets, setBuckets] = useState<readonly string[] | null>(null);
  const [failure, setFailure] = useState<ErrorView | null>(null);
  const body = useRef<HTMLFormElement>(null);

  // Each step starts at its first control, in the commit that draws it: moved later, the focus would be taken from
  // whoever is already typing.
  useLayoutEffect(() => firstControl(body.current)?.focus(), [step]);

  const put = (change: Partial<AddFolderForm>) => {
    setForm((current) => ({ ...current, ...change }));
    setErrors({});
    setFailure(null);
    setProbe(null);
  };
  const go = (next: number) => {
    setStep(next);
    setErrors({});
    setFailure(null);
    setProbe(null);
  };

  const attempt = async (action: () => Promise<void>) => {
    setBusy(true);
    setFailure(null);
    try {
      await action();
    } catch (error) {
      setFailure(errorView(error));
    } finally {
      setBusy(false);
    }
  };

  const test = async (bucket: string | null): Promise<ProbeResult | null> => {
    const connection = connectionOf(form);
    if (!connection.ok) {
      setErrors(connection.errors);
      return null;
    }
    const result = await api.probeConnection({ connection: connection.value, bucket });
    if (result.buckets) setBuckets(result.buckets);
    setProbe(result);
    return result;
  };

  const goOn = () => {
    if (busy) return;
    if (step === 0 || step === 1) {
      const checked = step === 0 ? connectionOf(form) : placeOf(form);
      if (!checked.ok) return setErrors(checked.errors);
      // A failed test was shown: keys without the right to list buckets can still be the right ones.
      if (probe) return go(step + 1);
      return void attempt(async () => {
        const result = await test(step === 0 ? null : form.bucket.trim());
        if (result?.ok) go(step + 1);
      });
    }
    if (step === 2) {
      const folder = folderOf(form);
      return folder.ok ? go(3) : setErrors(folder.errors);
    }
    void attempt(async () => {
      const params = addFolderParams(form);
      if (!params) return;
      await api.addFolder(params);
      notify({ kind: 'done', text: `${params.path} is now kept in S3`, remedy: null });
      onClose();
    });
  };

  const last = step === steps.length - 1;
  return (
    <Dialog
      open
      onClose={onClose}
      size="wide"
      title="Add a folder"
      initialFocus={() => firstControl(body.current)}
      actions={
        <>
          {step === 0 && (
            <Button
              busy={busy}
              onClick={() =>
                void attempt(async () => {
                  await test(null);
                })
              }
            >
              Test the connection
            </Button>
          )}
          <span className="spring" />
          {step > 0 && <Button onClick={() => go(step - 1)}>Back</Button>}
          <Button look="primary" busy={busy} type="submit" form="add-folder">
            {last
              ? busy
                ? 'Adding…'
                : 'Add the folder'
              : busy
                ? 'Testing…'
                : probe && !probe.ok
                  ? 'Continue anyway'
                  : 'Continue'}
          </Button>
        </>
      }
    >
      <ol className="steps" aria-label="Steps">
        {steps.map((name, index) => (
          <li key={name} className={index < step ? 'step-done' : ''} aria-current={index === step ? 'step' : undefined}>
            <span className="step-number">{index + 1}</span>
            {name}
          </li>
        ))}
      </ol>
      <form
        id="add-folder"
        ref={body}
        className="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          goOn();
        }}
      >
        {step === 0 && <ConnectionStep form={form} errors={errors} put={put} />}
        {step === 1 && <BucketStep form={form} errors={errors} put={put} buckets={buckets} />}
        {step === 2 && <FolderStep form={form} errors={errors} put={put} />}
        {step === 3 && <SummaryStep form={form} />}
      </form>
      <div role="status" className="stack">
        {probe && <ProbeSteps probe={probe} />}
        {failure && (
          <div className="result">
            <div>
              <strong>
                <bdi>{failure.message}</bdi>
              </strong>
              <p className="field-hint">{failure.remedy}</p>
            </div>
          </div>
        )}
      </div>
    </Dialog>
  );
}

function firstControl(form: HTMLFormElement | null): HTMLElement | null {
  return (
    form?.querySelector<HTMLElement>('input:not([type="hidden"], [aria-hidden], [type="radio"]:not(:checked))') ?? null
  );
}

export interface StepProps {
  readonly form: AddFolderForm;
  readonly errors: AddFolderErrors;
  readonly put: (change: Partial<AddFolderForm>) => void;
}
