import { PathText } from '../../components/PathText.tsx';
import { CommandText } from '../../components/ShowCommand.tsx';
import { addFolderCommand } from '../../text/commandLine.ts';
import { presetLabels } from '../../text/ignorePresets.ts';
import { type AddFolderForm, addFolderParams } from './addFolderForm.ts';
import { SummaryForecast } from './SummaryForecast.tsx';

export function SummaryStep({ form }: { readonly form: AddFolderForm }) {
  const params = addFolderParams(form);
  if (!params) return null;
  const { connection, rules } = params;
  const uri = `s3://${params.bucket}/${params.prefix}`;
  const { credentials } = connection;
  const signIn =
    credentials.kind === 'keys'
      ? `access key ${credentials.accessKeyId}`
      : `profile ${credentials.profile ?? 'default'}`;
  return (
    <>
      <dl className="folder-facts summary-facts">
        <div>
          <dt>Folder</dt>
          <dd>
            <PathText path={params.path} className="mono" />
          </dd>
        </div>
        <div>
          <dt>Goes to</dt>
          <dd>
            <PathText path={uri} className="mono" />
          </dd>
        </div>
        <div>
          <dt>Endpoint</dt>
          <dd>
            <bdi>{connection.endpointUrl ?? 'Amazon S3'}</bdi>, {signIn}
          </dd>
        </div>
        <div>
          <dt>Left out</dt>
          <dd>
            {presetLabels(rules).join(', ')}
            {rules.exclude.length > 0 && <bdi className="mono summary-patterns">{rules.exclude.join('  ')}</bdi>}
            {presetLabels(rules).length + rules.exclude.length === 0 && 'nothing'}
          </dd>
        </div>
      </dl>
      <SummaryForecast params={params} />
      <p className="muted">
        Uploading starts at once. Nothing is ever deleted in S3 or on this disk by this; you can pause at any time.
      </p>
      <div className="field">
        <div className="field-label">The same from a terminal</div>
        <CommandText command={addFolderCommand({ path: params.path, uri, connection, rules })} />
      </div>
    </>
  );
}
