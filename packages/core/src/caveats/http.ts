// `http`: the method is one of these and the path matches one of these.
import { deny, shortList } from '../codes.ts';
import { LIMITS } from '../limits.ts';
import { readList } from '../token/lists.ts';
import { isMethod, isPathPattern, isPlainPath, matchPath, pathOf } from './http-path.ts';
import type { RestrictionKind } from './kind.ts';
import { listWords, writeList } from './name-list.ts';

/** The method is one of these and the path matches one of these (exact, or ending in `/*` for all below). */
export interface HttpCaveat {
  readonly type: 'http';
  readonly methods: readonly string[];
  readonly paths: readonly string[];
}

export const http: RestrictionKind<
  HttpCaveat,
  {
    /** Only these methods on these paths (exact, or ending in `/*`). */
    readonly http: (methods: readonly string[], paths: readonly string[]) => HttpCaveat;
  }
> = {
  type: 'http',
  number: 11,
  mayAppend: true,
  make: { http: (methods, paths) => ({ type: 'http', methods, paths }) },
  write: (c) => [
    writeList('http methods', c.methods, isMethod),
    writeList('http paths', c.paths, isPathPattern),
  ],
  read(r) {
    r.array(2);
    const methods = readList(r, isMethod);
    return { type: 'http', methods, paths: readList(r, isPathPattern, LIMITS.textBytes) };
  },
  decidedBy: 'call',
  check(c, { call }, i) {
    if (call.http === undefined) return deny('fact_missing', 'the HTTP request', i);
    const { method, target } = call.http;
    if (!c.methods.includes(method)) return deny('http_refused', `methods: ${shortList(c.methods)}`, i);
    const path = pathOf(target);
    const within = isPlainPath(path) && c.paths.some((pattern) => matchPath(pattern, path));
    return within ? null : deny('http_refused', `paths: ${shortList(c.paths)}`, i);
  },
  words: (c) => `only ${listWords(c.methods, 'no method')} on ${listWords(c.paths, 'no path')}`,
  limits: (c) => [`${c.methods.join('|')} ${c.paths.join(' ')}`],
  empty: (c) => (c.methods.length === 0 || c.paths.length === 0 ? 'no request is left' : null),
};
