// Host names and rules over them, shared by `url` and `email`. A name is ASCII labels of letters, digits, hyphens
// and underscores, without a trailing dot and without an end that WHATWG URL would read as an IPv4 number
// ("ends in a number"): what resolvers, browsers and mail servers could read differently is refused here
// (attacks C2, C5).
import { formatAddress, parseAddress } from './cidr.ts';

const LABEL_CHAR = new Uint8Array(128);
for (const char of 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ')
  LABEL_CHAR[char.charCodeAt(0)] = 1;
LABEL_CHAR[0x2d] = 2;
LABEL_CHAR[0x5f] = 1;

/** Number of labels of a name that fills `text` from `start` to `end`, either case; 0 when it is no name. */
export function countLabels(text: string, start: number, end: number): number {
  if (end - start > 253) return 0;
  let labels = 0;
  for (let from = start; ;) {
    let i = from;
    for (; i < end; i++) {
      const c = text.charCodeAt(i);
      if (c === 0x2e) break;
      if (c > 127 || LABEL_CHAR[c] === 0) return 0;
    }
    const length = i - from;
    if (length === 0 || length > 63) return 0;
    if (text.charCodeAt(from) === 0x2d || text.charCodeAt(i - 1) === 0x2d) return 0;
    labels++;
    if (i === end) return isNumber(text, from, end) ? 0 : labels;
    from = i + 1;
  }
}

/** Whether the last label is decimal digits, or `0x` and hexadecimal digits: an IPv4 address to WHATWG URL. */
function isNumber(text: string, from: number, end: number): boolean {
  const hex = text.charCodeAt(from) === 0x30 && (text.charCodeAt(from + 1) | 0x20) === 0x78;
  for (let i = hex ? from + 2 : from; i < end; i++) {
    const c = text.charCodeAt(i);
    const lower = c | 0x20;
    if (!(c >= 0x30 && c <= 0x39) && !(hex && lower >= 0x61 && lower <= 0x66)) return false;
  }
  return true;
}

/** Whether a host is an address in its canonical text: dotted decimal, or RFC 5952 in brackets. */
export function isLiteral(host: string): boolean {
  const bracketed = host.startsWith('[') && host.endsWith(']');
  const text = bracketed ? host.slice(1, -1) : host;
  const address = parseAddress(text);
  return address !== null && (address.version === 6) === bracketed && formatAddress(address) === text;
}

// Top-level names that are local to a machine or a network, or resolve nowhere (RFC 6761, 6762, 7686, 8375,
// ICANN's .internal, and the names that leaked most in ICANN's collision studies). `*` leaves them out.
const LOCAL = new Set(
  (
    'localhost local internal intranet private corp home lan localdomain domain workgroup mshome host ' +
    'arpa test invalid example onion alt svc cluster docker kubernetes consul ' +
    'default kube-system kube-public kube-node-lease localnet intra priv prod'
  ).split(' '),
);

// Names under which clouds serve credentials to any caller inside: covered only when named exactly.
const METADATA = new Set(
  (
    'metadata.google.internal metadata.goog metadata.azure.internal metadata.tencentyun.com ' +
    'instance-data.ec2.internal metadata.platformequinix.com'
  ).split(' '),
);

/** Whether a label, in lower case, is in Punycode: what it looks like to a person is not what it says. */
const isPunycode = (text: string, at: number): boolean => text.startsWith('xn--', at);

/**
 * Whether `rule` is a host rule, in lower case: an exact name or address literal (`[...]` for IPv6), `*.` and a
 * name of two labels or more, or `*` where `any` is true.
 */
export function isHostRule(rule: string, any: boolean): boolean {
  if (rule === '*') return any;
  if (rule !== rule.toLowerCase()) return false;
  if (rule.startsWith('*.')) return countLabels(rule, 2, rule.length) >= 2;
  return countLabels(rule, 0, rule.length) > 0 || isLiteral(rule);
}

/**
 * One test for host rules. Its argument is a host in lower case that is a name by `countLabels`, or an address.
 *   exact          that host: the only rule that an address, a local name or a metadata server ever meets
 *   *.example.com  names below example.com, not itself; the part in front of it has no Punycode
 *   *              any name of two labels or more that is not local by its top-level name; no Punycode
 */
export function compileHosts(rules: readonly string[]): (host: string) => boolean {
  const exact = new Set<string>();
  const suffixes: string[] = [];
  let any = false;
  for (const rule of rules) {
    if (rule === '*') any = true;
    else if (rule.startsWith('*.')) suffixes.push(rule.slice(1));
    else exact.add(rule);
  }
  return (host) => {
    if (exact.has(host)) return true;
    if ((suffixes.length === 0 && !any) || METADATA.has(host) || countLabels(host, 0, host.length) < 2)
      return false;
    for (const suffix of suffixes) {
      // Never the suffix alone: it begins with a dot, and `host` is a name.
      if (host.endsWith(suffix) && !hasPunycode(host, host.length - suffix.length)) return true;
    }
    return any && !hasPunycode(host, host.length) && !LOCAL.has(host.slice(host.lastIndexOf('.') + 1));
  };
}

function hasPunycode(host: string, end: number): boolean {
  for (let i = 0; i < end; i = host.indexOf('.', i) + 1 || end) if (isPunycode(host, i)) return true;
  return false;
}
