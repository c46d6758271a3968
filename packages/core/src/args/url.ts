// `url`: a URL that every parser takes apart alike. The accepted syntax is the intersection of RFC 3986 and the
// WHATWG URL Standard for http, https, ws and wss, minus what historical parsers quarrel about (attack C2):
//   scheme "://" host [ ":" port ] [ "/" path [ "?" query ] [ "#" fragment ] ]
// in visible ASCII, scheme in lower case, without user information, with well-formed percent escapes, and with a
// slash before any query or fragment (`https://good?@evil` is read in two ways). Names are compared, not
// resolved: a public name that resolves to a private address is for the egress proxy to stop.
import type { Cbor } from '../cbor/value.ts';
import { LIMITS } from '../limits.ts';
import type { Check, Kind } from './check.ts';
import { alternatives, isTextList, readTexts, spend, TOO_LONG } from './check.ts';
import type { UrlConstraint } from './kinds.ts';
import { compileHosts, countLabels, isHostRule, isLiteral } from './host.ts';
import { isRoot, segmentProblem, underRoot } from './path.ts';
import { STEPS } from './steps.ts';

/** The schemes whose URLs both standards read alike, with their default ports. */
const DEFAULT_PORTS: ReadonlyMap<string, number> = new Map([
  ['https', 443],
  ['http', 80],
  ['wss', 443],
  ['ws', 80],
]);

/** The parts of a URL that `parseUrl` accepts. */
export interface UrlParts {
  readonly scheme: string;
  /** In lower case; an IPv6 literal keeps its brackets. */
  readonly host: string;
  /** Given, or the default of the scheme. */
  readonly port: number;
  /** Unchanged, without query and fragment; `/` when the URL ends after its host. */
  readonly path: string;
}

// Visible ASCII that one of the standards forbids everywhere or rewrites; brackets are looked at with the host.
const REFUSED = new Uint8Array(128).fill(1, 0, 0x21);
for (const char of '"<>\\^`{|}\x7f') REFUSED[char.charCodeAt(0)] = 1;

/** The parts of a strictly formed URL, or a phrase that says what is wrong with it. */
export function parseUrl(text: string): UrlParts | string {
  const colon = text.indexOf(':');
  const scheme = colon > 0 && colon < 6 ? text.slice(0, colon) : '';
  const defaultPort = DEFAULT_PORTS.get(scheme);
  if (defaultPort === undefined) return 'another scheme';
  if (!text.startsWith('//', colon + 1)) return 'no host';
  const start = colon + 3;
  let end = text.length;
  let pathEnd = end;
  for (let i = start; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c > 127 || REFUSED[c] === 1) return 'a character that has to be escaped';
    if (c === 0x25 && !(isHex(text.charCodeAt(i + 1)) && isHex(text.charCodeAt(i + 2))))
      return 'a malformed escape';
    if (end === text.length) {
      if (c === 0x40) return 'user information';
      if (c === 0x3f || c === 0x23) return 'no path before the query';
      if (c === 0x2f) end = i;
    } else if (c === 0x5b || c === 0x5d) {
      return 'a character that has to be escaped';
    } else if ((c === 0x3f || c === 0x23) && pathEnd === text.length) {
      pathEnd = i;
    }
  }
  const bracket = text.charCodeAt(start) === 0x5b ? text.indexOf(']', start) : start;
  const portColon = bracket < 0 ? -1 : text.indexOf(':', bracket);
  const hostEnd = portColon < 0 || portColon >= end ? end : portColon;
  const host = text.slice(start, hostEnd).toLowerCase();
  if (countLabels(host, 0, host.length) === 0 && !isLiteral(host))
    return 'a host that can be read in two ways';
  const port = hostEnd === end ? defaultPort : readPort(text, hostEnd + 1, end);
  if (port < 0) return 'a malformed port';
  return { scheme, host, port, path: text.slice(end, pathEnd) || '/' };
}

function isHex(c: number): boolean {
  const lower = c | 0x20;
  return (c >= 0x30 && c <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

/** A port of one to five digits without leading zeros, from 1 to 65535; -1 for anything else. */
function readPort(text: string, start: number, end: number): number {
  if (end === start || end > start + 5 || text.charCodeAt(start) === 0x30) return -1;
  let n = 0;
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    n = n * 10 + digit;
  }
  return n <= 65535 ? n : -1;
}

/**
 * Why a path cannot be held to a prefix, or null. Servers decode segments, cut them at `;` (path parameters),
 * drop trailing dots and spaces; a segment must stay a plain name under all of that.
 */
export function pathRuleProblem(path: string): string | null {
  for (let start = 1; start <= path.length;) {
    let end = path.indexOf('/', start);
    const last = end < 0;
    if (last) end = path.length;
    if (end === start && !last) return 'an empty segment';
    const segment = decode(path.slice(start, end));
    if (segment === null) return 'an escape that is not UTF-8';
    const semicolon = segment.indexOf(';');
    const problem =
      segmentProblem(segment) ?? (semicolon < 0 ? null : segmentProblem(segment.slice(0, semicolon)));
    if (problem !== null && !(segment === '' && last)) return problem;
    start = end + 1;
  }
  return null;
}

function decode(segment: string): string | null {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

/** Steps of a URL whose path is looked at: an escape may stand for what has to be folded. */
const urlSteps = (text: string): number =>
  STEPS.text + (text.includes('%') ? STEPS.folded : STEPS.path) * text.length;

const isPort = (port: unknown): boolean =>
  Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65535;
const isPathRule = (path: string): boolean => isRoot(path) && /^[\x21-\x7e]+$/.test(path);

/** `url`: scheme, host, port and path are each among those allowed. */
export const url: Kind<UrlConstraint> = {
  code: 7,
  fields: ['schemes', 'hosts', 'ports', 'paths'],
  problem({ schemes, hosts, ports, paths }) {
    if (schemes !== undefined && !isTextList(schemes, (s) => DEFAULT_PORTS.has(s))) {
      return 'schemes: expected https, http, wss or ws';
    }
    if (!isTextList(hosts, (host) => isHostRule(host, true))) {
      return 'hosts: expected names or addresses in lower case, *.name or *';
    }
    if (ports !== undefined) {
      const sound =
        Array.isArray(ports) && ports.length > 0 && ports.length <= LIMITS.listItems && ports.every(isPort);
      if (!sound) return 'ports: expected whole numbers from 1 to 65535';
    }
    if (paths !== undefined && !isTextList(paths, isPathRule)) {
      return 'paths: expected absolute paths of plain ASCII segments';
    }
    return null;
  },
  phrase({ schemes = ['https'], hosts, ports, paths }) {
    const port = ports === undefined ? '' : ` on port ${alternatives(ports)}`;
    const path = paths === undefined ? '' : ` under ${alternatives(paths)}`;
    const host = alternatives(hosts, (rule) => (rule === '*' ? 'any public name' : rule));
    return `must be a plain ${alternatives(schemes)} URL of ${host}${port}${path}`;
  },
  write: ({ schemes, hosts, ports, paths }): Cbor[] => [schemes ?? null, hosts, ports ?? null, paths ?? null],
  read([schemes, hosts, ports, paths, ...more]) {
    if (!isArray(hosts) || more.length > 0) return null;
    const parts: { -readonly [K in 'schemes' | 'ports' | 'paths']: UrlConstraint[K] } = {
      schemes: undefined,
      ports: undefined,
      paths: undefined,
    };
    if (schemes !== null) {
      const texts = isArray(schemes) ? readTexts(schemes) : null;
      if (texts === null) return null;
      parts.schemes = texts;
    }
    if (ports !== null) {
      if (!isArray(ports) || !ports.every((port) => typeof port === 'number')) return null;
      parts.ports = Object.freeze([...ports]);
    }
    if (paths !== null) {
      const texts = isArray(paths) ? readTexts(paths) : null;
      if (texts === null) return null;
      parts.paths = texts;
    }
    const texts = readTexts(hosts);
    return texts === null ? null : { kind: 'url', hosts: texts, ...parts };
  },
  compile(constraint): Check {
    const phrase = (): string => url.phrase(constraint);
    const schemes = new Set(constraint.schemes ?? ['https']);
    const isHost = compileHosts(constraint.hosts);
    const ports = constraint.ports === undefined ? null : new Set(constraint.ports);
    const { paths, hosts } = constraint;
    const rules = STEPS.rule * (hosts.length + (paths?.length ?? 0));
    return (value, work) => {
      if (typeof value !== 'string') return phrase();
      if (
        !spend(
          work,
          (paths === undefined ? STEPS.text + STEPS.ascii * value.length : urlSteps(value)) + rules,
        )
      )
        return TOO_LONG;
      const parts = parseUrl(value);
      if (typeof parts === 'string') return `${phrase()} (found: ${parts})`;
      if (!schemes.has(parts.scheme) || !isHost(parts.host)) return phrase();
      const allowed = ports === null ? parts.port === DEFAULT_PORTS.get(parts.scheme) : ports.has(parts.port);
      if (!allowed) return phrase();
      if (paths === undefined) return null;
      const problem = pathRuleProblem(parts.path);
      if (problem !== null) return `${phrase()} (found: ${problem})`;
      return paths.some((root) => underRoot(parts.path, root)) ? null : phrase();
    };
  },
};

const isArray = (x: Cbor | undefined): x is readonly Cbor[] => Array.isArray(x);
