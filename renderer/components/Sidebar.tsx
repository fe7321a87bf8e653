import { Activity, CircleDollarSign, FolderSync, Gauge, type LucideIcon, Settings, TriangleAlert } from 'lucide-react';
import { useContext } from 'react';
import { formatCount, formatRate } from '../../shared/units.ts';
import { SnapshotContext } from '../api/useEngine.ts';
import type { ScreenName } from '../api/useRoute.ts';

const entries: readonly { readonly screen: ScreenName; readonly label: string; readonly icon: LucideIcon }[] = [
  { screen: 'overview', label: 'Overview', icon: Gauge },
  { screen: 'folders', label: 'Folders', icon: FolderSync },
  { screen: 'activity', label: 'Activity', icon: Activity },
  { screen: 'issues', label: 'Issues', icon: TriangleAlert },
  { screen: 'cost', label: 'Cost', icon: CircleDollarSign },
  { screen: 'settings', label: 'Settings', icon: Settings },
];

export function Sidebar({ route }: { readonly route: ScreenName }) {
  const snapshot = useContext(SnapshotContext);
  const issues = snapshot?.issueCount ?? 0;
  const limit = snapshot?.maxBandwidthBytesPerSecond ?? null;
  return (
    <nav className="sidebar" aria-label="Screens">
      <div className="brand">
        <svg className="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="9" />
          <path d="M7 12c3 0 3 2.4 6 2.4S16 12 19 12s3 2.4 6 2.4M7 18.6c3 0 3 2.4 6 2.4s3-2.4 6-2.4 3 2.4 6 2.4" />
        </svg>
        Sluice
      </div>
      <ul className="nav">
        {entries.map(({ screen, label, icon: Icon }) => (
          <li key={screen}>
            <a
              href={`#/${screen}`}
              className="nav-link"
              aria-current={screen === route ? 'page' : undefined}
              title={label}
            >
              <Icon size={17} aria-hidden />
              <span>{label}</span>
              {screen === 'issues' && issues > 0 && (
                <span className="badge">
                  {issues > 999 ? '999+' : issues}
                  <span className="visually-hidden"> open</span>
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
      {snapshot && (
        <dl className="sidebar-facts">
          <div>
            <dt>Now</dt>
            <dd>{formatRate(snapshot.totals.bytesPerSecond)}</dd>
          </div>
          <div>
            <dt>Limit</dt>
            <dd>{limit === null ? 'none' : formatRate(limit)}</dd>
          </div>
          <div>
            <dt>Connections</dt>
            <dd>{formatCount(snapshot.totals.connections)}</dd>
          </div>
        </dl>
      )}
    </nav>
  );
}
