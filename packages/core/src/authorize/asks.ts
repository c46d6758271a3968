// Which facts a token will ask for, so that an enforcement point need not find those that nobody asks for.
import { matchesAny } from '../patterns.ts';
import { partsOf } from '../verify/authentic.ts';
import { verifiedParts, type VerifiedToken } from '../verify/verified.ts';

/** Whether a `flow` caveat concerns the call. Throws TypeError when `v` is not what a verifier made. */
export function asksForFlow(v: VerifiedToken): boolean {
  const { token, call } = verifiedParts(v);
  return partsOf(token).caveats.some((c) => c.type === 'flow' && matchesAny(c.tools, call.tool));
}
