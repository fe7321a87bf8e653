import { useEffect, useState } from 'react';
import { errorView } from '../../../shared/errors.ts';
import type { PolicyView } from '../../../shared/policy.ts';
import type { EngineSettings } from '../../../shared/settings.ts';
import { useAction } from '../../api/useAction.ts';
import { useApi, useSnapshot } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { Select } from '../../components/Select.tsx';
import { TextField } from '../../components/TextField.tsx';
import { lockReason } from '../../text/lockReason.ts';
import { fullTime } from '../../text/timeAgo.ts';
import { AccelerationFields } from './AccelerationFields.tsx';
import { PolicyCard } from './PolicyCard.tsx';
import { formOf, parseForm, type SettingsForm } from './settingsForm.ts';

export function SettingsScreen() {
  const api = useApi();
  const [saved, setSaved] = useState<EngineSettings | null>(null);
  const [policy, setPolicy] = useState<PolicyView | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    Promise.all([api.policy({}), api.settings({})]).then(
      ([view, settings]) => {
        setPolicy(view);
        setSaved(settings);
      },
      (error) => setFailure(errorView(error).message),
    );
  }, [api]);
  return (
    <>
      {failure && <p className="field-error">{failure}</p>}
      {saved && policy && <LimitsForm saved={saved} policy={policy} onSaved={setSaved} />}
      {policy && policy.source !== null && <PolicyCard policy={policy} />}
      <About />
    </>
  );
}

interface LimitsFormProps {
  readonly saved: EngineSettings;
  readonly policy: PolicyView;
  readonly onSaved: (settings: EngineSettings) => void;
}

function LimitsForm({ saved, policy, onSaved }: LimitsFormProps) {
  const api = useApi();
  const { busy, run } = useAction();
  const [form, setForm] = useState<SettingsForm>(() => formOf(saved));
  const [tried, setTried] = useState(false);
  const { change, errors } = parseForm(form, saved);
  const shown = tried ? errors : {};
  const changed = JSON.stringify(form) !== JSON.stringify(formOf(saved));
  const lockOf = (name: keyof EngineSettings): string | null => lockReason(policy, name);
  const put = (fields: Partial<SettingsForm>) => setForm((current) => ({ ...current, ...fields }));

  const save = async () => {
    setTried(true);
    if (!change) return;
    await run(async () => {
      const now = await api.updateSettings(change);
      onSaved(now);
      setForm(formOf(now));
      setTried(false);
    }, 'Settings saved');
  };

  return (
    <form
      className="card settings"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void save();
      }}
    >
      <fieldset>
        <legend className="card-title">Limits</legend>
        <div className="settings-grid">
          <TextField
            label="Upload speed"
            hint="As 20MiB/s or 160Mbps. Empty: no limit."
            placeholder="no limit"
            locked={lockOf('maxBandwidthBytesPerSecond')}
            value={form.bandwidth}
            onChange={(bandwidth) => put({ bandwidth })}
            error={shown.bandwidth}
          />
          <TextField
            label="Connections at most"
            hint="1 to 250, over all stores together."
            inputMode="numeric"
            locked={lockOf('maxConnections')}
            value={form.maxConnections}
            onChange={(maxConnections) => put({ maxConnections })}
            error={shown.maxConnections}
          />
          <TextField
            label="Memory for uploads"
            hint="As 512MiB, at least 32MiB."
            locked={lockOf('memoryBytes')}
            value={form.memory}
            onChange={(memory) => put({ memory })}
            error={shown.memory}
          />
        </div>
      </fieldset>
      <fieldset>
        <legend className="card-title">Uploads</legend>
        <div className="settings-grid">
          <Select
            label="Part size"
            locked={lockOf('partSizeBytes')}
            value={form.partSizeKind}
            options={[
              { value: 'auto', label: 'Automatic' },
              { value: 'fixed', label: 'Always the same' },
            ]}
            onChange={(partSizeKind) => put({ partSizeKind })}
          />
          {form.partSizeKind === 'fixed' && (
            <TextField
              label="Size of a part"
              hint="5MiB to 5GiB."
              locked={lockOf('partSizeBytes')}
              value={form.partSize}
              onChange={(partSize) => put({ partSize })}
              error={shown.partSize}
            />
          )}
          <Select
            label="Checksum"
            locked={lockOf('checksum')}
            value={form.checksum}
            options={[
              { value: 'auto', label: 'Automatic' },
              { value: 'crc64nvme', label: 'CRC-64/NVME' },
              { value: 'crc32', label: 'CRC-32' },
              { value: 'crc32c', label: 'CRC-32C' },
              { value: 'sha256', label: 'SHA-256' },
            ]}
            onChange={(checksum) => put({ checksum })}
          />
          <TextField
            label="Wait until a file is quiet"
            hint="Seconds without a change, 0 to 600."
            inputMode="decimal"
            locked={lockOf('settleMs')}
            value={form.settleSeconds}
            onChange={(settleSeconds) => put({ settleSeconds })}
            error={shown.settleSeconds}
          />
          <TextField
            label="Look through everything every"
            hint="Minutes. Changes are seen at once; this catches what was missed."
            inputMode="decimal"
            locked={lockOf('rescanIntervalMs')}
            value={form.rescanMinutes}
            onChange={(rescanMinutes) => put({ rescanMinutes })}
            error={shown.rescanMinutes}
          />
        </div>
      </fieldset>
      <AccelerationFields form={form} errors={shown} locked={lockOf('acceleration')} put={put} />
      <div className="settings-actions">
        <Button type="submit" look="primary" busy={busy} disabled={!changed}>
          Save
        </Button>
        {changed && (
          <Button
            onClick={() => {
              setForm(formOf(saved));
              setTried(false);
            }}
          >
            Undo
          </Button>
        )}
        {shown.form && (
          <p className="field-error" role="alert">
            {shown.form}
          </p>
        )}
      </div>
    </form>
  );
}

const hosts = { electron: 'Desktop app', daemon: 'Daemon', command: 'Command' } as const;

function About() {
  const { about } = useSnapshot();
  return (
    <section className="card" aria-labelledby="about">
      <h2 id="about" className="card-title">
        About
      </h2>
      <dl className="folder-facts">
        <div>
          <dt>Version</dt>
          <dd>{about.version}</dd>
        </div>
        <div>
          <dt>Runs as</dt>
          <dd>{hosts[about.host]}</dd>
        </div>
        <div>
          <dt>Since</dt>
          <dd>{fullTime(about.startedAt)}</dd>
        </div>
        <div>
          <dt>Data directory</dt>
          <dd>
            <bdi className="mono">{about.dataDir}</bdi>
          </dd>
        </div>
      </dl>
    </section>
  );
}
