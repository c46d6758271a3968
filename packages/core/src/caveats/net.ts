// `net`: the client's address lies in one of these networks.
import { inCidr, isCidr, parseAddress, parseCidr, unmapAddress } from '../args/cidr.ts';
import { deny, shortList } from '../codes.ts';
import { readList } from '../token/lists.ts';
import type { RestrictionKind } from './kind.ts';
import { listWords, writeList } from './name-list.ts';

/** The client's address lies in one of these networks. */
export interface NetCaveat {
  readonly type: 'net';
  readonly cidrs: readonly string[];
}

export const net: RestrictionKind<
  NetCaveat,
  {
    /** Only from these networks. */
    readonly net: (...cidrs: readonly string[]) => NetCaveat;
  }
> = {
  type: 'net',
  number: 12,
  mayAppend: true,
  make: { net: (...cidrs) => ({ type: 'net', cidrs }) },
  write: (c) => writeList('net', c.cidrs, isCidr),
  read: (r) => ({ type: 'net', cidrs: readList(r, isCidr) }),
  decidedBy: 'call',
  check(c, { facts }, i) {
    if (facts.address === undefined) return deny('fact_missing', 'the client address', i);
    const parsed = parseAddress(facts.address);
    // A dual-stack socket reports an IPv4 client as `::ffff:a.b.c.d`; it is the same client.
    const address = parsed === null ? null : unmapAddress(parsed);
    if (address !== null && c.cidrs.some((text) => inCidr(address, parseCidr(text)!))) return null;
    return deny('net_refused', `networks: ${shortList(c.cidrs)}`, i);
  },
  words: (c) => `only from ${listWords(c.cidrs, 'no network')}`,
  limits: (c) => [c.cidrs.join(', ')],
  empty: (c) => (c.cidrs.length === 0 ? 'no network is left' : null),
};
