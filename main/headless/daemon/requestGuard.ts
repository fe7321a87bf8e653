import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface GuardedRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Where it came from, of the URL's query; null: not given. */
  readonly queryToken: string | null;
  /** A WebSocket is judged like a request that changes something. */
  readonly upgrade: boolean;
}

export type Verdict =
  | { readonly kind: 'allowed' }
  /** The token was in the URL: set the cookie and send the browser to a clean address. */
  | { readonly kind: 'signed-in'; readonly cookie: string }
  | { readonly kind: 'refused'; readonly status: 401 | 403 | 429; readonly reason: string };

export interface RequestGuard {
  /** Host and Origin: who is asking through which name. null: fine. */
  foreign(request: Pick<GuardedRequest, 'method' | 'headers' | 'upgrade'>): string | null;
  judge(request: GuardedRequest): Verdict;
  /** It brings the token of scrapers, which opens /metrics alone. */
  mayScrape(headers: IncomingHttpHeaders): boolean;
}

/** Wrong keys in a minute after which even the answer changes; right ones always pass, so nobody can lock the user out. */
const failuresPerMinute = 20;

/**
 * Who may talk to the daemon: only requests to the loopback names (a rebound DNS name fails), from our own page (Origin), that carry the
 * token or the session cookie that the token bought. The cookie's value is not the token: browsers send cookies to every port of a host.
 */
export function requestGuard(options: {
  readonly port: number;
  readonly token: string;
  /** null: there is none. */
  readonly scrapeToken: string | null;
  readonly now: () => number;
}): RequestGuard {
  const { port, token, scrapeToken, now } = options;
  const session = randomBytes(32).toString('base64url');
  const cookieName = `sluice-${port}`;
  const names = ['127.0.0.1', 'localhost', '[::1]'].flatMap((name) =>
    port === 80 ? [name, `${name}:80`] : [`${name}:${port}`],
  );
  const hosts = new Set(names);
  const origins = new Set(names.map((name) => `http://${name}`));
  let failures: number[] = [];

  const refuseKey = (): Verdict => {
    const at = now();
    failures = [...failures.filter((failedAt) => at - failedAt < 60_000), at].slice(-failuresPerMinute - 1);
    return failures.length > failuresPerMinute
      ? { kind: 'refused', status: 429, reason: 'Too many wrong tokens; try again in a minute' }
      : { kind: 'refused', status: 401, reason: 'This is not the token of this daemon' };
  };

  const foreign: RequestGuard['foreign'] = ({ method, headers, upgrade }) => {
    if (headers.host === undefined || !hosts.has(headers.host.toLowerCase())) return 'Unknown Host';
    const changes = upgrade || (method !== 'GET' && method !== 'HEAD');
    if (!changes) return null;
    // No browser leaves Origin out here; what isn't a browser has to bring the token itself.
    if (headers.origin === undefined) return bearerOf(headers) === null ? 'Origin is missing' : null;
    return origins.has(headers.origin.toLowerCase()) ? null : 'Foreign Origin';
  };

  return {
    foreign,
    mayScrape: (headers) => {
      const bearer = bearerOf(headers);
      return (
        bearer !== null &&
        scrapeToken !== null &&
        foreign({ method: 'GET', headers, upgrade: false }) === null &&
        same(bearer, scrapeToken)
      );
    },
    judge: (request) => {
      const reason = foreign(request);
      if (reason !== null) return { kind: 'refused', status: 403, reason };
      const bearer = bearerOf(request.headers);
      if (bearer !== null) return same(bearer, token) ? { kind: 'allowed' } : refuseKey();
      const cookie = cookieOf(request.headers, cookieName);
      if (cookie !== null && same(cookie, session)) return { kind: 'allowed' };
      if (request.queryToken !== null) {
        return same(request.queryToken, token)
          ? { kind: 'signed-in', cookie: `${cookieName}=${session}; Path=/; HttpOnly; SameSite=Strict` }
          : refuseKey();
      }
      // A cookie of an earlier daemon on this port is no attack: it is simply not signed in.
      return { kind: 'refused', status: 401, reason: 'Open the address that sluice daemon printed' };
    },
  };
}

function bearerOf(headers: IncomingHttpHeaders): string | null {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

function cookieOf(headers: IncomingHttpHeaders, name: string): string | null {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [key, value] = pair.trim().split('=', 2);
    if (key === name && value !== undefined) return value;
  }
  return null;
}

/** Hashed first: the lengths are equal and the time tells nothing. */
function same(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
