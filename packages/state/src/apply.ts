// The rules by which charges meet rows, once, for the back ends whose rows are in reach of JavaScript (memory
// and SQLite). Redis says the same in Lua; the conformance suite holds all three to it.
import type { Charges, NonceClaim, CounterCharge, SequenceClaim } from '@ambit/core';
import { GRACE, exceeded, type Refused, type Reservation, type Reserved } from './budgets.ts';
import { beforeReset } from './clock.ts';

/** What a counter holds. `start` is 0 for a total. */
export interface CounterRow {
  start: number;
  used: number;
  expires: number;
}

/** The rows as one transaction sees them. */
export interface Rows {
  /** Rows that expired at or before this may be gone, so a charge that expires there is refused. */
  readonly sweptTo: number;
  /** The store's own clock, Unix seconds: a window that begins later was made by a clock that is wrong. */
  readonly now: number;
  /** Unix seconds of the last reset, in which the nonces of proofs made before were lost; 0 when there was none. */
  readonly began: number;
  /** The most counters and `once` claims a root's holders may have appended. */
  readonly rowsPerToken: number;
  counter(id: string): CounterRow | undefined;
  /** `root` is null for rows that the issuer made: they are not counted against the token. */
  putCounter(id: string, row: CounterRow, root: string | null): void;
  /** Whether the nonce of a proof was free; it is taken now. */
  takeNonce(id: string, expires: number): boolean;
  /** Whether a `once` claim was free; it is taken now. */
  claim(id: string, expires: number, root: string | null): boolean;
  /** Whether the number was accepted, in a window that is opened if it is missing. */
  advance(claim: SequenceClaim): boolean;
  /** Take back what this very step took, the latest first. */
  dropNonce(id: string, expires: number): void;
  unclaim(id: string, expires: number): void;
  /** Live rows with this root. */
  rowsOf(root: string): number;
}

const refuse = (code: Refused['code'], caveat: number, left?: number): Refused =>
  left === undefined ? { ok: false, code, caveat } : { ok: false, code, caveat, left };

/** The row a charge meets: a later window replaces an earlier one; an earlier one does not come back (S5). */
export function effective(
  row: CounterRow | undefined,
  charge: Pick<CounterCharge, 'windowStart'>,
): CounterRow {
  if (row === undefined || row.start < charge.windowStart)
    return { start: charge.windowStart, used: 0, expires: 0 };
  return row;
}

/** Applies all charges or none; `charges` have passed `checkCharges`. Claims first: a refused call unclaims them. */
export function applyCharges(rows: Rows, charges: Charges, share: number): Reserved | Refused {
  const { counters, once, replay, sequence, root } = charges;
  const met: CounterRow[] = [];
  const amounts: number[] = [];
  let short: Refused | null = null;
  let fresh = 0;
  let newest = -1;
  for (const c of counters) {
    const found = rows.counter(c.id);
    if (found === undefined && c.caveat >= 0) {
      fresh++;
      newest = c.caveat;
    }
    const row = effective(found, c);
    // A window that has not begun would replace the one that the others are in, until it comes (attack W1).
    const gone = c.expires <= rows.sweptTo || c.windowStart > rows.now + GRACE;
    const left = gone ? 0 : Math.max(0, c.limit - row.used);
    if (short === null && (gone || c.amount > left)) short = exceeded(c, left);
    met.push(row);
    amounts.push(Math.max(c.amount, Math.floor(left * share)));
  }
  const claimed: NonceClaim[] = [];
  const undo = (refused: Refused): Refused => {
    for (const claim of claimed.toReversed()) rows.unclaim(claim.id, claim.expires);
    if (replay !== null) rows.dropNonce(replay.id, replay.expires);
    return refused;
  };
  if (replay !== null) {
    if (beforeReset(replay.expires, rows.now, rows.began)) return refuse('store_unavailable', replay.caveat);
    if (replay.expires <= rows.sweptTo || !rows.takeNonce(replay.id, replay.expires))
      return refuse('replayed', replay.caveat);
  }
  for (const claim of once) {
    const appended = claim.caveat >= 0;
    if (claim.expires <= rows.sweptTo || !rows.claim(claim.id, claim.expires, appended ? root : null))
      return undo(refuse('once_used', claim.caveat));
    claimed.push(claim);
    if (appended) newest = claim.caveat;
  }
  if (short !== null) return undo(short);
  // The once claims of this call are among the root's rows by now.
  if (newest >= 0 && rows.rowsOf(root) + fresh > rows.rowsPerToken)
    return undo(refuse('budget_exceeded', newest, 0));
  // Last of what can be refused, because it is not taken back.
  if (sequence !== null && (sequence.expires <= rows.sweptTo || !rows.advance(sequence)))
    return undo(refuse('replayed', -1));
  const starts: number[] = [];
  for (let i = 0; i < counters.length; i++) {
    const c = counters[i]!;
    const row = met[i]!;
    starts.push(row.start);
    const expires = row.start === c.windowStart ? Math.max(row.expires, c.expires) : row.expires;
    rows.putCounter(
      c.id,
      { start: row.start, used: row.used + amounts[i]!, expires },
      c.caveat >= 0 ? root : null,
    );
  }
  const reservation: Reservation = Object.freeze({ charges, amounts: Object.freeze(amounts), starts });
  return { ok: true, reservation };
}

/** Gives amounts back, each only to the window it was taken from. */
export function applyRefund(rows: Rows, reservation: Reservation, back: readonly number[]): void {
  const { counters, root } = reservation.charges;
  for (let i = 0; i < counters.length; i++) {
    const c = counters[i]!;
    const row = back[i]! > 0 ? rows.counter(c.id) : undefined;
    if (row === undefined || row.start !== reservation.starts[i]) continue;
    const used = Math.max(0, row.used - back[i]!);
    rows.putCounter(c.id, { ...row, used }, c.caveat >= 0 ? root : null);
  }
}
