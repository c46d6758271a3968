// Whether every call of a session has come to this guard. Guards that share a store count themselves in there, each
// before its first call of a session: who is the first and only one has seen it whole. A guard that was started again,
// and one of several before an agent's servers, finds others counted, and knows that it has not.
import { AmbitError, sha256, toBase64url, utf8, type CounterCharge, type TokenView } from '@ambit/core';
import type { Store } from '@ambit/state';

/** More guards than will ever meet one session. */
const GUARDS = 2 ** 40;
/** Seconds for which a session is remembered after a guard joined it or its token ended: tokens may be renewed. */
const REMEMBERED = 30 * 86_400;
const LABEL = 'ambit.guards-of-session.v1';

/** The guards that take part in sessions, counted in a store. Rejects when the store fails. */
export class Attendance {
  readonly #budgets: Store['budgets'];

  constructor(store: Pick<Store, 'budgets'>) {
    this.#budgets = store.budgets;
  }

  /** Counts this guard in; the number of guards then. `now`: Unix seconds. */
  async join(view: TokenView, now: number): Promise<number> {
    const expires = Math.max(view.expires, now) + REMEMBERED;
    const { id, counter } = counterOf(view, expires);
    const charges = {
      root: id,
      partitionKey: id,
      counters: [counter],
      once: [],
      replay: null,
      sequence: null,
    };
    const answer = await this.#budgets.reserve(charges, now);
    if (!answer.ok) throw new AmbitError('store_unavailable', 'The store counts no guards.');
    return this.count(view, now);
  }

  /** How many guards take part, this one included. */
  async count(view: TokenView, now: number): Promise<number> {
    const { id, counter } = counterOf(view, now);
    const [left = GUARDS] = await this.#budgets.left(id, [counter], now);
    return GUARDS - left;
  }
}

// Made by the guard and not by a holder (caveat -1), so it takes no row of a token.
function counterOf(
  { issuer, session }: TokenView,
  expires: number,
): { readonly id: string; readonly counter: CounterCharge } {
  const id = toBase64url(sha256(utf8(JSON.stringify([LABEL, issuer, session]))));
  const counter = {
    id,
    unit: 'calls' as const,
    amount: 1,
    limit: GUARDS,
    window: 0,
    step: 0,
    windowStart: 0,
    expires,
    caveat: -1,
  };
  return { id, counter };
}
