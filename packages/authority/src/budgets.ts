// What is left of a token's budgets, as its issuer's store has them.
import { listCounters, deny, isExpired, type AuthenticToken, type Budget, type Denial } from '@ambit/core';
import type { Store } from '@ambit/state';

/** A budget of a token or of one of its ancestors. */
export interface BudgetLine {
  /** Index of the caveat that imposes it; -1 for the grant. */
  readonly caveat: number;
  /** base64url of the holder's key it belongs to; null for a bearer token. */
  readonly holder: string | null;
  /** What the delegator called that holder. */
  readonly label: string | null;
  readonly budget: Budget;
  readonly left: number;
  /** Unix seconds at which a fixed window ends; null for a total, and for a sliding one, which has no end. */
  readonly renewed: number | null;
}

/** What is left of a token's own budgets and of all its ancestors', in the order of the chain. */
export async function budgetLines(
  store: Store,
  token: AuthenticToken,
  now: number,
): Promise<readonly BudgetLine[] | Denial> {
  const at = Math.floor(now);
  const { partitionKey: place, counters } = listCounters(token, at);
  if (isExpired(token.view.expires, at)) return deny('expired');
  const left = await store.budgets.left(place, counters, at);
  return counters.map((counter, i) => {
    const node = token.view.chain.findLast((each) => each.caveat <= counter.caveat);
    return {
      caveat: counter.caveat,
      holder: node?.holder ?? null,
      label: node?.label ?? null,
      budget: counter.budget,
      left: left[i]!,
      renewed: counter.window === 0 || counter.step > 0 ? null : counter.windowStart + counter.window,
    };
  });
}
