// By which time rows may be dropped (attack W1, finding S1). A row that is dropped too early can be spent again, so
// no caller's or stated time drops any: only as far as both the time a call gave and this process's own clock
// have come. A clock that stands far ahead of all that wrote here before is either right, after a pause, or
// wrong; nothing tells which at once. So a leap is noted and drops nothing until it has stood for a while without
// being contradicted by a clock that is behind it. A host that keeps a wrong clock for longer than that, alone
// with its rows, is not noticed.
import { AmbitError } from '@ambit/core';
import { GRACE } from './budgets.ts';

/** Seconds by which a clock may run on between two uses without being called a leap. */
export const LEAP = 3600;
/** Seconds a leap has to stand uncontradicted before rows are dropped by it. */
export const SETTLE = 600;

/** What is known of the time; Unix seconds. */
export interface Horizon {
  /** The time up to which clocks were believed; 0 before the first. Rows are dropped GRACE behind it. */
  readonly time: number;
  /** The time of a leap that is not believed yet; 0 when there is none. */
  readonly leap: number;
}

/** Rows that ended at or before this may be gone. */
export const sweptTo = ({ time }: Horizon): number => Math.max(0, time - GRACE);

/** The horizon after a use at `now`: the lesser of the time a call gave and this process's own clock. */
export function advance(horizon: Horizon, now: number): Horizon {
  const { time, leap } = horizon;
  if (time > 0 && now > time + LEAP) {
    if (leap === 0 || now < leap - GRACE) return { time, leap: now };
    return now >= leap + SETTLE ? { time: now, leap: 0 } : horizon;
  }
  const contradicted = leap !== 0 && now < leap - GRACE;
  if (now <= time && !contradicted) return horizon;
  return { time: Math.max(time, now), leap: contradicted ? 0 : leap };
}

/** Throws AmbitError `store_corrupt` when rows were dropped by a clock far ahead of this one: they may be missed. */
export function checkHorizon(horizon: Horizon, own: number): void {
  const ahead = sweptTo(horizon) - own;
  if (ahead <= GRACE) return;
  throw new AmbitError(
    'store_corrupt',
    `Rows were dropped by a clock that was ${ahead} s ahead of this one. Set the clock right, or accept the loss: repair the state.`,
  );
}

/**
 * Whether a proof that no verifier took earlier than `from` may have been claimed before the reset at `began` (0: there
 * was none), in a row that is lost. It does not depend on when the claim arrives: a verified call may wait, over the
 * reset, for as long as it likes.
 */
export const beforeReset = (from: number, began: number): boolean =>
  began > 0 && from <= began + RESET_MARGIN;

/** Seconds by which a verifier's clock may be ahead of the store's: what SPEC allows clocks as skew. */
export const RESET_MARGIN = 30;
