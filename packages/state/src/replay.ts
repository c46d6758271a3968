// Replay (law L3, docs/design.md section 5): a proof works once. Signed proofs claim their nonce; session
// proofs number their statements, and a window of 1024 behind the highest number says which were used. Windows
// may live in a store so that the replicas of one service share them; then the store's epoch goes into the
// tickets, and windows that were lost (flush, failover, another file) take their tickets with them.
import { DEFAULTS, type DenialCode } from '@ambit/core';
import type { FaultCode } from './budgets.ts';

/** Accepted, or the code that says why not. */
export type Accepted = { readonly ok: true } | { readonly ok: false; readonly code: ReplayCode };
export type ReplayCode = FaultCode | Extract<DenialCode, 'replayed' | 'session_unknown' | 'ticket_expired'>;

/** Claims and windows. Times are Unix seconds; every answer is a value. */
export interface Replay {
  /**
   * Names this set of windows, 32 hexadecimal digits. A verifier that keeps its windows here uses it as the
   * epoch of its tickets. It changes when windows may have been lost; charges with a sequence
   * number are then refused until this was asked again. Rejects with AmbitError on a fault.
   */
  epoch(): Promise<string>;
  /** Claims an id until `expires`: the first caller alone is accepted. */
  claim(id: string, expires: number): Promise<Accepted>;
  /** Registers a session's window; it is kept, numbers and all, when it exists already (another replica). */
  openWindow(sessionId: string, expires: number): Promise<Accepted>;
  /** Accepts a number (0 to 2^53-1) once, if it is less than 1024 behind the highest. */
  advance(sessionId: string, sequence: number, expires: number): Promise<Accepted>;
}

/** Width of a window in numbers; a multiple of 32. */
export const WINDOW: number = DEFAULTS.sessionWindow;

/** Whether it is a number a statement can carry. */
export const isSequence = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

/** A ring of bits: bit `n mod WINDOW` tells whether the number n, of the last WINDOW up to the highest, was used. */
export interface SequenceBits {
  /** The highest number accepted; -1 before the first. */
  highest: number;
  readonly bits: Uint8Array;
}

/** A window in which nothing was used. */
export const emptyWindow = (): SequenceBits => ({ highest: -1, bits: new Uint8Array(WINDOW / 8) });

/**
 * Marks a number as used. False, and nothing changes, when it was used before or lies behind the window. Any
 * step ahead is good: the tokens of one session may be charged on different shards, each of which sees a part
 * of the numbers; a holder who skips ahead closes nobody's numbers but its own.
 */
export function advanceWindow(window: SequenceBits, n: number): boolean {
  const { bits, highest } = window;
  if (!isSequence(n) || n <= highest - WINDOW) return false;
  // The numbers between the old and the new highest take over the ring positions of numbers that leave.
  if (n - highest >= WINDOW) bits.fill(0);
  else for (let i = highest + 1; i <= n; i++) bits[(i % WINDOW) >> 3]! &= ~(1 << ((i % WINDOW) & 7));
  const at = (n % WINDOW) >> 3;
  const bit = 1 << ((n % WINDOW) & 7);
  if ((bits[at]! & bit) !== 0) return false;
  bits[at]! |= bit;
  if (n > highest) window.highest = n;
  return true;
}
