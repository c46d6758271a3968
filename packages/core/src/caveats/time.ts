// `time`: not-before <= now + skew, and now < expires. Beside authorization, verification asks it as well: no
// expired token is good for anything (SPEC.md sections 5 and 6).
import type { CallRequest } from '../call.ts';
import { MALFORMED } from '../cbor/index.ts';
import { deny, type Denial } from '../codes.ts';
import type { RestrictionKind } from './kind.ts';
import { fail, writeWhole } from './name-list.ts';

/** not-before <= now + skew, and now < expires. Unix seconds; at least one of the two. */
export interface TimeCaveat {
  readonly type: 'time';
  readonly notBefore?: number | undefined;
  readonly expires?: number | undefined;
}

/** Whether a beginning has come, with leeway. Unix seconds, all of them. */
export const hasBegun = (notBefore: number, now: number, skew: number): boolean => notBefore <= now + skew;

/** Whether an end has come, both in Unix seconds. An expiry is exact: no leeway. */
export const isExpired = (expires: number, now: number): boolean => now >= expires;

/** Whether now lies within two bounds, which may be absent. */
export function withinTime(
  notBefore: number | undefined,
  expires: number | undefined,
  { now, skew }: Pick<CallRequest, 'now' | 'skew'>,
  i: number,
): Denial | null {
  if (notBefore !== undefined && !hasBegun(notBefore, now, skew)) return deny('not_yet_valid', undefined, i);
  return expires === undefined || !isExpired(expires, now) ? null : deny('expired', undefined, i);
}

export const time: RestrictionKind<
  TimeCaveat,
  {
    /** Not at or after this time (Unix seconds). */
    readonly expires: (at: number) => TimeCaveat;
    /** Not before this time (Unix seconds). */
    readonly notBefore: (at: number) => TimeCaveat;
  }
> = {
  type: 'time',
  number: 1,
  mayAppend: true,
  make: {
    expires: (at) => ({ type: 'time', expires: at }),
    notBefore: (at) => ({ type: 'time', notBefore: at }),
  },
  write({ notBefore, expires }) {
    if (notBefore === undefined && expires === undefined) fail('time: expected not-before or expires');
    return [
      notBefore === undefined ? null : writeWhole('not before', notBefore),
      expires === undefined ? null : writeWhole('expires', expires),
    ];
  },
  read(r) {
    r.array(2);
    const notBefore = r.nothing() ? undefined : r.uint();
    const expires = r.nothing() ? undefined : r.uint();
    if (notBefore === undefined && expires === undefined) throw MALFORMED;
    return { type: 'time', notBefore, expires };
  },
  decidedBy: 'call',
  check: (c, r, i) => withinTime(c.notBefore, c.expires, r, i),
  words({ notBefore, expires }, t) {
    const at = (moment: number): string => `${t.plain(moment)} (${t.fromNow(moment)})`;
    const begins = notBefore === undefined ? [] : [`not before ${at(notBefore)}`];
    const ends = expires === undefined ? [] : [`expires ${at(expires)}`];
    return [...begins, ...ends].join(', ');
  },
  limits: () => [],
};
