import { FolderOpen } from 'lucide-react';
import { useId, useState } from 'react';
import type { IgnorePreset } from '../../../shared/settings.ts';
import { Button } from '../../components/Button.tsx';
import { Switch } from '../../components/Switch.tsx';
import { TextField } from '../../components/TextField.tsx';
import { ignorePresets } from '../../text/ignorePresets.ts';
import type { StepProps } from './AddFolderDialog.tsx';
import { FolderBrowser } from './FolderBrowser.tsx';

export function FolderStep({ form, errors, put }: StepProps) {
  const id = useId();
  const bridge = window.sluiceBridge;
  const [browsing, setBrowsing] = useState(false);
  const choose = async () => {
    if (!bridge) return setBrowsing((shown) => !shown);
    const path = await bridge.pickFolder();
    if (path !== null) put({ path });
  };
  const choosePreset = (preset: IgnorePreset, leaveOut: boolean) => {
    const others = form.presets.filter((other) => other !== preset);
    put({ presets: leaveOut ? [...others, preset] : others });
  };
  return (
    <>
      <div className="with-button">
        <TextField
          label="Folder on this machine"
          placeholder="/home/you/Documents"
          value={form.path}
          onChange={(path) => put({ path })}
          error={errors.path}
        />
        <Button
          icon={<FolderOpen size={15} aria-hidden />}
          onClick={choose}
          {...(bridge ? {} : { 'aria-expanded': browsing })}
        >
          {bridge ? 'Choose…' : 'Browse'}
        </Button>
      </div>
      {browsing && <FolderBrowser path={form.path || null} onPick={(path) => put({ path })} />}
      <fieldset className="radio-group">
        <legend className="field-label">Leave out</legend>
        <div className="presets">
          {ignorePresets.map(({ preset, label, hint }) => (
            <Switch
              key={preset}
              label={label}
              hint={hint}
              checked={form.presets.includes(preset)}
              onChange={(leaveOut) => choosePreset(preset, leaveOut)}
            />
          ))}
        </div>
      </fieldset>
      <div className="field">
        <label className="field-label" htmlFor={id}>
          Leave out as well (optional)
        </label>
        <textarea
          id={id}
          className="input mono"
          rows={3}
          spellCheck={false}
          value={form.exclude}
          onChange={(event) => put({ exclude: event.target.value })}
          placeholder={'build/\n*.tmp'}
          aria-describedby={`${id}-hint`}
        />
        <p id={`${id}-hint`} className="field-hint">
          One pattern a line, as in .gitignore. A .sluiceignore file in the folder counts as well.
        </p>
      </div>
    </>
  );
}
