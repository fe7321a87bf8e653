import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface StaticFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The built renderer's file for a URL path; null: there is none. Nothing outside `root` is ever named, not even by a link. */
export async function findStaticFile(root: string, urlPath: string): Promise<StaticFile | null> {
  const segments = decodedSegments(urlPath === '/' ? '/index.html' : urlPath);
  const type = segments && types[extname(segments.at(-1) ?? '').toLowerCase()];
  if (!segments || !type) return null;
  try {
    const realRoot = await realpath(root);
    const path = await realpath(join(realRoot, ...segments));
    if (!path.startsWith(realRoot + sep)) return null;
    const found = await stat(path);
    if (!found.isFile()) return null;
    const lasting = segments[0] === 'assets' && hashed.test(segments.at(-1) ?? '');
    return {
      path,
      sizeBytes: found.size,
      headers: {
        'Content-Type': type,
        'Cache-Control': lasting ? 'public, max-age=31536000, immutable' : 'no-store',
      },
    };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ELOOP') return null;
    throw error;
  }
}

/** A client that goes away in the middle is no error of ours. */
export async function sendStaticFile(response: ServerResponse, file: StaticFile, withBody: boolean): Promise<void> {
  response.writeHead(200, { ...file.headers, 'Content-Length': file.sizeBytes });
  if (!withBody) {
    response.end();
    return;
  }
  await pipeline(createReadStream(file.path), response).catch(() => response.destroy());
}

/** null: an attempt to leave the folder, or no path at all. */
function decodedSegments(urlPath: string): readonly string[] | null {
  try {
    const segments = decodeURIComponent(urlPath).split('/').slice(1);
    const odd = segments.some((segment) => segment === '' || segment.startsWith('.') || /[\\\0:]/.test(segment));
    return odd ? null : segments;
  } catch {
    return null;
  }
}

/** Vite's `name-B1x2_Y3z.js`. */
const hashed = /-[A-Za-z0-9_-]{8}\.\w+$/;
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};
