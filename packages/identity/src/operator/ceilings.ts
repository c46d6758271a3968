// Ceilings of several layers together: the smallest of each. Budgets with the same unit, window, argument and
// tools are one budget with the smallest limit; others are kept separately, as all of them must hold.
import type { Budget } from '@ambit/core';
import type { Ceilings } from '../config/configuration.ts';

/** What makes two budget entries the same counter. */
const budgetKey = (b: Budget): string =>
  JSON.stringify([
    b.unit,
    b.window ?? 0,
    b.sliding === true,
    b.argument ?? null,
    b.pool ?? null,
    b.tools === undefined ? null : [...b.tools].sort(),
  ]);

/** All entries, each counter once with its smallest limit, in order of first appearance. */
export function leastBudgets(...lists: readonly (readonly Budget[])[]): readonly Budget[] {
  const out = new Map<string, Budget>();
  for (const budget of lists.flat()) {
    const key = budgetKey(budget);
    const known = out.get(key);
    if (known === undefined || budget.limit < known.limit) out.set(key, budget);
  }
  return Object.freeze([...out.values()]);
}

/** The entries of `asked`, and those of `otherwise` that it says nothing about. */
export function withDefaults(asked: readonly Budget[], otherwise: readonly Budget[]): readonly Budget[] {
  const named = new Set(asked.map(budgetKey));
  return [...asked, ...otherwise.filter((b) => !named.has(budgetKey(b)))];
}

/** The smallest of those stated; undefined when none is stated. */
export function least(...values: readonly (number | undefined)[]): number | undefined {
  const stated = values.filter((v) => v !== undefined);
  return stated.length === 0 ? undefined : Math.min(...stated);
}

/** The ceilings of all together. */
export function leastCeilings(all: readonly Ceilings[]): Ceilings {
  const life = least(...all.map((c) => c.life));
  const delegations = least(...all.map((c) => c.delegations));
  return Object.freeze({
    ...(life === undefined ? {} : { life }),
    ...(delegations === undefined ? {} : { delegations }),
    budgets: leastBudgets(...all.map((c) => c.budgets)),
  });
}
