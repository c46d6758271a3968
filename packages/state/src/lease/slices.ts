// The slices a process holds: parts of budgets that the store has given it, and that it spends without asking.
// - A slice belongs to one counter under one limit: tokens that name the same pool may state different limits,
//   and what was given under the wider one is not the narrower one's to spend (finding R3b).
// - It is spent up to its end on this process's monotonic clock, counted from before the store was asked.
// - It belongs to the era in which it was made; when the store's state was reset, or may be lost, it is not spent
//   from, because the store no longer counts it (finding S4).
// - It is given back once, and only to the window it came from.
import type { CounterCharge } from '@ambit/core';
import type { Budgets, Reservation } from '../budgets.ts';

export interface Slice {
  room: number;
  /** What was left in the store when it last gave some. */
  beyond: number;
  /** Milliseconds of the monotonic clock; nothing is spent or given back from then on. */
  readonly end: number;
  readonly era: string;
  readonly counter: CounterCharge;
  /** What the store gave, so that it can be given back. */
  readonly from: Reservation[];
  /** When it was last spent from. */
  used: number;
}

type Named = Pick<CounterCharge, 'id' | 'windowStart' | 'limit'>;

export const sliceKey = (c: Named): string => `${c.id} ${c.windowStart} ${c.limit}`;

export class Slices {
  readonly #store: Budgets;
  readonly #monotonic: () => number;
  readonly #held = new Map<string, Slice>();

  constructor(store: Budgets, monotonic: () => number) {
    this.#store = store;
    this.#monotonic = monotonic;
  }

  get size(): number {
    return this.#held.size;
  }

  /** The slice of a counter that may be spent from now. */
  of(c: Named): Slice | undefined {
    const slice = this.#held.get(sliceKey(c));
    if (slice === undefined) return undefined;
    const era = this.#store.era();
    if (slice.end > this.#monotonic() && slice.era === era) return slice;
    // Not known at the moment: the same era may come back. Over, or of an era that is over: lost.
    if (era !== null || slice.end <= this.#monotonic()) this.#held.delete(sliceKey(c));
    return undefined;
  }

  /** Whether it is still held: what is settled into one that was given back would be spent twice. */
  holds(slice: Slice): boolean {
    return this.of(slice.counter) === slice;
  }

  /** Adds what the store gave in `era`, to the slice that is held or to a new one. */
  add(counter: CounterCharge, reservation: Reservation, era: string, end: number, asked: number): void {
    const room = reservation.amounts[0]!;
    const held = this.of(counter);
    const beyond = reservation.left[0]!;
    if (held === undefined)
      this.#held.set(sliceKey(counter), {
        room,
        beyond,
        end,
        era,
        counter,
        from: [reservation],
        used: asked,
      });
    else {
      held.room += room;
      held.beyond = beyond;
      held.from.push(reservation);
    }
  }

  /** Takes every amount from its slice, or nothing and the counters that lack room. */
  take(counters: readonly CounterCharge[]): { taken: Slice[] } | { lacking: CounterCharge[] } {
    const taken: Slice[] = [];
    const lacking: CounterCharge[] = [];
    for (const c of counters) {
      const slice = this.of(c);
      if (slice === undefined || slice.room < c.amount) lacking.push(c);
      else taken.push(slice);
    }
    if (lacking.length > 0) return { lacking };
    counters.forEach((c, i) => {
      taken[i]!.room -= c.amount;
      taken[i]!.used = this.#monotonic();
    });
    return { taken };
  }

  /** Gives back what is unspent; returns how many trips it took. */
  async giveBack(slice: Slice): Promise<number> {
    // Out of reach before the first await, so that nothing can be spent that is on its way back.
    const mine = this.holds(slice);
    this.#held.delete(sliceKey(slice.counter));
    if (!mine) return 0;
    let trips = 0;
    let { room } = slice;
    for (const reservation of slice.from.splice(0)) {
      const taken = reservation.amounts[0]!;
      const back = Math.min(room, taken);
      room -= back;
      if (back > 0) trips++;
      await this.#store.settle(reservation, [taken - back]);
    }
    return trips;
  }

  /** Those nobody has spent from for `idle` milliseconds; all of them for 0. */
  unused(idle: number): Slice[] {
    return [...this.#held.values()].filter((slice) => slice.used + idle <= this.#monotonic());
  }
}
