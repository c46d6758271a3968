// The counters of a token, for a display of what is left of its budgets (`ambit budget`). Nothing is decided here.
import { chargeRulesOf, partsOf, type AuthenticToken } from '../verify/authentic.ts';
import type { Budget } from '../token/budget.ts';
import { stepOf, windowStartOf } from '../token/budget-window.ts';
import { compileChargeRules, partitionKeyOf } from './charge-rules.ts';

/** A counter, its own or an ancestor's; `step` and `windowStart` as for `CounterCharge`. */
export interface CounterView {
  readonly id: string;
  /** Index of the caveat that imposes it; -1 for the grant. */
  readonly caveat: number;
  readonly budget: Budget;
  readonly limit: number;
  readonly window: number;
  readonly step: number;
  readonly windowStart: number;
}

/** All counters at `now` (Unix seconds), in the order of the chain, and where they live. Works by prefix: a
 * descendant's counters begin with its ancestors'. */
export function listCounters(
  token: AuthenticToken,
  now: number,
): { readonly partitionKey: string; readonly counters: readonly CounterView[] } {
  const counters: CounterView[] = [];
  for (const { caveat, counts } of chargeRulesOf(token, compileChargeRules)) {
    if (counts === null) continue;
    const { budget, id } = counts;
    const window = budget.window ?? 0;
    const at = { window, step: stepOf(budget), windowStart: windowStartOf(budget, now) };
    counters.push(Object.freeze({ id, caveat, budget, limit: budget.limit, ...at }));
  }
  return { partitionKey: partitionKeyOf(partsOf(token)), counters };
}
