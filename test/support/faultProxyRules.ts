/** What goes wrong. Byte counts are of the request's body as it is on the wire. */
export type Fault =
  | { readonly kind: 'latency'; readonly ms: number; readonly jitterMs?: number }
  /** One bucket for all connections and both directions, for as long as the rule is set. */
  | { readonly kind: 'bandwidth'; readonly bytesPerSecond: number }
  | { readonly kind: 'resetBeforeRequest' }
  /** The connection is reset when this many bytes have been passed on; a shorter body gets through. */
  | { readonly kind: 'resetAfterBytes'; readonly bytes: number }
  /** The head and half of the body (half of the head where there is no body), then the connection ends. */
  | { readonly kind: 'truncateResponse' }
  /** No byte moves any more, either way, for `ms` or until the client gives up. */
  | { readonly kind: 'stall'; readonly afterBytes: number; readonly ms?: number }
  | { readonly kind: 'status'; readonly code: 409 | 500 | 503; readonly retryAfterSeconds?: number }
  /** The server did it; the client never hears. */
  | { readonly kind: 'loseResponse' }
  /** One bit of the body arrives changed. */
  | { readonly kind: 'corruptBody' }
  /** One bit of the answer's body arrives changed. */
  | { readonly kind: 'corruptAnswer' }
  /** The connection is reset when this many bytes of the answer's body have been passed on; a shorter body gets through. */
  | { readonly kind: 'resetAnswerAfterBytes'; readonly bytes: number }
  /** 200, white space, then `<Error>`: how a late CompleteMultipartUpload fails. With `afterEffect` it took place all the same. */
  | { readonly kind: 'errorIn200'; readonly afterEffect?: boolean };

export interface Match {
  readonly method?: string;
  /** Tested on `PUT /bucket/key?partNumber=1&uploadId=… UploadPart`: method, URL as sent, S3's operation name (path style). */
  readonly operation?: RegExp;
  /** Only the nth request that fits, counted from 1. */
  readonly nth?: number;
  /** 0…1. */
  readonly probability?: number;
  /** At most so many hits. */
  readonly times?: number;
}

export interface Rule {
  readonly match?: Match;
  readonly fault: Fault;
}

export interface RuleBook {
  /** The faults that befall this request, in the order of the rules. */
  choose(method: string, subject: string): readonly { readonly fault: Fault; readonly rule: number }[];
  /** Per rule. */
  readonly hits: readonly number[];
}

export function openRuleBook(rules: readonly Rule[], random: () => number): RuleBook {
  const hits = rules.map(() => 0);
  const seen = rules.map(() => 0);
  return {
    hits,
    choose: (method, subject) =>
      rules.flatMap(({ match = {}, fault }, rule) => {
        if (match.method !== undefined && match.method !== method) return [];
        if (match.operation !== undefined && subject.search(match.operation) < 0) return [];
        seen[rule] = seen[rule]! + 1;
        if (match.nth !== undefined && seen[rule] !== match.nth) return [];
        if (match.times !== undefined && hits[rule]! >= match.times) return [];
        if (match.probability !== undefined && random() >= match.probability) return [];
        hits[rule] = hits[rule]! + 1;
        return [{ fault, rule }];
      }),
  };
}

/** mulberry32: the same seed, the same run. In [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
