import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { createFixtureApi, type FixtureApi, type Scenario } from '../support/fixtureApi.ts';
import { type RendererHost, startRendererHost } from '../support/rendererHost.ts';

export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  readonly fixture: FixtureApi;
  readonly host: RendererHost;
  /** CSP violations, uncaught errors and console errors so far. */
  readonly complaints: readonly string[];
  goTo(screen: string): Promise<void>;
}

/** The built page in a fresh context, connected to a fixture engine. */
export async function openPage(
  browser: Browser,
  scenario: Scenario,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const fixture = createFixtureApi(scenario);
  const host = await startRendererHost(fixture.api);
  const context = await browser.newContext({
    viewport: { width: 1180, height: 800 },
    reducedMotion: 'reduce',
    ...options,
  });
  const complaints: string[] = [];
  await context.exposeFunction('reportViolation', (text: string) => void complaints.push(`CSP: ${text}`));
  await context.addInitScript(() => {
    document.addEventListener(
      'securitypolicyviolation',
      ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
        const report = (window as unknown as { reportViolation(text: string): void }).reportViolation;
        report(`${violatedDirective} ${blockedURI} ${sourceFile}:${lineNumber}`);
      },
    );
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('WebSocket connection')) complaints.push(message.text());
  });
  await page.goto(host.url);
  await page.locator('.sentence-text').waitFor();
  return {
    page,
    fixture,
    host,
    complaints,
    goTo: async (screen) => {
      await page
        .getByRole('link', { name: new RegExp(`^${screen}`) })
        .first()
        .click();
      await page.getByRole('heading', { level: 1, name: screen }).waitFor();
    },
    [Symbol.asyncDispose]: async () => {
      await context.close();
      await host.close();
    },
  };
}
