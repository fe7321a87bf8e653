import type { FolderView } from '../../../shared/syncApi.ts';
import { useAction } from '../../api/useAction.ts';
import { useApi } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import { PathText } from '../../components/PathText.tsx';

interface RemoveFolderDialogProps {
  readonly folder: FolderView;
  readonly name: string;
  readonly open: boolean;
  readonly onClose: () => void;
}

export function RemoveFolderDialog({ folder, name, open, onClose }: RemoveFolderDialogProps) {
  const api = useApi();
  const { busy, run } = useAction();
  const remove = async () => {
    if (await run(() => api.removeFolder({ folderId: folder.id }), `${name} is no longer kept in S3`)) onClose();
  };
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={`Stop keeping “${name}”?`}
      description="Nothing is deleted: neither on this disk nor in S3."
      actions={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button look="danger" busy={busy} onClick={remove}>
            Remove
          </Button>
        </>
      }
    >
      <p>Sluice forgets this pair and uploads no further changes. Both sides stay as they are:</p>
      <ul className="pair">
        <li>
          <PathText path={folder.path} className="mono" />
        </li>
        <li>
          <PathText path={folder.uri} className="mono" />
        </li>
      </ul>
    </Dialog>
  );
}
