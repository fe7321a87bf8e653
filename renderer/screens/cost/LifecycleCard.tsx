import { useState } from 'react';
import type { LifecyclePreview } from '../../../shared/cost.ts';
import { formatUsd } from '../../../shared/money.ts';
import type { FolderView } from '../../../shared/syncApi.ts';
import { formatBytes, formatCount } from '../../../shared/units.ts';
import { useAction } from '../../api/useAction.ts';
import { useApi } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import { CommandText } from '../../components/ShowCommand.tsx';
import { commandLine } from '../../text/commandLine.ts';
import { PriceLine } from './PriceLine.tsx';

/** The recommended lifecycle rules beside the live ones, and what they would do; applied only when asked twice. */
export function LifecycleCard({ folder }: { readonly folder: FolderView }) {
  const api = useApi();
  const { busy, run } = useAction();
  const [preview, setPreview] = useState<LifecyclePreview | null>(null);
  const [asking, setAsking] = useState(false);
  const look = () => run(async () => setPreview(await api.previewLifecycle({ folderId: folder.id })));
  const apply = async () => {
    if (!preview) return;
    setAsking(false);
    await run(
      async () => setPreview(await api.applyLifecycle({ folderId: folder.id, revision: preview.revision })),
      'The lifecycle rules are written, and were read back',
    );
  };
  return (
    <section className="card stack" aria-labelledby="lifecycle">
      <div className="card-head">
        <h2 id="lifecycle" className="card-title">
          Lifecycle of <bdi>{folder.uri}</bdi>
        </h2>
        <Button busy={busy} onClick={look}>
          {preview ? 'Look again' : 'Compare with the recommended rules'}
        </Button>
      </div>
      {!preview && (
        <p className="muted">
          Moves what is old to cheaper classes and clears what was left unfinished. Rules that others made are kept as
          they are.
        </p>
      )}
      {preview && <Difference preview={preview} />}
      {preview?.refusal && <p className="field-error">Can’t be applied: {preview.refusal}.</p>}
      {preview && preview.refusal === null && preview.changes && (
        <div>
          <Button look="primary" busy={busy} onClick={() => setAsking(true)}>
            Apply…
          </Button>
        </div>
      )}
      <CommandText command={commandLine(['sluice', 'lifecycle', 'diff', folder.uri])} />
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        title="Write these rules to the bucket?"
        description="From then on S3 moves and deletes objects by itself, also those that are there already."
        actions={
          <>
            <Button onClick={() => setAsking(false)}>Cancel</Button>
            <Button look="danger" onClick={apply}>
              Write the rules
            </Button>
          </>
        }
      >
        {preview && <Lines preview={preview} only />}
      </Dialog>
    </section>
  );
}

const words = { same: 'There', add: 'New', change: 'Changed', keep: 'Not ours, kept' } as const;

function Lines({ preview, only = false }: { readonly preview: LifecyclePreview; readonly only?: boolean }) {
  const lines = preview.lines.filter(({ change }) => !only || change === 'add' || change === 'change');
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section className="table-scroll" tabIndex={0} aria-label={only ? 'Rules to be written' : 'Lifecycle rules'}>
      <table>
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col">What it does</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ change, id, text, before }) => (
            <tr key={`${change} ${id} ${text}`}>
              <td>
                {words[change]}
                <div className="field-hint">
                  <bdi>{id || 'no name'}</bdi>
                </div>
              </td>
              <td>
                <bdi>{text}</bdi>
                {before !== null && (
                  <div className="field-hint">
                    now: <bdi>{before}</bdi>
                  </div>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Difference({ preview }: { readonly preview: LifecyclePreview }) {
  const { effects, tooSmall, traps, strays, objectsKnown } = preview;
  return (
    <div className="stack">
      <Lines preview={preview} />
      {!preview.changes && <p>The recommended rules are all there.</p>}
      <p role="status">
        {objectsKnown === 0
          ? 'No objects are known here yet, so nothing can be said of the effect.'
          : `Of ${formatCount(objectsKnown)} objects that are known: ${formatUsd(preview.usdPerMonthNow)} a month now, ${formatUsd(preview.usdPerMonthThen)} when all is where it ends. Moving them costs ${formatUsd(preview.transitionUsd)} once.`}
      </p>
      <ul className="cost-list">
        {effects.map(({ step, objects, bytes, due }) => (
          <li key={step}>
            {step === 'delete' ? 'Deleted' : `To ${step}`}: {formatCount(objects)} objects, {formatBytes(bytes)}
            {due
              .filter((each) => each.objects > 0)
              .map(
                (each) => `, ${formatCount(each.objects)} ${each.days === 0 ? 'at once' : `within ${each.days} days`}`,
              )
              .join('')}
          </li>
        ))}
        {tooSmall.objects > 0 && (
          <li>
            Too small to be moved: {formatCount(tooSmall.objects)} objects, {formatBytes(tooSmall.bytes)}
          </li>
        )}
        {traps.map((trap) => (
          <li key={trap}>{trap}</li>
        ))}
        {strays.uploads > 0 && (
          <li>
            {formatCount(strays.uploads)} unfinished uploads are in the bucket
            {strays.withoutRule ? ', and no rule clears them yet' : ''}
          </li>
        )}
      </ul>
      <dl className="folder-facts cost-facts">
        {preview.bucket.map(({ name, state, detail }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {state}, {detail}
            </dd>
          </div>
        ))}
      </dl>
      <PriceLine prices={preview.prices} />
    </div>
  );
}
