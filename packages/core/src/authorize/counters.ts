// The counters of a token, for a display of what is left of its budgets (`ambit budget`). Nothing is decided here.
import { chargeRulesOf, partsOf, type AuthenticToken } from '../verify/authentic.ts';
import type { Budget } from '../token/budget.ts';
import { compileChargeRules, partitionKeyOf } from './charge-rules.ts';

/** A counter, its own or an ancestor's. `windowStart` is 0 for a total. */
export interface CounterView {
  readonly id: string;
  /** Index of the caveat that imposes it; -1 for the grant. */
  readonly caveat: number;
  readonly budget: Budget;
  readonly limit: number;
  readonly window: number;
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
    const windowStart = window === 0 ? 0 : Math.floor(now / window) * window;
    counters.push(Object.freeze({ id, caveat, budget, limit: budget.limit, window, windowStart }));
  }
  return { partitionKey: partitionKeyOf(partsOf(token)), counters };
}
