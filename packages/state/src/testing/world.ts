// What a rule is given: a fresh store for each test, and how to make more.
import type { Store } from '../store.ts';
import { NOW, charges, counter } from './make.ts';

/** How a back end's test makes a store. */
export interface OpenOptions {
  /** Unix seconds: the clock by which a store that has none of its own drops rows. */
  readonly nowSeconds: () => number;
  readonly rowsPerToken?: number;
}

export type Answer = ReturnType<Store['budgets']['reserve']>;

/** One test's store and its time. */
export interface World {
  /** An empty store, opened for the test and closed behind it. */
  readonly store: Store;
  /** Unix seconds, what `nowSeconds` says; a server's own clock does not follow it. */
  now: number;
  /** Unix seconds: the store's own clock. */
  time(): number;
  /** What an operator does after state may have been lost; null where there is no such thing. */
  readonly reset: ((store: Store) => Promise<void>) | null;
  /** So many seconds after `NOW` a store has dropped what had ended by then; a server's own clock stays. */
  later(store: Store, seconds: number): Promise<void>;
  /** Another empty store; the test closes it. */
  open(more?: Omit<OpenOptions, 'nowSeconds'>): Promise<Store>;
}

/** Charges one counter. */
export const spend = (w: World, name: string, amount: number, limit: number): Answer =>
  w.store.budgets.reserve(charges([counter(name, amount, limit)]), NOW);

/** Runs `job` for 0 to n - 1, so many at a time that a busy machine still answers each in time. */
export async function inTurn(n: number, job: (i: number) => Promise<unknown>): Promise<void> {
  const AT_ONCE = 40;
  for (let from = 0; from < n; from += AT_ONCE) {
    const count = Math.min(AT_ONCE, n - from);
    await Promise.all(Array.from({ length: count }, (_, i) => job(from + i)));
  }
}
