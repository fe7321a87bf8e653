import { FolderOpen } from 'lucide-react';
import { useId, useState } from 'react';
import { Button } from '../../components/Button.tsx';
import { TextField } from '../../components/TextField.tsx';
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
      <div className="field">
        <label className="field-label" htmlFor={id}>
          Leave out (optional)
        </label>
        <textarea
          id={id}
          className="input mono"
          rows={3}
          spellCheck={false}
          value={form.exclude}
          onChange={(event) => put({ exclude: event.target.value })}
          placeholder={'node_modules/\n*.tmp'}
          aria-describedby={`${id}-hint`}
        />
        <p id={`${id}-hint`} className="field-hint">
          One pattern a line, as in .gitignore. A .sluiceignore file in the folder counts as well.
        </p>
      </div>
    </>
  );
}
