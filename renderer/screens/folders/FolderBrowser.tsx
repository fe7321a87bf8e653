import { CornerLeftUp, Folder } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { type ErrorView, errorView } from '../../../shared/errors.ts';
import type { LocalDirectory } from '../../../shared/syncApi.ts';
import { useApi } from '../../api/useEngine.ts';
import { PathText } from '../../components/PathText.tsx';

interface FolderBrowserProps {
  /** Where to begin; null: the home folder. */
  readonly path: string | null;
  readonly onPick: (path: string) => void;
}

/** For hosts without a folder dialog: entering a folder picks it. */
export function FolderBrowser({ path, onPick }: FolderBrowserProps) {
  const api = useApi();
  const [here, setHere] = useState<LocalDirectory | null>(null);
  const [failure, setFailure] = useState<ErrorView | null>(null);
  const [start] = useState(path);

  const look = useCallback(
    async (at: string | null): Promise<LocalDirectory | null> => {
      try {
        const found = await api.listLocalDirectory({ path: at });
        setHere(found);
        setFailure(null);
        return found;
      } catch (error) {
        setFailure(errorView(error));
        return null;
      }
    },
    [api],
  );
  useEffect(() => {
    void look(start).then((found) => found ?? look(null));
  }, [look, start]);

  const enter = async (at: string) => {
    const found = await look(at);
    if (found) onPick(found.path);
  };
  return (
    <div>
      <p className="muted browser-here">{here && <PathText path={here.path} className="mono" />}</p>
      <ul className="choices" aria-label="Folders">
        {here?.parent != null && (
          <li>
            <button type="button" className="choice" onClick={() => enter(here.parent!)}>
              <CornerLeftUp size={15} aria-hidden />
              Up
            </button>
          </li>
        )}
        {here?.directories.map((directory) => (
          <li key={directory.path}>
            <button type="button" className="choice" onClick={() => enter(directory.path)}>
              <Folder size={15} aria-hidden />
              <PathText path={directory.name} />
            </button>
          </li>
        ))}
        {here?.directories.length === 0 && <li className="muted choice-none">No folders in here.</li>}
      </ul>
      {failure && (
        <p className="field-error" role="alert">
          {failure.message}
        </p>
      )}
    </div>
  );
}
