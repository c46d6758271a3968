// The rules by which charges meet rows, once, for the back ends whose rows are in reach of JavaScript (memory
// and SQLite). Redis says the same in Lua, PostgreSQL in PL/pgSQL; the conformance suite holds all four to it.
import type { Charges, NonceClaim, CounterCharge, SequenceClaim } from '@ambit/core';
import {
  GRACE,
  exceeded,
  type CounterKey,
  type Refused,
  type Reservation,
  type Reserved,
} from './budgets.ts';
import { beforeReset } from './clock.ts';
import { charged, chargedIn, countedAt, refunded, roomAt, stepAt, type Steps } from './sliding.ts';

/** What a counter holds. `start` is 0 for a total; the latest step of a sliding window, which alone has `steps`. */
export interface CounterRow {
  readonly start: number;
  readonly used: number;
  readonly expires: number;
  readonly steps: Steps | null;
}

/** The rows as one transaction sees them. */
export interface Rows {
  /** Rows that expired at or before this may be gone, so a charge that expires there is refused. */
  readonly sweptTo: number;
  /** The store's own clock, Unix seconds: a window that begins later was made by a clock that is wrong. */
  readonly now: number;
  /** Unix seconds of the last reset, in which the nonces of proofs made before were lost; 0 when there was none. */
  readonly began: number;
  /** Names this life of the store; the numbers of session proofs count in it alone. */
  readonly era: string;
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

/**
 * The row a charge meets: a later window replaces an earlier one; an earlier one does not come back (S5). `start` is
 * the charge's, for a sliding window the step that it is counted in.
 */
export function effective(
  row: CounterRow | undefined,
  c: Pick<CounterCharge, 'window' | 'step' | 'windowStart'>,
  start: number = c.windowStart,
): CounterRow {
  if (c.step === 0)
    return row === undefined || row.start < start ? { start, used: 0, expires: 0, steps: null } : row;
  const latest = row === undefined ? start : Math.max(row.start, start);
  const steps = countedAt(row?.steps ?? [], c, latest);
  return { start: latest, used: chargedIn(steps), expires: row?.expires ?? 0, steps };
}

/** What is left of a counter, for display. */
export const leftOf = (row: CounterRow | undefined, c: CounterKey): number =>
  Math.max(0, c.limit - effective(row, c).used);

/** The row with an amount more, which `effective` gave for this charge. */
function after(row: CounterRow, c: CounterCharge, amount: number): CounterRow {
  const { start } = row;
  const used = row.used + amount;
  if (row.steps !== null)
    return {
      start,
      used,
      expires: Math.max(row.expires, c.expires),
      steps: charged(row.steps, start, amount),
    };
  return {
    start,
    used,
    expires: start === c.windowStart ? Math.max(row.expires, c.expires) : row.expires,
    steps: null,
  };
}

/** Applies all charges or none; `charges` have passed `checkCharges`. Claims first: a refused call unclaims them. */
export function applyCharges(rows: Rows, charges: Charges, share: number): Reserved | Refused {
  const { counters, once, replay, sequence, root } = charges;
  // Of a ticket from before a reset: its window may be lost.
  if (sequence !== null && sequence.epoch !== rows.era) return refuse('replayed', -1);
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
    const row = effective(found, c, c.step === 0 ? c.windowStart : stepAt(c, rows.now));
    // A window that has not begun would replace the one that the others are in, until it comes (attack W1).
    const gone = c.expires <= rows.sweptTo || c.windowStart > rows.now + GRACE;
    const left = gone ? 0 : Math.max(0, c.limit - row.used);
    if (short === null && (gone || c.amount > left))
      short = exceeded(c, left, gone || row.steps === null ? undefined : roomAt(row.steps, c));
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
    if (beforeReset(replay.from, rows.began)) return refuse('store_unavailable', replay.caveat);
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
  const left: number[] = [];
  for (let i = 0; i < counters.length; i++) {
    const c = counters[i]!;
    const row = after(met[i]!, c, amounts[i]!);
    starts.push(row.start);
    left.push(Math.max(0, c.limit - row.used));
    rows.putCounter(c.id, row, c.caveat >= 0 ? root : null);
  }
  const reservation: Reservation = Object.freeze({ charges, amounts: Object.freeze(amounts), starts, left });
  return { ok: true, reservation };
}

/** Gives amounts back, each only to the window or step it was taken from. */
export function applyRefund(rows: Rows, reservation: Reservation, back: readonly number[]): void {
  const { counters, root } = reservation.charges;
  for (let i = 0; i < counters.length; i++) {
    const c = counters[i]!;
    const row = back[i]! > 0 ? rows.counter(c.id) : undefined;
    const start = reservation.starts[i]!;
    if (row === undefined || (row.steps === null && row.start !== start)) continue;
    const steps = row.steps === null ? null : refunded(row.steps, start, back[i]!);
    const used = steps === null ? Math.max(0, row.used - back[i]!) : chargedIn(steps);
    rows.putCounter(c.id, { ...row, used, steps }, c.caveat >= 0 ? root : null);
  }
}
