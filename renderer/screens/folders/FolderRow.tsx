import { Collapsible } from '@base-ui/react/collapsible';
import { ChevronRight } from 'lucide-react';
import type { FolderView } from '../../../shared/syncApi.ts';
import { PathText } from '../../components/PathText.tsx';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { StateIcon, stateTone } from '../../components/StateIcon.tsx';
import { folderTotals } from '../../text/folderTotals.ts';
import { FolderActions } from './FolderActions.tsx';
import { FolderFacts } from './FolderFacts.tsx';

interface FolderRowProps {
  readonly folder: FolderView;
  /** Sent of files that aren't proven yet. */
  readonly bytesOnTheWay: number;
  readonly startsOpen: boolean;
}

export function FolderRow({ folder, bytesOnTheWay, startsOpen }: FolderRowProps) {
  const { percent, text } = folderTotals(folder, bytesOnTheWay);
  const name = folder.path.split(/[/\\]/).filter(Boolean).at(-1) ?? folder.path;
  return (
    <li className="card folder">
      <Collapsible.Root defaultOpen={startsOpen}>
        <h2 className="folder-heading">
          <Collapsible.Trigger className="folder-trigger">
            <ChevronRight size={16} aria-hidden className="disclosure-icon" />
            <StateIcon state={folder.phase} size={20} />
            <span className="folder-title">
              <PathText path={name} limit={48} className="folder-name" />
              <span className="folder-phase">
                <bdi>{folder.phaseText}</bdi>
              </span>
            </span>
            <span className="folder-figures">
              <span className="folder-percent">{percent}%</span>
              <span className="folder-left">{text}</span>
            </span>
          </Collapsible.Trigger>
        </h2>
        <ProgressBar
          label={`Uploaded: ${name}`}
          percent={percent}
          tone={stateTone(folder.phase)}
          text={`${percent} percent, ${text}`}
        />
        <Collapsible.Panel className="folder-panel">
          <FolderFacts folder={folder} />
          <FolderActions folder={folder} name={name} />
        </Collapsible.Panel>
      </Collapsible.Root>
    </li>
  );
}
