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
  /** Another empty store; the test closes it. */
  open(more?: Omit<OpenOptions, 'nowSeconds'>): Promise<Store>;
}

/** Charges one counter. */
export const spend = (w: World, name: string, amount: number, limit: number): Answer =>
  w.store.budgets.reserve(charges([counter(name, amount, limit)]), NOW);
