import { access, mkdir, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, chromium } from 'playwright-core';

/**
 * A headless Chromium for the tests: `SLUICE_CHROMIUM`, else the system's, else the one npm brings (Linux only, unpacked
 * into the temp folder). It talks to nobody: its background networking is off.
 */
export async function launchBrowser(): Promise<Browser> {
  const { executablePath, args } = await findChromium();
  // Under LC_ALL=C its `navigator.language` would be "en-US@posix", which its own Intl refuses.
  const env = { ...process.env, LC_ALL: 'en_US.UTF-8', LANGUAGE: 'en_US' };
  return chromium.launch({ executablePath, headless: true, args: [...args, ...quietArgs], env });
}

const quietArgs = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-sync',
  '--metrics-recording-only',
  '--no-first-run',
  '--no-pings',
  '--disable-features=OptimizationHints,MediaRouter,AutofillServerCommunication,Translate,DialMediaRouteProvider',
  '--proxy-server=direct://',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
  '--disable-dev-shm-usage',
];

const systemPaths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

async function findChromium(): Promise<{ executablePath: string; args: readonly string[] }> {
  const named = process.env.SLUICE_CHROMIUM;
  if (named) {
    if (await exists(named)) return { executablePath: named, args: [] };
    throw new Error(`SLUICE_CHROMIUM names ${named}, which does not exist.`);
  }
  for (const path of systemPaths) if (await exists(path)) return { executablePath: path, args: [] };
  if (process.platform === 'linux') {
    const executablePath = await unpackedOnce();
    if (await exists(executablePath))
      return { executablePath, args: ['--headless=shell', '--use-gl=angle', '--use-angle=swiftshader'] };
  }
  throw new Error(
    'The browser tests need Chromium: install it (Debian: apt-get install chromium) or set SLUICE_CHROMIUM to one.',
  );
}

/** Test files run side by side: a half unpacked browser must not be started by the second one. */
async function unpackedOnce(): Promise<string> {
  const lock = join(tmpdir(), 'sluice-chromium.lock');
  while (!(await mkdir(lock).then(yes, no))) {
    const age = await stat(lock).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    // Left behind by a killed run.
    if (age > 60_000) await rmdir(lock).catch(no);
    else await sleep(100);
  }
  try {
    // Its own libraries are unpacked beside it when it believes it runs where it was made for.
    process.env.AWS_EXECUTION_ENV ??= 'AWS_Lambda_nodejs24.x';
    const { default: packed } = await import('@sparticuz/chromium');
    return await packed.executablePath();
  } finally {
    await rmdir(lock);
  }
}

const yes = (): boolean => true;
const no = (): boolean => false;
const exists = (path: string): Promise<boolean> => access(path).then(yes, no);
