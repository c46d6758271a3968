// Explaining a decision: every check of the token with what became of it, for people. It evaluates the same
// predicates that authorization does; there is no second evaluator that could come to disagree.
import type { Facts } from '../call.ts';
import { kindOf } from '../caveats/index.ts';
import { NOT_APPLICABLE, type CaveatAnswer } from '../caveats/kind.ts';
import { chargeRulesOf, partsOf } from '../verify/authentic.ts';
import { verifiedParts, type VerifiedToken } from '../verify/verified.ts';
import { isCounterCharge } from '../charges.ts';
import { compileChargeRules } from './charge-rules.ts';
import { GRANT_CHECKS, makeRequest } from './evaluate.ts';
import { isDenial, type DenialCode } from '../codes.ts';

/** `not_reached`: something before it denied. `not_applicable`: it says nothing about this tool. */
export type CheckOutcome = 'passed' | 'failed' | 'not_reached' | 'not_applicable' | 'needs_ledger';

/** One line of an explanation. */
export interface Explanation {
  /** Index of the caveat; -1 for the grant. */
  readonly caveat: number;
  readonly name: string;
  readonly outcome: CheckOutcome;
  readonly code?: DenialCode;
  /** Why it failed; or what it would do now although it was not reached. */
  readonly detail?: string;
}

/** Every check in order. Touches no state. */
export function explain(v: VerifiedToken, facts: Facts): readonly Explanation[] {
  const { token, call, now, skew, audience } = verifiedParts(v);
  const request = makeRequest(call, facts, now, skew, audience);
  const parts = partsOf(token);
  const lines: Explanation[] = [];
  let denied = false;
  const add = (
    caveat: number,
    name: string,
    outcome: CheckOutcome,
    code?: DenialCode,
    detail?: string,
  ): void => {
    lines.push({
      caveat,
      name,
      outcome: denied ? 'not_reached' : outcome,
      ...(code === undefined ? {} : { code }),
      ...(detail === undefined ? {} : { detail }),
    });
    if (outcome === 'failed') denied = true;
  };
  const addAnswer = (caveat: number, name: string, answer: CaveatAnswer): void => {
    if (answer === NOT_APPLICABLE) add(caveat, name, 'not_applicable');
    else if (answer === null) add(caveat, name, 'passed');
    else add(caveat, name, 'failed', answer.code, answer.message);
  };
  for (const { name, test } of GRANT_CHECKS) addAnswer(-1, name, test(parts.grant, request));
  parts.caveats.forEach((c, i) => {
    const kind = kindOf(c);
    if (kind.decidedBy === 'call') addAnswer(i, c.type, kind.check(c, request, i));
    // These hold by verification, or always: what was denied elsewhere does not reach back to them.
    else if (kind.decidedBy === 'verification') lines.push({ caveat: i, name: c.type, outcome: 'passed' });
    else if (kind.decidedBy === 'nothing')
      lines.push({ caveat: i, name: c.type, outcome: 'passed', detail: kind.text(c) });
  });
  for (const rule of chargeRulesOf(token, compileChargeRules)) {
    const { caveat, name } = rule;
    const charge = rule.charge(request);
    if (charge === null) add(caveat, name, 'not_applicable');
    else if (isDenial(charge)) add(caveat, name, 'failed', charge.code, charge.message);
    else {
      const what = isCounterCharge(charge) ? `${charge.amount} of ${charge.limit} ${charge.unit}` : name;
      add(caveat, name, 'needs_ledger', undefined, what);
    }
  }
  return lines.sort((a, b) => a.caveat - b.caveat);
}
