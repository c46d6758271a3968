// IP addresses and networks, read strictly: dotted decimal of four parts without leading zeros, IPv6 by RFC 4291
// section 2.2, a prefix length by RFC 4632. Octal, hexadecimal and short forms, zones, brackets, ports and white
// space are refused, because what one parser calls 8.8.8.8 is 010.8.8.8 for another (attack C6). A network with
// bits set below its prefix is refused: it is not clear what its author meant.
import type { Check, Kind } from './check.ts';
import { alternatives, isTextList, readTexts, spend, TOO_LONG } from './check.ts';
import type { CidrConstraint } from './kinds.ts';
import { STEPS } from './steps.ts';

/** An address as 16-bit groups in network order: two for IPv4, eight for IPv6. */
export interface Address {
  readonly version: 4 | 6;
  readonly groups: readonly number[];
}

/** A network: all addresses of its version that share the first `prefix` bits. */
export interface Network extends Address {
  readonly prefix: number;
}

/** A decimal number from 0 to `max` without leading zeros, filling `text` from `start` to `end`; -1 if none. */
function decimal(text: string, start: number, end: number, max: number): number {
  if (end <= start || (text.charCodeAt(start) === 0x30 && end > start + 1)) return -1;
  let n = 0;
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    n = n * 10 + digit;
    if (n > max) return -1;
  }
  return n;
}

/** Appends the two groups of the dotted quad that `text` is from `start` on; false if it is none. */
function readQuad(text: string, start: number, groups: number[]): boolean {
  let from = start;
  let high = 0;
  for (let part = 0; part < 4; part++) {
    const dot = part === 3 ? text.length : text.indexOf('.', from);
    // Without a dot there is no part: it would end before it begins.
    const n = decimal(text, from, dot, 255);
    if (n < 0) return false;
    if (part % 2 === 0) high = n;
    else groups.push(high * 256 + n);
    from = dot + 1;
  }
  return true;
}

/** A group of one to four hexadecimal digits, or -1. */
function hexGroup(text: string, start: number, end: number): number {
  if (end <= start || end > start + 4) return -1;
  let n = 0;
  for (let i = start; i < end; i++) {
    const c = text.charCodeAt(i);
    const lower = c | 0x20;
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
    if (digit < 0) return -1;
    n = n * 16 + digit;
  }
  return n;
}

function readV6(text: string): number[] | null {
  const groups: number[] = [];
  let gap = -1;
  let i = 0;
  if (text.startsWith('::')) {
    gap = 0;
    i = 2;
  }
  while (i < text.length) {
    const colon = text.indexOf(':', i);
    if (colon < 0 && text.includes('.', i)) {
      if (!readQuad(text, i, groups)) return null;
      break;
    }
    const group = hexGroup(text, i, colon < 0 ? text.length : colon);
    if (group < 0) return null;
    groups.push(group);
    if (colon < 0) break;
    i = colon + 1;
    if (text.charCodeAt(i) === 0x3a) {
      if (gap >= 0) return null;
      gap = groups.length;
      i++;
    } else if (i === text.length) {
      return null;
    }
  }
  if (gap < 0) return groups.length === 8 ? groups : null;
  if (groups.length > 7) return null;
  const zeros = Array.from({ length: 8 - groups.length }, () => 0);
  return [...groups.slice(0, gap), ...zeros, ...groups.slice(gap)];
}

/** The address of a text that is nothing but one address; null for any other text. */
export function parseAddress(text: string): Address | null {
  // The longest text: six groups and a dotted quad.
  if (text.length > 45) return null;
  if (text.includes(':')) {
    const groups = readV6(text);
    return groups === null ? null : { version: 6, groups };
  }
  const groups: number[] = [];
  return readQuad(text, 0, groups) ? { version: 4, groups } : null;
}

/** The network of `address/prefix`, without bits below the prefix; null for any other text. */
export function parseCidr(text: string): Network | null {
  const slash = text.indexOf('/');
  const address = slash < 0 ? null : parseAddress(text.slice(0, slash));
  if (address === null) return null;
  const { version, groups } = address;
  const prefix = decimal(text, slash + 1, text.length, version === 4 ? 32 : 128);
  if (prefix < 0) return null;
  for (let i = 0; i < groups.length; i++) {
    const free = Math.min(16, Math.max(0, (i + 1) * 16 - prefix));
    if ((groups[i]! & ((1 << free) - 1)) !== 0) return null;
  }
  return { version, groups, prefix };
}

/** Whether `text` is a network that `parseCidr` accepts. */
export function isCidr(text: string): boolean {
  return parseCidr(text) !== null;
}

/** Whether an address lies in a network. IPv4 and IPv6 never match each other: see `unmapAddress`. */
export function inCidr(address: Address, network: Network): boolean {
  if (address.version !== network.version) return false;
  let left = network.prefix;
  for (let i = 0; left > 0; i++, left -= 16) {
    const shift = left < 16 ? 16 - left : 0;
    if (address.groups[i]! >> shift !== network.groups[i]! >> shift) return false;
  }
  return true;
}

// IPv6 ranges whose addresses carry an IPv4 address that a host or gateway on the way unpacks.
const EMBEDDING: readonly Network[] = [
  '::/96', // IPv4-compatible, with :: and ::1 (RFC 4291)
  '::ffff:0:0/96', // IPv4-mapped (RFC 4291)
  '::ffff:0:0:0/96', // IPv4-translated (RFC 2765)
  '64:ff9b::/96', // NAT64 (RFC 6052)
  '64:ff9b:1::/48', // NAT64 of a local network (RFC 8215)
  '2001::/32', // Teredo (RFC 4380)
  '2002::/16', // 6to4 (RFC 3056)
].flatMap((text) => parseCidr(text) ?? []);

/** Whether an address belongs to a range that carries IPv4 inside IPv6. */
function embedsIpv4(address: Address): boolean {
  return EMBEDDING.some((range) => inCidr(address, range));
}

/**
 * The IPv4 address of an IPv4-mapped one (`::ffff:a.b.c.d`, how dual-stack sockets report an IPv4 client), any
 * other as it is. For addresses that the enforcement point takes from its connection, not for arguments.
 */
export function unmapAddress(address: Address): Address {
  const { version, groups } = address;
  if (version === 4 || groups[5] !== 0xffff || groups.slice(0, 5).some((group) => group !== 0))
    return address;
  return { version: 4, groups: groups.slice(6) };
}

/** The canonical text (RFC 5952, hexadecimal throughout): how WHATWG URL writes the address as a host. */
export function formatAddress({ version, groups }: Address): string {
  if (version === 4) return groups.map((group) => `${group >> 8}.${group & 255}`).join('.');
  let start = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (groups[i + n] === 0) n++;
    if (n > length) [start, length] = [i, n];
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (start < 0) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** `cidr`: an address, as text and nothing else, in one of the networks. */
export const cidr: Kind<CidrConstraint> = {
  code: 8,
  fields: ['networks'],
  problem: ({ networks }) =>
    isTextList(networks, isCidr) ? null : 'networks: expected address/prefix texts',
  phrase: ({ networks }) => `must be an address in ${alternatives(networks)}`,
  write: ({ networks }) => networks,
  read(operands) {
    const networks = readTexts(operands);
    return networks === null ? null : { kind: 'cidr', networks };
  },
  compile(constraint): Check {
    const networks = constraint.networks.flatMap((text) => parseCidr(text) ?? []);
    // An address that unpacks to IPv4 somewhere else counts only for a network named inside such a range.
    const embedding = networks.filter((network) =>
      EMBEDDING.some((r) => r.prefix <= network.prefix && inCidr(network, r)),
    );
    return (value, work) => {
      // An address is at most 45 characters long; 16 ranges are looked at before the networks.
      if (!spend(work, STEPS.address + STEPS.network * networks.length)) return TOO_LONG;
      const address = typeof value === 'string' ? parseAddress(value) : null;
      if (address === null) return cidr.phrase(constraint);
      const named = address.version === 6 && embedsIpv4(address) ? embedding : networks;
      for (let i = 0; i < named.length; i++) if (inCidr(address, named[i]!)) return null;
      return cidr.phrase(constraint);
    };
  },
};
