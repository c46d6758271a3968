// The laws that every back end keeps, written once; each back end's test runs them on real storage.
import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../store.ts';
import { budgetsRules } from './budgets.ts';
import { NOW, charges, counter, serverSeconds, startAt } from './make.ts';
import { revocationsRules } from './revocations.ts';
import { rowsRules } from './rows.ts';
import { slidingRules } from './sliding.ts';
import { surroundingsRules } from './surroundings.ts';
import { turnsRules } from './turns.ts';
import type { OpenOptions, World } from './world.ts';

/** Every rule; a back end of which some do not hold names those that do. */
const RULES: readonly ((w: World) => void)[] = [
  budgetsRules,
  slidingRules,
  rowsRules,
  turnsRules,
  revocationsRules,
  surroundingsRules,
];

/**
 * Runs the rules; `open` makes an empty store each time it is called, `reset` does to one what an operator does
 * after state may have been lost. `clock`: whether the store has a clock of its own, as servers on this machine do;
 * `drop` then takes the rows out that the store would have dropped by a time.
 */
export function conformance(
  name: string,
  open: (options: OpenOptions) => Promise<Store>,
  reset?: (store: Store) => Promise<void>,
  clock: 'given' | 'own' = 'given',
  rules: readonly ((w: World) => void)[] = RULES,
  drop?: (store: Store, at: number) => Promise<void>,
): void {
  describe(`${name}: conformance`, () => {
    let store: Store;
    const w: World = {
      get store() {
        return store;
      },
      now: NOW,
      time: () => (clock === 'own' ? serverSeconds() : w.now),
      reset: reset ?? null,
      later: async (aged, seconds) => {
        if (drop !== undefined) return drop(aged, NOW + seconds);
        // A clock is believed when a second call says the same.
        for (const more of [0, 20]) {
          w.now = NOW + seconds + more;
          await aged.budgets.reserve(charges([counter('other', 1, 10)]), w.now);
        }
      },
      open: (more = {}) => open({ ...more, nowSeconds: () => w.now }),
    };
    beforeEach(async () => {
      // Rows of a server end by its clock: on a busy machine the last tests begin minutes after the first.
      if (clock === 'own') startAt(serverSeconds());
      w.now = NOW;
      store = await w.open();
    });
    afterEach(() => store.close());
    for (const rule of rules) rule(w);
  });
}
