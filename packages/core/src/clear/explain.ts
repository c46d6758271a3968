// Explaining a decision: every check of the token with what became of it, for people. It evaluates the same
// compiled checks that clearing does; there is no second evaluator that could come to disagree.
import type { Facts } from '../call.ts';
import { partsOf, policyOf } from '../verify/authentic.ts';
import { verifiedParts, type VerifiedToken } from '../verify/verified.ts';
import { compile, NOT_CONCERNED, type Request } from './policy.ts';
import type { DenialCode } from '../codes.ts';

/** `not_reached`: something before it denied. `not_concerned`: it says nothing about this tool. */
export type Outcome = 'passed' | 'failed' | 'not_reached' | 'not_concerned' | 'needs_ledger';

/** One line of an explanation. */
export interface Explanation {
  /** Index of the caveat; -1 for the grant. */
  readonly caveat: number;
  readonly name: string;
  readonly outcome: Outcome;
  readonly code?: DenialCode;
  /** Why it failed; or what it would do now although it was not reached. */
  readonly detail?: string;
}

/** Every check in order. Touches no state. */
export function explain(v: VerifiedToken, facts: Facts): readonly Explanation[] {
  const { token, skew, audience } = verifiedParts(v);
  const request: Request = { call: v.call, facts, now: Math.max(facts.now, v.now), skew, audience };
  const { checks, meters } = policyOf(token, compile);
  const lines: Explanation[] = [];
  let denied = false;
  const add = (caveat: number, name: string, outcome: Outcome, code?: DenialCode, detail?: string): void => {
    lines.push({
      caveat,
      name,
      outcome: denied ? 'not_reached' : outcome,
      ...(code === undefined ? {} : { code }),
      ...(detail === undefined ? {} : { detail }),
    });
    if (outcome === 'failed') denied = true;
  };
  for (const { caveat, name, test } of checks) {
    const answer = test(request);
    if (answer === NOT_CONCERNED) add(caveat, name, 'not_concerned');
    else if (answer === null) add(caveat, name, 'passed');
    else add(caveat, name, 'failed', answer.code, answer.message);
  }
  for (const meter of meters) {
    const charge = meter.charge(request);
    if (charge === null) add(meter.caveat, meter.name, 'not_concerned');
    else if ('ok' in charge) add(meter.caveat, meter.name, 'failed', charge.code, charge.message);
    else if ('amount' in charge) add(meter.caveat, meter.name, 'needs_ledger', undefined, `${charge.amount} of ${charge.limit} ${charge.unit}`);
    else add(meter.caveat, meter.name, 'needs_ledger', undefined, 'once');
  }
  partsOf(token).caveats.forEach((c, i) => {
    if (c.type === 'note') add(i, 'note', 'passed', undefined, c.text);
    else if (c.type === 'delegate' || c.type === 'seal' || c.type === 'depth') add(i, c.type, 'passed');
  });
  return lines.sort((a, b) => a.caveat - b.caveat);
}
