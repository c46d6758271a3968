// The textual forms that caveats carry beside tools and labels: HTTP methods and paths. A path is held to the rule that
// `url` holds its paths to (args/url.ts): one function, so that what one refuses the other does not let through.
import { pathRuleProblem } from '../args/url.ts';
import { LIMITS } from '../limits.ts';

const METHOD = /^[A-Z]{1,32}$/;
// RFC 3986 pchar and "/", percent-encodings kept; checked further by `isPlainPath`.
const PATH = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;

/** An upper-case method token (RFC 9110 section 9.1). */
export const isMethod = (text: string): boolean => METHOD.test(text);

/**
 * Whether every reader takes this path for the same (attacks C1, P10): no encoded dot, and each segment, decoded as
 * UTF-8, is a plain name, also when cut at its first `;`, as servlet containers cut it.
 */
export function isPlainPath(path: string): boolean {
  if (path.length > LIMITS.textBytes || !PATH.test(path)) return false;
  return !/%2e/i.test(path) && pathRuleProblem(path) === null;
}

/** A path pattern of at most 1024 bytes: a plain path, or one followed by `/*`, which covers everything below it. */
export function isPathPattern(text: string): boolean {
  if (text.length > LIMITS.textBytes) return false;
  const stem = text.endsWith('/*') ? text.slice(0, -2) : text;
  return !stem.includes('*') && (stem === '' ? text === '/*' : isPlainPath(stem));
}

/** Whether a plain path matches a pattern: itself, or strictly below the stem of `/*`. */
export function matchPath(pattern: string, path: string): boolean {
  if (!pattern.endsWith('/*')) return path === pattern;
  const stem = pattern.slice(0, -1);
  return path.length > stem.length && path.startsWith(stem);
}

/** The path of a request target: the part before the query. */
export const pathOf = (target: string): string => {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
};
