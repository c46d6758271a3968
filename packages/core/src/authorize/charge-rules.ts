// What a call would cost in state: the budgets of the grant and the caveats that a ledger decides about. All of it is
// applied in one step, after every stateless check has passed (laws L8, L10).
import { toBase64url } from '../bytes.ts';
import type { CallRequest } from '../call.ts';
import { budgetRule } from '../caveats/budget.ts';
import { CAVEATS } from '../caveats/index.ts';
import {
  isCounterCharge,
  type ChargeRule,
  type Charges,
  type CounterCharge,
  type NonceClaim,
  type ProofClaim,
  type SequenceClaim,
} from '../charges.ts';
import { chargeId } from '../charge-id.ts';
import { isDenial, type Denial } from '../codes.ts';
import type { AuthenticParts } from '../verify/authentic.ts';

// Those that a ledger decides about, by type: most caveats are none of them, and a look-up says so at once.
const CHARGES = new Map(
  CAVEATS.flatMap((kind) =>
    kind.decidedBy === 'ledger' ? [[kind.type as string, kind.charges] as const] : [],
  ),
);

/** The charge rules of a token, in the order of the chain. */
export function compileChargeRules({ grant, caveats, prefixes }: AuthenticParts): readonly ChargeRule[] {
  const { issuer, expires } = grant;
  const place = (caveat: number): Parameters<typeof budgetRule>[2] => ({
    caveat,
    prefix: prefixes.at(caveat + 1),
    issuer,
    expires,
  });
  const rules = grant.budgets.map((b, entry) => budgetRule(b, entry, place(-1)));
  for (let i = 0; i < caveats.length; i++) {
    const charges = CHARGES.get(caveats[i]!.type);
    if (charges !== undefined) rules.push(...charges(caveats[i]!, place(i)));
  }
  return rules;
}

/** A call that costs nothing; nothing has to be found, so no digest is computed. */
const FREE: Charges = Object.freeze({
  root: '',
  partitionKey: '',
  counters: Object.freeze([]),
  once: Object.freeze([]),
  replay: null,
  sequence: null,
});

/** What has to live together with this token's counters (`Charges.partitionKey`). */
export function partitionKeyOf({ grant, prefixes }: AuthenticParts): string {
  const pooled = grant.budgets.some((b) => b.pool !== undefined);
  return pooled ? chargeId(['place', grant.issuer]) : toBase64url(prefixes.at(0));
}

/** Everything a call costs: what the rules say and the proof's claims. A denial when an amount can't be known. */
export function chargesOf(
  parts: AuthenticParts,
  rules: readonly ChargeRule[],
  r: CallRequest,
  replay: ProofClaim | null,
  sequence: SequenceClaim | null,
): Charges | Denial {
  const counters: CounterCharge[] = [];
  const once: NonceClaim[] = [];
  for (let i = 0; i < rules.length; i++) {
    const charge = rules[i]!.charge(r);
    if (charge === null) continue;
    if (isDenial(charge)) return charge;
    if (isCounterCharge(charge)) counters.push(charge);
    else once.push(charge);
  }
  if (counters.length === 0 && once.length === 0 && replay === null && sequence === null) return FREE;
  const root = toBase64url(parts.prefixes.at(0));
  const partitionKey = partitionKeyOf(parts);
  return { root, partitionKey, counters, once, replay, sequence };
}
