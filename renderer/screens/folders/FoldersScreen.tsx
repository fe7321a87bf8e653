import { FolderPlus } from 'lucide-react';
import { useState } from 'react';
import type { FolderId } from '../../../shared/ids.ts';
import { useSnapshot } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { AddFolderDialog } from './AddFolderDialog.tsx';
import { FolderRow } from './FolderRow.tsx';

export function FoldersScreen() {
  const { folders, transfers } = useSnapshot();
  const onTheWay = (id: FolderId) =>
    transfers.reduce((bytes, transfer) => bytes + (transfer.folderId === id ? transfer.bytesDone : 0), 0);
  const [adding, setAdding] = useState(false);
  const add = (
    <Button look="primary" icon={<FolderPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
      Add a folder
    </Button>
  );
  return (
    <>
      {folders.length === 0 ? (
        <div className="card">
          <EmptyState
            icon={FolderPlus}
            title="No folder yet"
            text="Add the first one: sign in, choose a bucket, choose a folder. It takes about a minute."
            action={add}
          />
        </div>
      ) : (
        <>
          <ul className="folders">
            {folders.map((folder) => (
              <FolderRow
                key={folder.id}
                folder={folder}
                bytesOnTheWay={onTheWay(folder.id)}
                startsOpen={folders.length === 1}
              />
            ))}
          </ul>
          <div>{add}</div>
        </>
      )}
      <AddFolderDialog open={adding} onClose={() => setAdding(false)} />
    </>
  );
}
