import './api/strictPage.ts';
import { CSPProvider } from '@base-ui/react/csp-provider';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import '@fontsource-variable/inter/standard.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/floating.css';
import './styles/overview.css';
import './styles/cost.css';
import './styles/folders.css';
import './styles/activity.css';
import { App } from './App.tsx';
import { connect } from './api/connect.ts';
import { EngineContext } from './api/useEngine.ts';

const engine = connect();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    {/* The CSP allows no style elements. */}
    <CSPProvider disableStyleElements>
      <EngineContext value={engine}>
        <App />
      </EngineContext>
    </CSPProvider>
  </StrictMode>,
);
