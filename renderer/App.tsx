import { type ReactNode, useEffect, useRef } from 'react';
import { SnapshotContext, useEngineState } from './api/useEngine.ts';
import { type ScreenName, useRoute } from './api/useRoute.ts';
import { LinkBanner } from './components/LinkBanner.tsx';
import { Notices } from './components/Notices.tsx';
import { ScreenBoundary } from './components/ScreenBoundary.tsx';
import { Sidebar } from './components/Sidebar.tsx';
import { TopBar } from './components/TopBar.tsx';
import { ActivityScreen } from './screens/activity/ActivityScreen.tsx';
import { CostScreen } from './screens/cost/CostScreen.tsx';
import { FoldersScreen } from './screens/folders/FoldersScreen.tsx';
import { IssuesScreen } from './screens/issues/IssuesScreen.tsx';
import { OverviewScreen } from './screens/overview/OverviewScreen.tsx';
import { SettingsScreen } from './screens/settings/SettingsScreen.tsx';

const screens: Readonly<Record<ScreenName, { readonly title: string; readonly show: () => ReactNode }>> = {
  overview: { title: 'Overview', show: () => <OverviewScreen /> },
  folders: { title: 'Folders', show: () => <FoldersScreen /> },
  activity: { title: 'Activity', show: () => <ActivityScreen /> },
  issues: { title: 'Issues', show: () => <IssuesScreen /> },
  cost: { title: 'Cost', show: () => <CostScreen /> },
  settings: { title: 'Settings', show: () => <SettingsScreen /> },
};

export function App() {
  const { link, snapshot } = useEngineState();
  const route = useRoute();
  const { title, show } = screens[route];
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef(route);

  useEffect(() => {
    document.title = `${title} · Sluice`;
    // A screen that was navigated to is announced; the first one is not, so that Tab begins at the top.
    if (shown.current !== route) heading.current?.focus();
    shown.current = route;
  }, [route, title]);

  return (
    <SnapshotContext value={snapshot}>
      <button type="button" className="skip-link" onClick={() => heading.current?.focus()}>
        Skip to the content
      </button>
      <div className="shell">
        <Sidebar route={route} />
        <div className="column">
          <LinkBanner link={link} known={snapshot !== null} />
          <TopBar title={title} route={route} heading={heading} />
          <main id="main" className="main">
            {snapshot ? <ScreenBoundary key={route}>{show()}</ScreenBoundary> : <Waiting link={link} />}
          </main>
        </div>
        <Notices />
      </div>
    </SnapshotContext>
  );
}

function Waiting({ link }: { readonly link: string }) {
  return link === 'connecting' ? (
    <p className="waiting" role="status">
      Connecting to the engine…
    </p>
  ) : null;
}
