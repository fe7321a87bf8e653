import { Search } from 'lucide-react';
import { useEffect, useState } from 'react';
import { asFolderId } from '../../../shared/ids.ts';
import type { ActivityAction } from '../../../shared/syncApi.ts';
import { useApi, useSnapshot } from '../../api/useEngine.ts';
import { Select } from '../../components/Select.tsx';
import { truncateMiddle } from '../../text/truncateMiddle.ts';
import { ActivityList } from './ActivityList.tsx';
import { ActivityPages } from './activityPages.ts';

const kinds = [
  { value: 'all', label: 'Everything', actions: [] },
  { value: 'uploaded', label: 'Uploaded', actions: ['put', 'multipart'] },
  { value: 'copied', label: 'Copied in S3', actions: ['copy'] },
  { value: 'deleted', label: 'Deleted in S3', actions: ['delete'] },
  { value: 'skipped', label: 'Skipped', actions: ['skip'] },
  { value: 'failed', label: 'Failed', actions: ['failed'] },
] as const satisfies readonly { value: string; label: string; actions: readonly ActivityAction[] }[];
type Kind = (typeof kinds)[number]['value'];

/** ms of quiet before a search is asked. */
const typingPause = 250;

export function ActivityScreen() {
  const api = useApi();
  const { folders } = useSnapshot();
  const [kind, setKind] = useState<Kind>('all');
  const [folder, setFolder] = useState('all');
  const [typed, setTyped] = useState('');
  const [search, setSearch] = useState('');
  const [pages, setPages] = useState<ActivityPages | null>(null);

  useEffect(() => {
    const timer = setTimeout(() => setSearch(typed.trim()), typingPause);
    return () => clearTimeout(timer);
  }, [typed]);

  useEffect(() => {
    const { actions } = kinds.find(({ value }) => value === kind)!;
    setPages(
      new ActivityPages(api, { folderId: folder === 'all' ? null : asFolderId(Number(folder)), search, actions }),
    );
  }, [api, kind, folder, search]);

  return (
    <div className="card activity">
      <search className="toolbar">
        <div className="search">
          <Search size={15} aria-hidden />
          <input
            type="search"
            className="input"
            aria-label="Search paths"
            placeholder="Search paths"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </div>
        <Select label="What happened" hideLabel value={kind} options={kinds} onChange={setKind} />
        <Select
          label="Folder"
          hideLabel
          value={folder}
          options={[
            { value: 'all', label: 'All folders' },
            ...folders.map(({ id, path }) => ({ value: String(id), label: truncateMiddle(path, 36) })),
          ]}
          onChange={setFolder}
        />
      </search>
      {pages && <ActivityList pages={pages} filtered={kind !== 'all' || folder !== 'all' || search !== ''} />}
    </div>
  );
}
