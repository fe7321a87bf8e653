import { readFile, realpath } from 'node:fs/promises';
import { extname, join, resolve, sep } from 'node:path';
import { protocol } from 'electron';

/** The window's origin. A standard, secure scheme of our own: no file:// privileges, relative URLs and CSP's 'self' work. */
const appOrigin = 'app://sluice';
export const appUrl = `${appOrigin}/index.html`;

/** Nothing is ever loaded from elsewhere. Styles set through the DOM's style objects are not subject to style-src. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Before the app is ready. */
export function declareAppProtocol(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
}

/** After it: serves the files of `rendererDir` and nothing else. */
export function serveAppProtocol(rendererDir: string): void {
  protocol.handle('app', (request) => respond(rendererDir, request));
}

/** Is this document the app's own page? `new URL` gives no usable origin for schemes of our own, so the parts are compared. */
export function isAppUrl(url: string): boolean {
  try {
    const { protocol: scheme, host, username, port } = new URL(url);
    return scheme === 'app:' && host === 'sluice' && username === '' && port === '';
  } catch {
    return false;
  }
}

async function respond(rendererDir: string, request: Request): Promise<Response> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405);
  if (!isAppUrl(request.url)) return refuse(404);
  const path = await localPath(rendererDir, new URL(request.url).pathname);
  // a directory is as absent as a missing file
  const body = path === null ? null : await readFile(path).catch(() => null);
  if (path === null || body === null) return refuse(404);
  const headers = {
    'content-type': contentTypes[extname(path)] ?? 'application/octet-stream',
    'content-security-policy': contentSecurityPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
  };
  return new Response(request.method === 'HEAD' ? null : new Uint8Array(body), { headers });
}

/** The file that a URL path names below `root`; null: none, or it would lead out of it, by dots, by encoding or by a link. */
export async function localPath(root: string, urlPath: string): Promise<string | null> {
  try {
    const decoded = decodeURIComponent(urlPath);
    // the second test: a name that is still encoded, or spells a drive or stream of Windows
    if (decoded.includes('\0') || /[\\%:]/.test(decoded)) return null;
    const wanted = resolve(root, `.${decoded === '/' ? '/index.html' : decoded}`);
    const [real, realRoot] = await Promise.all([realpath(wanted), realpath(root)]);
    return real.startsWith(join(realRoot, sep)) ? real : null;
  } catch {
    return null;
  }
}

const refuse = (status: number): Response =>
  new Response(null, { status, headers: { 'content-security-policy': contentSecurityPolicy } });

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};
