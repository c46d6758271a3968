// The times of a token: of its grant, and of its `time` caveats (SPEC.md section 5, step 13). Verification asks them,
// so that no expired token is ever `ok: true`; authorization asks them again, at its own and perhaps later time.
import { hasBegun, isExpired, withinTime } from '../caveats/time.ts';
import type { Denial } from '../codes.ts';
import { partsOf, type AuthenticToken } from './authentic.ts';

/** The first of the times that does not hold at `now` (Unix seconds): the grant's (caveat -1), then in the chain's order. */
export function checkTimes(token: AuthenticToken, now: number, skew: number): Denial | null {
  // All at once, by the latest beginning and the earliest end, which a token knows: nearly always they hold.
  if (hasBegun(token.begins, now, skew) && !isExpired(token.expires, now)) return null;
  const { grant, caveats } = partsOf(token);
  const at = { now, skew };
  const denial = withinTime(grant.issuedAt, grant.expires, at, -1);
  if (denial !== null) return denial;
  for (let i = 0; i < caveats.length; i++) {
    const c = caveats[i]!;
    if (c.type !== 'time') continue;
    const refused = withinTime(c.notBefore, c.expires, at, i);
    if (refused !== null) return refused;
  }
  return null;
}
