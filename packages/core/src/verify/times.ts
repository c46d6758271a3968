// The times of a token: of its grant, and of its `time` caveats (SPEC.md section 5, step 13). Verification asks them,
// so that no expired token is ever `ok: true`; authorization asks them again, at its own and perhaps later time.
import { withinTime } from '../caveats/time.ts';
import type { Denial } from '../codes.ts';
import type { Contents } from '../token/contents.ts';

/** The first of the times that does not hold at `now` (Unix seconds): the grant's (caveat -1), then in the chain's order. */
export function checkTimes(
  { grant, caveats }: Pick<Contents, 'grant' | 'caveats'>,
  now: number,
  skew: number,
): Denial | null {
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
