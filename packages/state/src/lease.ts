// Leases: a verifier of a fleet takes a slice of what is left of a hot budget, spends it locally, and asks the
// store again when it is used up. A slice is a reservation like any other, so the sum is safe by construction:
// what the store has given out plus what is left is the limit, whoever dies, pauses or loses a message. What is
// added here must not break that; `lease/slices.ts` says how it does not, and the model in `model/lease.pml`
// finds what happens otherwise. The store never takes a slice back: a spender that is silent may only be paused.
// What a dead one held stays spent, for good.
// Sliding windows, nonces, `once` and shared session numbers still go to the store; calls by session proof make no trip at all.
import { isFree, type Charges, type CounterCharge } from '@ambit/core';
import {
  checkCharges,
  checkNow,
  nothing,
  refunds,
  type Budgets,
  type Refused,
  type Reservation,
  type Reserved,
} from './budgets.ts';
import { Slices, sliceKey, type Slice } from './lease/slices.ts';

/** Options of `leasedBudgets`. */
export interface LeaseOptions {
  /** The part of what is left that a slice takes. Default 1/8; a fleet of n should not ask for more than 1/n. */
  readonly share?: number;
  /** Seconds by which clocks may disagree: a slice ends so much before its counter's window. Default 2. */
  readonly skew?: number;
  /** Calls a first slice has to be good for; counters with less go to the store. Default 8. */
  readonly worth?: number;
  /** Milliseconds after which an idle slice is given back. Default 10,000. */
  readonly idle?: number;
  /** Slices held at most; counters beyond go to the store. Default 10,000. */
  readonly slices?: number;
  /** Milliseconds on a monotonic clock. Default `performance.now`. */
  readonly monotonic?: () => number;
}

/** Budgets that spend from slices. */
export interface LeasedBudgets extends Budgets {
  /** Gives back what is unspent; from then on every call goes to the store. */
  stop(): Promise<void>;
  /** Trips to the store so far, and calls that needed none. */
  readonly trips: number;
  readonly local: number;
}

/** Attempts to find room before a call is sent to the store as it is. */
const ATTEMPTS = 4;

/** Budgets over `store` that keep slices in this process. */
export function leasedBudgets(store: Budgets, options: LeaseOptions = {}): LeasedBudgets {
  return new Leased(store, options);
}

/** A reservation of which a part was spent from slices. */
interface Spent {
  /** The slice of each counter; undefined for those that the store charged. */
  readonly from: readonly (Slice | undefined)[];
  /** The store's part; null when it was not asked. */
  readonly beneath: Reservation | null;
}

class Leased implements LeasedBudgets {
  readonly #store: Budgets;
  readonly #slices: Slices;
  readonly #monotonic: () => number;
  readonly #share: number;
  readonly #skew: number;
  readonly #worth: number;
  readonly #most: number;
  readonly #timer: NodeJS.Timeout;
  readonly #refills = new Map<string, Promise<Refused | null>>();
  readonly #spent = new WeakMap<Reservation, Spent>();
  #stopped = false;
  trips = 0;
  local = 0;

  constructor(store: Budgets, options: LeaseOptions) {
    this.#store = store;
    this.#share = options.share ?? 1 / 8;
    if (!(this.#share > 0 && this.#share <= 1))
      throw new RangeError('share: expected a part above 0 and up to 1');
    this.#skew = (options.skew ?? 2) * 1000;
    this.#worth = options.worth ?? 8;
    this.#most = options.slices ?? 10_000;
    this.#monotonic = options.monotonic ?? ((): number => performance.now());
    this.#slices = new Slices(store, this.#monotonic);
    const idle = options.idle ?? 10_000;
    const giveIdleBack = (): void => {
      for (const slice of this.#slices.unused(idle)) void this.#giveBack(slice);
    };
    this.#timer = setInterval(giveIdleBack, Math.max(100, idle / 2)).unref();
  }

  readonly reserve: Budgets['reserve'] = async (charges, now, part = 0) => {
    checkNow(now);
    const wrong = checkCharges(charges);
    if (wrong !== null) return wrong;
    const hot = part === 0 ? charges.counters.filter((c) => this.#isHot(c, now)) : [];
    if (hot.length === 0) return this.#ask(charges, now, part);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const got = this.#slices.take(hot);
      if ('taken' in got) return this.#spend(charges, now, hot, got.taken);
      for (const c of got.lacking) {
        if (!this.#isHot(c, now)) return this.#ask(charges, now);
        const refused = await this.#refill(charges, c, now);
        // What others hold in slices can't be had: refused, though the sum is not yet spent.
        if (refused !== null) return { ...refused, caveat: c.caveat };
      }
    }
    return this.#ask(charges, now);
  };

  readonly settle: Budgets['settle'] = async (reservation, amounts) => {
    const spent = this.#spent.get(reservation);
    if (spent === undefined) return this.#store.settle(reservation, amounts);
    const back = refunds(reservation, amounts);
    if (back === null) return false;
    this.#spent.delete(reservation);
    const cold: number[] = [];
    for (let i = 0; i < back.length; i++) {
      const slice = spent.from[i];
      // A slice that was given back or has ended takes nothing more: the amount stays spent.
      if (slice === undefined) cold.push(amounts[i]!);
      else if (this.#slices.holds(slice)) slice.room += back[i]!;
    }
    return spent.beneath === null || cold.length === 0 || this.#store.settle(spent.beneath, cold);
  };

  readonly release: Budgets['release'] = (reservation) => this.settle(reservation, nothing(reservation));

  readonly era: Budgets['era'] = () => this.#store.era();

  readonly left: Budgets['left'] = async (place, counters, now) => {
    const left = await this.#store.left(place, counters, now);
    return left.map((n, i) => n + (this.#slices.of(counters[i]!)?.room ?? 0));
  };

  readonly stop: LeasedBudgets['stop'] = async () => {
    this.#stopped = true;
    clearInterval(this.#timer);
    await Promise.allSettled([...this.#refills.values()]);
    await Promise.all(this.#slices.unused(0).map((slice) => this.#giveBack(slice)));
  };

  // A sliding window's are not: what is spent later than the store has counted it would be forgotten too early.
  #isHot(c: CounterCharge, now: number): boolean {
    return c.step === 0 && (this.#slices.of(c) !== undefined || this.#isWorth(c, now));
  }

  #isWorth(c: CounterCharge, now: number): boolean {
    return (
      !this.#stopped &&
      this.#slices.size < this.#most &&
      c.limit * this.#share >= this.#worth * c.amount &&
      (c.expires - now) * 1000 > 2 * this.#skew
    );
  }

  #ask(charges: Charges, now: number, part = 0): Promise<Reserved | Refused> {
    this.trips++;
    return this.#store.reserve(charges, now, part);
  }

  async #giveBack(slice: Slice): Promise<void> {
    this.trips += await this.#slices.giveBack(slice);
  }

  /** Charges the rest to the store, in one step; `taken` is the hot counters' already, and goes back if that fails. */
  async #spend(
    charges: Charges,
    now: number,
    hot: readonly CounterCharge[],
    taken: readonly Slice[],
  ): Promise<Reserved | Refused> {
    const rest: Charges = { ...charges, counters: charges.counters.filter((c) => !hot.includes(c)) };
    const answer = isFree(rest) ? null : await this.#ask(rest, now);
    if (answer !== null && !answer.ok) {
      hot.forEach((c, i) => (taken[i]!.room += c.amount));
      return answer;
    }
    if (answer === null) this.local++;
    const beneath = answer?.reservation ?? null;
    const from = charges.counters.map((c) => taken[hot.indexOf(c)]);
    const cold = (i: number): number => rest.counters.indexOf(charges.counters[i]!);
    const reservation: Reservation = Object.freeze({
      charges,
      amounts: charges.counters.map((c) => c.amount),
      starts: charges.counters.map((c, i) => (from[i] ? c.windowStart : beneath!.starts[cold(i)]!)),
      left: charges.counters.map((_, i) => leftIn(from[i]) ?? beneath!.left[cold(i)]!),
    });
    this.#spent.set(reservation, { from, beneath });
    return { ok: true, reservation };
  }

  /** Takes a slice for a counter; one request at a time, which all who wait share. */
  #refill(charges: Charges, c: CounterCharge, now: number): Promise<Refused | null> {
    const name = sliceKey(c);
    let running = this.#refills.get(name);
    if (running === undefined) {
      running = this.#takeSlice(charges, c, now).finally(() => this.#refills.delete(name));
      this.#refills.set(name, running);
    }
    return running;
  }

  async #takeSlice(charges: Charges, c: CounterCharge, now: number): Promise<Refused | null> {
    const asked = this.#monotonic();
    const era = this.#store.era();
    const alone: Charges = { ...charges, counters: [c], once: [], replay: null, sequence: null };
    const answer = await this.#ask(alone, now, this.#share);
    if (!answer.ok) return answer;
    const { reservation } = answer;
    // Charged to a later window than asked for (this clock is behind), made in an era that is over by now, or
    // stopped meanwhile: not to be held.
    if (
      reservation.starts[0] !== c.windowStart ||
      era === null ||
      this.#store.era() !== era ||
      this.#stopped
    ) {
      await this.#store.settle(reservation, [0]);
      return null;
    }
    this.#slices.add(c, reservation, era, asked + (c.expires - now) * 1000 - this.#skew, asked);
    return null;
  }
}

// What the store has left and this process: what others hold in slices counts as spent.
const leftIn = (slice: Slice | undefined): number | undefined =>
  slice === undefined ? undefined : slice.beyond + slice.room;
