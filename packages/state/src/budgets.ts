// Budgets (laws L8, L9, L10, docs/design.md section 3): what one call costs is reserved in a single atomic step
// for all counters of its chain, together with its `once` claims and its proof's nonce. After the call it is
// settled with the true amount, never above what was reserved; before the call has begun it may be released. A
// reservation that is not settled stays spent: a crash can waste budget but not create any.
import {
  LONGEST_SLIDING,
  spanOf,
  stepOf,
  type Charges,
  type CounterCharge,
  type DenialCode,
} from '@ambit/core';

/** The codes of a store that cannot answer: unreachable or slow, damaged, out of room. */
export type FaultCode = Extract<DenialCode, 'store_unavailable' | 'store_corrupt' | 'store_full'>;

/** Nothing was applied, and this is why. */
export interface Refused {
  readonly ok: false;
  readonly code:
    FaultCode | Extract<DenialCode, 'budget_exceeded' | 'budget_amount' | 'replayed' | 'once_used'>;
  /** Index of the caveat that denied; -1 for the grant, the proof or the store. */
  readonly caveat: number;
  /** What is left of the counter that denied. */
  readonly left?: number;
  /** Unix seconds at which there may be room again: the window ends, or slides far enough; absent for a total. */
  readonly resets?: number;
}

/** All was applied. */
export interface Reserved {
  readonly ok: true;
  readonly reservation: Reservation;
}

/** What was taken, for each counter of the charges. Belongs to the store object that made it. */
export interface Reservation {
  readonly charges: Charges;
  /** Taken from each counter, in the order of `charges.counters`. */
  readonly amounts: readonly number[];
  /** Start of the window, or of the step of a sliding one, that each amount was counted in. */
  readonly starts: readonly number[];
  /** What was left of each counter then. */
  readonly left: readonly number[];
}

/** Reserve, settle, release. `now` is Unix seconds; every answer is a value, faults included. */
export interface Budgets {
  /**
   * Applies all charges or none. With a `share` above 0 (for leases) each counter gives that part of what is
   * left, if it is more than the amount asked for. Rejects with TypeError for charges no verifier can have made.
   */
  reserve(charges: Charges, now: number, share?: number): Promise<Reserved | Refused>;
  /**
   * Gives back what was not used: `amounts` are the true ones, in the order of the counters. True when the
   * counters now hold the true amounts. False when it was settled or released before, was made by another
   * store, an amount is not whole or above what was reserved, or the store failed: then it stays spent.
   */
  settle(reservation: Reservation, amounts: readonly number[]): Promise<boolean>;
  /** Gives all counters back; only before the call has begun. Claims stay claimed. False as for `settle`. */
  release(reservation: Reservation): Promise<boolean>;
  /**
   * Names the life of the state that reservations are made in now, as far as this process knows; null while
   * that is not known. A reset begins another, and nothing crosses it: what was reserved before is not given
   * back, and slices of it (`leasedBudgets`) are not spent from.
   */
  era(): string | null;
  /**
   * What is left of each counter of `charges.place` at `now`, for display: all of one moment, so that no charge is
   * seen in a child and not yet in its parent. Rejects with AmbitError on a fault.
   */
  left(partitionKey: string, counters: readonly CounterKey[], now: number): Promise<readonly number[]>;
}

/** The refusal of a counter that has too little left; by default the window that was asked for resets it. */
export const exceeded = (
  c: CounterCharge,
  left: number,
  resets: number = c.windowStart + spanOf(c.window, c.step),
): Refused => ({
  ok: false,
  code: 'budget_exceeded',
  caveat: c.caveat,
  left,
  ...(c.window === 0 ? {} : { resets }),
});

/** The part of a charge that `left` needs. */
export type CounterKey = Pick<CounterCharge, 'id' | 'limit' | 'window' | 'step' | 'windowStart'>;

/**
 * Rows are kept for so many seconds after they expire, so that verifiers whose clocks differ by less still see
 * each other's rows. What expired longer ago is refused, not counted afresh.
 */
export const GRACE = 60;

/** Counters and `once` claims that the holders of one token may have appended and that are alive (attack S12). */
export const ROWS_PER_TOKEN = 1024;

const ID = /^[A-Za-z0-9_-]{22,64}$/;
const EPOCH = /^[0-9a-f]{32}$/;
const isWhole = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

/** Unix seconds, or RangeError: milliseconds would drop every row and deny until someone repaired the store. */
export function checkNow(now: number): void {
  if (!isWhole(now) || now > 1e11) throw new RangeError(`now: expected Unix seconds, got ${now}`);
}

/** The system's clock in Unix seconds: the default of every `nowSeconds`. */
export const systemSeconds = (): number => Math.floor(Date.now() / 1000);

/**
 * Checks what a caller hands in. Amounts that are not whole are a refusal (attack S6); charges that core
 * cannot make (bad ids, a counter twice, no place) throw TypeError.
 */
export function checkCharges(charges: Charges): Refused | null {
  const { counters, once, replay, sequence, root, partitionKey } = charges;
  if (!ID.test(root) || !ID.test(partitionKey))
    throw new TypeError('charges: root and place must be base64url digests');
  if (counters.length > 16) throw new TypeError('charges: at most 16 counters');
  for (let i = 0; i < counters.length; i++) {
    const c = counters[i]!;
    if (!isWhole(c.amount) || !isWhole(c.limit))
      return { ok: false, code: 'budget_amount', caveat: c.caveat };
    if (!ID.test(c.id)) throw new TypeError('charges: a counter id must be a base64url digest');
    if (
      !isWhole(c.window) ||
      !isWhole(c.windowStart) ||
      !isWhole(c.expires) ||
      (c.window === 0 && c.windowStart !== 0) ||
      !isStep(c)
    )
      throw new TypeError('charges: a window must be whole seconds, and start at 0 when there is none');
    for (let j = 0; j < i; j++)
      if (counters[j]!.id === c.id) throw new TypeError('charges: a counter occurs twice');
  }
  for (const claim of once) checkClaim(claim.id, claim.expires);
  if (replay !== null) {
    checkClaim(replay.id, replay.expires);
    if (!isWhole(replay.from))
      throw new TypeError('claim: expected whole Unix seconds from which it may be made');
  }
  if (sequence !== null) {
    checkClaim(sequence.session, sequence.expires);
    if (!EPOCH.test(sequence.epoch)) throw new TypeError('claim: an epoch is 32 hexadecimal digits');
  }
  return null;
}

// A row keeps the steps of a window, so there must not be more than core makes.
const isStep = ({ window, step, windowStart }: CounterCharge): boolean =>
  step === 0 ||
  (window <= LONGEST_SLIDING && step === stepOf({ window, sliding: true }) && windowStart % step === 0);

/** TypeError unless a claim has a digest for an id and whole seconds for an end. */
export function checkClaim(id: string, expires: number): void {
  if (!ID.test(id) || !isWhole(expires))
    throw new TypeError('claim: expected a base64url digest and Unix seconds');
}

/** The amounts of a release: nothing was used. */
export const nothing = ({ amounts }: Reservation): readonly number[] => amounts.map(() => 0);

/** The refunds of a settlement, or null when an amount is not whole or above what was reserved. */
export function refunds(reservation: Reservation, amounts: readonly number[]): number[] | null {
  if (amounts.length !== reservation.amounts.length) return null;
  const out: number[] = [];
  for (let i = 0; i < amounts.length; i++) {
    const back = reservation.amounts[i]! - amounts[i]!;
    if (!isWhole(amounts[i]!) || back < 0) return null;
    out.push(back);
  }
  return out;
}
