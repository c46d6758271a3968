// Leases: a verifier of a fleet takes a slice of what is left of a hot budget, spends it locally, and asks the
// store again when it is used up. A slice is a reservation like any other, so the sum is safe by construction:
// what the store has given out plus what is left is the limit, even if a spender dies, pauses or loses a message. What is
// added here must not break that, and the model in `model/lease.pml` says what would:
// - a slice is given back once, and only to the window it came from;
// - it is spent up to its end on this process's monotonic clock, counted from before the store was asked;
// - the store never takes a slice back: a spender that is silent may only be paused. What a dead one held stays
//   spent, for good.
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

interface Slice {
  room: number;
  /** Milliseconds of the monotonic clock; nothing is spent or given back from then on. */
  readonly end: number;
  readonly counter: CounterCharge;
  /** What the store gave, so that it can be given back. */
  readonly from: Reservation[];
  used: number;
}

/** Attempts to find room before a call is sent to the store as it is. */
const ATTEMPTS = 4;

const key = (c: CounterCharge): string => `${c.id} ${c.windowStart}`;

/** Budgets over `store` that keep slices in this process. */
export function leasedBudgets(store: Budgets, options: LeaseOptions = {}): LeasedBudgets {
  const share = options.share ?? 1 / 8;
  if (!(share > 0 && share <= 1)) throw new RangeError('share: expected a part above 0 and up to 1');
  const skew = (options.skew ?? 2) * 1000;
  const worth = options.worth ?? 8;
  const idle = options.idle ?? 10_000;
  const most = options.slices ?? 10_000;
  const monotonic = options.monotonic ?? ((): number => performance.now());
  const slices = new Map<string, Slice>();
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
  const alive = (c: CounterCharge): Slice | undefined => {
    const slice = slices.get(key(c));
    if (slice === undefined || slice.end > monotonic()) return slice;
    // Over: what is left of it is lost; the store may be counting another window by now.
    slices.delete(key(c));
    return undefined;
  };
  const worthIt = (c: CounterCharge, now: number): boolean =>
    !stopped &&
    slices.size < most &&
    c.limit * share >= worth * c.amount &&
    (c.expires - now) * 1000 > 2 * skew;

  const giveBack = async (slice: Slice): Promise<void> => {
    // Out of reach before the first await, so that nothing can be spent that is on its way back.
    slices.delete(key(slice.counter));
    if (slice.end <= monotonic()) return;
    let { room } = slice;
    for (const reservation of slice.from.splice(0)) {
      const taken = reservation.amounts[0]!;
      const back = Math.min(room, taken);
      room -= back;
      if (back > 0) trips++;
      await store.settle(reservation, [taken - back]);
    }
  };
  const timer = setInterval(
    () => {
      for (const slice of [...slices.values()]) if (slice.used + idle < monotonic()) void giveBack(slice);
    },
    Math.max(100, idle / 2),
  );
  timer.unref();

  /** Takes a slice for a counter; one request at a time, which all who wait share. */
  const refill = (charges: Charges, c: CounterCharge, need: number, now: number): Promise<Refused | null> => {
    const name = key(c);
    let running = refills.get(name);
    if (running === undefined) {
      const asked = monotonic();
      const counters = [{ ...c, amount: need }];
      running = ask({ ...charges, counters, once: [], replay: null, sequence: null }, now, share)
        .then((answer) => {
          if (!answer.ok) return answer;
          const { reservation } = answer;
          const held = alive(c);
          const end = asked + (c.expires - now) * 1000 - skew;
          // Charged to a later window than asked for (this clock is behind), or stopped meanwhile: not to be held.
          if (reservation.starts[0] !== c.windowStart || stopped) {
            return store.settle(reservation, [0]).then(() => null);
          }
          if (held !== undefined) {
            held.room += reservation.amounts[0]!;
            held.from.push(reservation);
          } else {
            const room = reservation.amounts[0]!;
            slices.set(name, { room, end, counter: c, from: [reservation], used: asked });
          }
          return null;
        })
        .finally(() => refills.delete(name));
      refills.set(name, running);
    }
    return running;
  };

  /** Takes every amount from its slice, or nothing and the counters that lack room. */
  const take = (counters: readonly CounterCharge[]): { taken: Slice[] } | { lacking: CounterCharge[] } => {
    const taken: Slice[] = [];
    const lacking: CounterCharge[] = [];
    for (const c of counters) {
      const slice = alive(c);
      if (slice === undefined || slice.room < c.amount) lacking.push(c);
      else taken.push(slice);
    }
    if (lacking.length > 0) return { lacking };
    counters.forEach((c, i) => {
      taken[i]!.room -= c.amount;
      taken[i]!.used = monotonic();
    });
    return { taken };
  };

  const reserve = async (charges: Charges, now: number, part = 0): Promise<Reserved | Refused> => {
    checkNow(now);
    const wrong = checkCharges(charges);
    if (wrong !== null) return wrong;
    const hot = part === 0 ? charges.counters.filter((c) => alive(c) !== undefined || worthIt(c, now)) : [];
    if (hot.length === 0) return ask(charges, now, part);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const got = take(hot);
      if ('lacking' in got) {
        for (const c of got.lacking) {
          if (!worthIt(c, now) && alive(c) === undefined) return ask(charges, now);
          const refused = await refill(charges, c, c.amount, now);
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
      else if (slices.get(key(slice.counter)) === slice && alive(slice.counter) === slice)
        slice.room += back[i]!;
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
    left: async (place, counters, now) => {
      const left = await store.left(place, counters, now);
      return left.map(
        (n, i) => n + (slices.get(`${counters[i]!.id} ${counters[i]!.windowStart}`)?.room ?? 0),
      );
    },
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      await Promise.allSettled([...refills.values()]);
      await Promise.all([...slices.values()].map(giveBack));
    },
    get trips() {
      return trips;
    },
    get local() {
      return local;
    },
  };
}
