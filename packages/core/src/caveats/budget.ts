// `budget`: every counter has room, and so has every ancestor's. A rule says what a call would cost; the ledger
// applies all costs of a call in one step. Counter ids are digests over D, so descendants share a counter and nobody
// can aim at another's (attacks S10, S13).
import { bare } from '../bare.ts';
import type { CallRequest } from '../call.ts';
import type { Cbor } from '../cbor/index.ts';
import { chargeId } from '../charge-id.ts';
import type { ChargeRule } from '../charges.ts';
import { deny, type Denial } from '../codes.ts';
import { LIMITS } from '../limits.ts';
import { matchesAny } from '../patterns.ts';
import {
  budgetToCbor,
  budgetWords,
  readBudgets,
  requireBudget,
  unitNumber,
  windowNumber,
  type Budget,
} from '../token/budget.ts';
import { spanOf, stepOf, windowStartOf } from '../token/budget-window.ts';
import type { ChargePlace, RestrictionKind } from './kind.ts';
import { fail } from './name-list.ts';

/** Every counter has room, and so has every ancestor's. */
export interface BudgetCaveat {
  readonly type: 'budget';
  readonly budgets: readonly Budget[];
}

/** Unix seconds, in the year 2242: the end of a pool's total, which is to say never. */
const POOL_EXPIRES = 2 ** 33;

/** The rule of one entry, of a caveat or of the grant. */
export function budgetRule(b: Budget, entry: number, place: ChargePlace): ChargeRule {
  const { unit, argument = null, window = 0, pool } = b;
  const { caveat, issuer, prefix } = place;
  const key: Cbor =
    pool === undefined
      ? [prefix, entry, unitNumber(unit), argument, windowNumber(b)]
      : ['pool', issuer, pool, unitNumber(unit), argument, windowNumber(b)];
  const id = chargeId(key);
  // Rows end with the grant, not with a narrower child: else a child's call would reset its parent's counter. A pool
  // outlives the tokens that draw on it: a row that ended with one would begin afresh for the next.
  const end = pool === undefined ? place.expires : POOL_EXPIRES;
  const step = stepOf(b);
  const span = spanOf(window, step);
  return {
    caveat,
    name: 'budget',
    counts: { budget: b, id },
    charge(r) {
      if (b.tools !== undefined && !matchesAny(b.tools, r.call.tool)) return null;
      const amount = amountOf(b, r);
      if (typeof amount !== 'number') return { ...amount, caveat };
      if (amount > b.limit) return deny('budget_exceeded', `${unit}: at most ${b.limit} in all`, caveat);
      if (amount === 0) return null;
      const windowStart = windowStartOf(b, r.now);
      const expires = window === 0 ? end : Math.min(end, windowStart + span);
      const charge = { id, unit, amount, limit: b.limit, window, step, windowStart, expires, caveat };
      return b.argument === undefined ? charge : { ...charge, argument: b.argument };
    },
  };
}

const isAmount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;

function amountOf(b: Budget, { call, facts }: CallRequest): number | Denial {
  switch (b.unit) {
    case 'calls':
      return 1;
    case 'external':
      return facts.external === false ? 0 : 1;
    case 'bytes':
      if (facts.bytes === undefined) return deny('fact_missing', 'the bytes the call will move');
      return isAmount(facts.bytes) ? facts.bytes : deny('budget_amount', 'bytes');
    case 'sum': {
      const name = b.argument!;
      const value = Object.hasOwn(call.args.value, name) ? call.args.value[name] : undefined;
      return isAmount(value) ? value : deny('budget_amount', `argument ${name}`);
    }
    case 'cost': {
      const name = b.argument!;
      const price =
        facts.cost !== undefined && Object.hasOwn(facts.cost, name) ? facts.cost[name] : undefined;
      if (price === undefined) return deny('fact_missing', `what the call costs at most, in ${name}`);
      return isAmount(price) ? price : deny('budget_amount', `its cost in ${name}`);
    }
  }
}

export const budget: RestrictionKind<
  BudgetCaveat,
  {
    /** Within all of these counters. */
    readonly budget: (...budgets: readonly Budget[]) => BudgetCaveat;
    /** At most so many calls in all. */
    readonly calls: (limit: number) => BudgetCaveat;
    /** At most so many calls in any `seconds`. */
    readonly rate: (limit: number, seconds: number) => BudgetCaveat;
    /** At most so many calls that go outside. */
    readonly externalCalls: (limit: number) => BudgetCaveat;
    /** At most so much, summed over a numeric argument. */
    readonly sum: (argument: string, limit: number, tools?: readonly string[]) => BudgetCaveat;
    /** At most so much money or work, by the operator's prices: `cost('microusd', 5_000_000)`. */
    readonly cost: (unit: string, limit: number) => BudgetCaveat;
  }
> = {
  type: 'budget',
  number: 7,
  mayAppend: true,
  make: {
    budget: (...budgets) => ({ type: 'budget', budgets }),
    calls: (limit) => ({ type: 'budget', budgets: [{ unit: 'calls', limit }] }),
    rate: (limit, seconds) => ({
      type: 'budget',
      budgets: [{ unit: 'calls', limit, window: seconds, sliding: true }],
    }),
    externalCalls: (limit) => ({ type: 'budget', budgets: [{ unit: 'external', limit }] }),
    sum: (argument, limit, tools) => ({ type: 'budget', budgets: [{ unit: 'sum', argument, limit, tools }] }),
    cost: (argument, limit) => ({ type: 'budget', budgets: [{ unit: 'cost', argument, limit }] }),
  },
  write(c) {
    if (c.budgets.length > LIMITS.counters) fail(`budget: at most ${LIMITS.counters} entries`);
    return c.budgets.map((b) => budgetToCbor(requireBudget(bare(b, 'budget'), false)));
  },
  read: (r) => ({ type: 'budget', budgets: readBudgets(r, false) }),
  decidedBy: 'ledger',
  charges(c, place) {
    // An empty list of budgets leaves nothing to spend (law L2): it is a counter with no room.
    if (c.budgets.length === 0) {
      const charge = (): Denial => deny('budget_exceeded', 'no budget at all', place.caveat);
      return [{ caveat: place.caveat, name: 'budget', counts: null, charge }];
    }
    return c.budgets.map((b, entry) => budgetRule(b, entry, place));
  },
  words: (c) =>
    c.budgets.length === 0 ? 'nothing to spend' : `at most ${c.budgets.map(budgetWords).join(', ')}`,
  limits: () => [],
  empty: (c) => (c.budgets.length === 0 ? 'an empty list of budgets' : null),
};
