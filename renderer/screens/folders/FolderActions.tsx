import {
  ArchiveX,
  CloudCog,
  Ellipsis,
  FolderDown,
  FolderOpen,
  Pause,
  Play,
  RefreshCw,
  ShieldCheck,
  Trash2,
} from 'lucide-react';
import { useState } from 'react';
import type { FolderView } from '../../../shared/syncApi.ts';
import { useAction } from '../../api/useAction.ts';
import { useApi } from '../../api/useEngine.ts';
import { Button } from '../../components/Button.tsx';
import { Menu } from '../../components/Menu.tsx';
import { ShowCommand } from '../../components/ShowCommand.tsx';
import { folderCommand, restoreCommand, verifyCommand } from '../../text/commandLine.ts';
import { DeletesDialog } from './DeletesDialog.tsx';
import { ReconcileDialog } from './ReconcileDialog.tsx';
import { RemoveFolderDialog } from './RemoveFolderDialog.tsx';
import { RestoreDialog } from './RestoreDialog.tsx';
import { VerifyDialog } from './VerifyDialog.tsx';

interface FolderActionsProps {
  readonly folder: FolderView;
  readonly name: string;
}

export function FolderActions({ folder, name }: FolderActionsProps) {
  const api = useApi();
  const { busy, run } = useAction();
  const [asking, setAsking] = useState<'verify' | 'restore' | 'remove' | 'deletes' | 'reconcile' | null>(null);
  const openPath = window.sluiceBridge?.openPath;
  const folderId = folder.id;
  return (
    <div className="folder-actions">
      {folder.paused ? (
        <Button
          busy={busy}
          icon={<Play size={15} aria-hidden />}
          onClick={() => run(() => api.resumeFolder({ folderId }))}
        >
          Resume
        </Button>
      ) : (
        <Button
          busy={busy}
          icon={<Pause size={15} aria-hidden />}
          onClick={() => run(() => api.pauseFolder({ folderId }))}
        >
          Pause
        </Button>
      )}
      <Button icon={<ShieldCheck size={15} aria-hidden />} onClick={() => setAsking('verify')}>
        Verify
      </Button>
      <Button icon={<FolderDown size={15} aria-hidden />} onClick={() => setAsking('restore')}>
        Restore…
      </Button>
      <Menu
        label="More"
        look="ghost"
        trigger={
          <>
            <Ellipsis size={15} aria-hidden />
            More
          </>
        }
        entries={[
          ...(openPath
            ? [
                {
                  label: 'Open the folder',
                  icon: <FolderOpen size={15} aria-hidden />,
                  run: () => openPath(folder.path),
                },
              ]
            : []),
          {
            label: 'Rescan',
            icon: <RefreshCw size={15} aria-hidden />,
            run: () => void run(() => api.rescanFolder({ folderId }), `Looking through ${name} again`),
          },
          {
            label: 'Compare with the bucket…',
            icon: <CloudCog size={15} aria-hidden />,
            run: () => setAsking('reconcile'),
          },
          { label: 'Deletes…', icon: <ArchiveX size={15} aria-hidden />, run: () => setAsking('deletes') },
          { label: 'Remove…', icon: <Trash2 size={15} aria-hidden />, danger: true, run: () => setAsking('remove') },
        ]}
      />
      <span className="spring" />
      <ShowCommand
        commands={[
          folder.paused
            ? { does: 'Resume', command: folderCommand('resume', folder) }
            : { does: 'Pause', command: folderCommand('pause', folder) },
          { does: 'Verify', command: verifyCommand(folder, false) },
          { does: 'Verify, reading every local byte again', command: verifyCommand(folder, true) },
          {
            does: 'Restore',
            command: restoreCommand(folder, { target: 'FOLDER', include: [], overwrite: false }),
          },
          { does: 'Compare the bucket’s listing', command: folderCommand('reconcile', folder) },
          { does: 'See what is to be deleted', command: folderCommand('deletes', folder) },
          { does: 'Remove', command: folderCommand('remove', folder) },
        ]}
      />
      <VerifyDialog folder={folder} name={name} open={asking === 'verify'} onClose={() => setAsking(null)} />
      <RestoreDialog folder={folder} name={name} open={asking === 'restore'} onClose={() => setAsking(null)} />
      {asking === 'deletes' && <DeletesDialog folder={folder} name={name} onClose={() => setAsking(null)} />}
      <ReconcileDialog folder={folder} name={name} open={asking === 'reconcile'} onClose={() => setAsking(null)} />
      <RemoveFolderDialog folder={folder} name={name} open={asking === 'remove'} onClose={() => setAsking(null)} />
    </div>
  );
}
