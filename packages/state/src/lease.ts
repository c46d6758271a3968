// Leases: a verifier of a fleet takes a slice of what is left of a hot budget, spends it locally, and asks the
// store again when it is used up. A slice is a reservation like any other, so the sum is safe by construction:
// what the store has given out plus what is left is the limit, whoever dies, pauses or loses a message. What is
// added here must not break that; `lease/slices.ts` says how it does not, and the model in `model/lease.pml`
// finds what happens otherwise. The store never takes a slice back: a spender that is silent may only be paused.
// What a dead one held stays spent, for good.
// Nonces, `once` and shared session numbers still go to the store; calls by session proof make no trip at all.
import type { Charges, CounterCharge } from '@ambit/core';
import {
  checkCharges,
  checkNow,
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
  const share = options.share ?? 1 / 8;
  if (!(share > 0 && share <= 1)) throw new RangeError('share: expected a part above 0 and up to 1');
  const skew = (options.skew ?? 2) * 1000;
  const worth = options.worth ?? 8;
  const idle = options.idle ?? 10_000;
  const most = options.slices ?? 10_000;
  const monotonic = options.monotonic ?? ((): number => performance.now());
  const slices = new Slices(store, monotonic);
  const refills = new Map<string, Promise<Refused | null>>();
  /** Reservations from slices, and the slices. */
  const spent = new WeakMap<Reservation, readonly Slice[]>();
  /** The store's part of a reservation that was spent from slices and the store. */
  const beneath = new WeakMap<Reservation, Reservation>();
  let stopped = false;
  let trips = 0;
  let local = 0;

  const ask = (charges: Charges, now: number, part = 0): Promise<Reserved | Refused> => {
    trips++;
    return store.reserve(charges, now, part);
  };
  const worthIt = (c: CounterCharge, now: number): boolean =>
    !stopped &&
    slices.size < most &&
    c.limit * share >= worth * c.amount &&
    (c.expires - now) * 1000 > 2 * skew;

  const giveBack = async (slice: Slice): Promise<void> => {
    trips += await slices.giveBack(slice);
  };
  const timer = setInterval(
    () => {
      for (const slice of slices.unused(idle)) void giveBack(slice);
    },
    Math.max(100, idle / 2),
  );
  timer.unref();

  /** Takes a slice for a counter; one request at a time, which all who wait share. */
  const refill = (charges: Charges, c: CounterCharge, now: number): Promise<Refused | null> => {
    const name = sliceKey(c);
    let running = refills.get(name);
    if (running === undefined) {
      const asked = monotonic();
      const era = store.era();
      running = ask({ ...charges, counters: [c], once: [], replay: null, sequence: null }, now, share)
        .then((answer) => {
          if (!answer.ok) return answer;
          const { reservation } = answer;
          // Charged to a later window than asked for (this clock is behind), made in an era that is over by
          // now, or stopped meanwhile: not to be held.
          if (reservation.starts[0] !== c.windowStart || era === null || store.era() !== era || stopped)
            return store.settle(reservation, [0]).then(() => null);
          slices.add(c, reservation, era, asked + (c.expires - now) * 1000 - skew, asked);
          return null;
        })
        .finally(() => refills.delete(name));
      refills.set(name, running);
    }
    return running;
  };

  const reserve = async (charges: Charges, now: number, part = 0): Promise<Reserved | Refused> => {
    checkNow(now);
    const wrong = checkCharges(charges);
    if (wrong !== null) return wrong;
    const hot =
      part === 0 ? charges.counters.filter((c) => slices.of(c) !== undefined || worthIt(c, now)) : [];
    if (hot.length === 0) return ask(charges, now, part);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const got = slices.take(hot);
      if ('lacking' in got) {
        for (const c of got.lacking) {
          if (!worthIt(c, now) && slices.of(c) === undefined) return ask(charges, now);
          const refused = await refill(charges, c, now);
          // What others hold in slices can't be had: refused, though the sum is not yet spent.
          if (refused !== null) return { ...refused, caveat: c.caveat };
        }
        continue;
      }
      const cold = charges.counters.filter((c) => !hot.includes(c));
      const rest: Charges = { ...charges, counters: cold };
      const whole =
        cold.length === 0 && rest.once.length === 0 && rest.replay === null && rest.sequence === null;
      const answer: Reserved | Refused | null = whole ? null : await ask(rest, now);
      if (answer !== null && !answer.ok) {
        hot.forEach((c, i) => (got.taken[i]!.room += c.amount));
        return answer;
      }
      if (whole) local++;
      const reservation: Reservation = Object.freeze({
        charges,
        amounts: charges.counters.map((c) => c.amount),
        starts: charges.counters.map((c) => c.windowStart),
      });
      spent.set(
        reservation,
        charges.counters.map((c) => got.taken[hot.indexOf(c)]!),
      );
      if (answer !== null) beneath.set(reservation, answer.reservation);
      return { ok: true, reservation };
    }
    return ask(charges, now);
  };
  const settle = async (reservation: Reservation, amounts: readonly number[]): Promise<boolean> => {
    const from = spent.get(reservation);
    if (from === undefined) return store.settle(reservation, amounts);
    const back = refunds(reservation, amounts);
    if (back === null) return false;
    spent.delete(reservation);
    const cold: number[] = [];
    for (let i = 0; i < back.length; i++) {
      const slice: Slice | undefined = from[i];
      // A slice that was given back or has ended takes nothing more: the amount stays spent.
      if (slice === undefined) cold.push(amounts[i]!);
      else if (slices.holds(slice)) slice.room += back[i]!;
    }
    const under = beneath.get(reservation);
    return under === undefined || cold.length === 0 || store.settle(under, cold);
  };

  return {
    reserve,
    settle,
    release: (reservation) =>
      settle(
        reservation,
        reservation.amounts.map(() => 0),
      ),
    era: () => store.era(),
    left: async (place, counters, now) => {
      const left = await store.left(place, counters, now);
      return left.map((n, i) => n + (slices.of(counters[i]!)?.room ?? 0));
    },
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await Promise.allSettled([...refills.values()]);
      await Promise.all(slices.unused(0).map(giveBack));
    },
    get trips() {
      return trips;
    },
    get local() {
      return local;
    },
  };
}
