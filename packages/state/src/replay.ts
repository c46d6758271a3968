// Replay (law L3): a proof works once. Its nonce, or its number in a session, is claimed in the same step as the
// budgets (`Charges.replay`, `Charges.sequence`), so nothing else is asked of a store here but its epoch.
// Windows of numbers may live in a store so that the replicas of one service share them; then the store's
// epoch goes into the tickets, and windows that were lost (flush, failover, another file) take them with them.
import { DEFAULTS, SequenceWindow } from '@ambit/core';

/** The set of claims and windows of a store. */
export interface Replay {
  /**
   * Names this set of windows, 32 hexadecimal digits. A verifier that keeps its windows here uses it as the
   * epoch of its tickets. It changes when windows may have been lost; numbers of tickets
   * of another epoch are then refused. Rejects with AmbitError on a fault.
   */
  epoch(): Promise<string>;
}

/** Width of a window in numbers: how far behind the highest a number may come, and how far ahead it may step. */
export const WINDOW: number = DEFAULTS.sessionWindow;

/** Whether it is a number a statement can carry. */
export const isSequence = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

/** A window of WINDOW numbers, empty or as it was kept. */
export const sequenceWindow = (kept?: {
  readonly highest: number;
  readonly bits: Uint8Array;
}): SequenceWindow => new SequenceWindow(WINDOW, kept);
