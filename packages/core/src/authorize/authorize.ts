// Authorization: a verified token and the facts of its call to a decision (law L6). Stateless checks first, all of
// them; then, and only then, state. `authorize` takes a synchronous ledger; `evaluate` stops before the state and says
// what it would cost, for stores that answer later. What `assess` returns is no permission: it has no `ok: true`.
import { ownOf } from '../bare.ts';
import type { Facts } from '../call.ts';
import type { Charges, Ledger, LedgerAnswer } from '../charges.ts';
import { deny, isDenial, type Denial } from '../codes.ts';
import { chargeRulesOf, checksOf, partsOf } from '../verify/authentic.ts';
import { giveUseBack, takeUse, verifiedParts, type VerifiedToken } from '../verify/verified.ts';
import { NOT_APPLICABLE } from '../caveats/kind.ts';
import { chargesOf, compileChargeRules } from './charge-rules.ts';
import { compileChecks, GRANT_CHECKS, makeRequest } from './evaluate.ts';

/** The call may run: everything it costs has been charged. */
export interface Allowed {
  readonly ok: true;
  readonly charges: Charges;
}
/** The decision about one call. */
export type Decision = Allowed | Denial;

/** Nothing stateless forbids the call; it may run once all `charges` have been applied, and not before. */
export interface Conditional {
  /** Neither true nor false: code that asks `if (answer.ok)` alone treats it as a refusal (attack G3). */
  readonly ok: null;
  readonly charges: Charges;
}

/** Evaluates everything but state. Throws TypeError when `v` is not what a verifier made. */
export function evaluate(v: VerifiedToken, facts: Facts): Conditional | Denial {
  const { token, call, now, skew, audience, replay, replayLife, sequence } = verifiedParts(v);
  const request = makeRequest(call, facts, now, skew, audience);
  const parts = partsOf(token);
  for (let i = 0; i < GRANT_CHECKS.length; i++) {
    const denial = GRANT_CHECKS[i]!.test(parts.grant, request);
    if (denial !== null) return denial;
  }
  const { caveats } = parts;
  const checks = checksOf(token, compileChecks);
  for (let i = 0; i < checks.length; i++) {
    const answer = checks[i]?.(caveats[i]!, request, i) ?? null;
    if (answer !== null && answer !== NOT_APPLICABLE) return answer;
  }
  // Until no verifier would accept the proof again: by its own time, or by that of the charge if that is later. A
  // ledger refuses a claim that has expired, so the verifier's time would not do for a call that waited.
  const claim =
    replay === null
      ? null
      : {
          id: replay.id,
          from: Math.max(0, Math.floor(replay.time - skew)),
          expires: Math.ceil(Math.max(replay.time, request.now)) + replayLife,
          caveat: -1,
        };
  const charges = chargesOf(parts, chargeRulesOf(token, compileChargeRules), request, claim, sequence);
  return isDenial(charges) ? charges : { ok: null, charges };
}

/** Whether charges ask anything of a ledger. */
export const isFree = (c: Charges): boolean =>
  c.counters.length === 0 && c.once.length === 0 && c.replay === null && c.sequence === null;

/**
 * The decision, with its costs applied to `ledger`. Without a ledger a token that needs one is denied
 * (`ledger_required`); so is every signed proof, which must be remembered. What has been allowed once is `replayed`.
 */
export function authorize(v: VerifiedToken, facts: Facts, ledger?: Ledger): Decision {
  const assessed = evaluate(v, facts);
  if (assessed.ok === false) return assessed;
  const { charges } = assessed;
  const free = isFree(charges);
  if (!free && ledger === undefined) return deny('ledger_required');
  if (!takeUse(v)) return deny('replayed');
  if (free || ledger === undefined) return { ok: true, charges };
  // Whole seconds, as ledgers count.
  const answer = applied(ledger, charges, Math.floor(Math.max(facts.now, verifiedParts(v).now)));
  if (answer.ok === true) return { ok: true, charges };
  giveUseBack(v);
  const left = ownOf(answer, 'left');
  return deny(answer.code, left === undefined ? undefined : `${left} left`, answer.caveat);
}

const REFUSALS: ReadonlySet<unknown> = new Set([
  'budget_exceeded',
  'budget_amount',
  'replayed',
  'once_used',
  'store_unavailable',
  'store_corrupt',
  'store_full',
] satisfies Extract<LedgerAnswer, { ok: false }>['code'][]);
const NO_ANSWER: LedgerAnswer = Object.freeze({ ok: false, code: 'store_unavailable', caveat: -1 });

// A ledger that fails denies (law L9), with any error it throws; the error may hold more than a caller should see. So
// does one whose answer is none, such as the promise of a store that answers later.
function applied(ledger: Ledger, charges: Charges, now: number): LedgerAnswer {
  try {
    const answer = ledger.apply(charges, now);
    if (answer.ok === true || (answer.ok === false && REFUSALS.has(answer.code))) return answer;
  } catch {
    // As below; so does an answer that is null.
  }
  return NO_ANSWER;
}
