// The row of a sliding window (SPEC.md section 6, "Windows"), for the back ends whose rows are in reach of JavaScript.
// Redis says the same in Lua (`redis/sliding.ts`), PostgreSQL in PL/pgSQL (`postgres/sliding-sql.ts`). What was charged
// is kept by steps, at most 61 that count, and a step counts until all of it is a window ago.
//
// Time is the store's own: verifiers whose clocks differ would otherwise end each other's charges early. A charge
// whose step ended less than GRACE before the store's clock, or has not ended, is counted in the store's step; an older
// one, by a stated time, where it says; one of a step that has not begun is refused as for fixed windows. Its beginning
// tells nothing: a step of more than GRACE seconds began longer ago by a clock that is right.
import { spanOf, type CounterCharge } from '@ambit/core';
import { GRACE } from './budgets.ts';

/** Start and amount of each step in turn, the earliest first. */
export type Steps = readonly number[];

type Sliding = Pick<CounterCharge, 'window' | 'step' | 'windowStart'>;

/** The step that a charge is counted in at the store's time `now`, unless a later one was charged already. */
export const stepAt = ({ step, windowStart }: Sliding, now: number): number =>
  windowStart + step > now - GRACE ? Math.floor(now / step) * step : windowStart;

/** The steps that count at `start`. */
export function countedAt(steps: Steps, c: Sliding, start: number): Steps {
  const span = spanOf(c.window, c.step);
  let from = 0;
  while (from < steps.length && steps[from]! + span <= start) from += 2;
  return from === 0 ? steps : steps.slice(from);
}

/** What was charged in them together. */
export function chargedIn(steps: Steps): number {
  let used = 0;
  for (let i = 1; i < steps.length; i += 2) used += steps[i]!;
  return used;
}

/** The steps with an amount more in the step at `start`, the latest. */
export function charged(steps: Steps, start: number, amount: number): Steps {
  const last = steps.length - 2;
  if (steps[last] === start) return steps.with(last + 1, steps[last + 1]! + amount);
  return [...steps, start, amount];
}

/** The steps with an amount less in the step at `start`; unchanged when that one no longer counts. */
export function refunded(steps: Steps, start: number, back: number): Steps {
  for (let i = 0; i < steps.length; i += 2)
    if (steps[i] === start) return steps.with(i + 1, Math.max(0, steps[i + 1]! - back));
  return steps;
}

/** Unix seconds at which enough steps will have ended for the amount, if nothing else is charged. */
export function roomAt(steps: Steps, c: CounterCharge): number {
  const span = spanOf(c.window, c.step);
  let used = chargedIn(steps);
  for (let i = 0; i < steps.length; i += 2) {
    used -= steps[i + 1]!;
    if (c.amount <= c.limit - used) return steps[i]! + span;
  }
  return c.windowStart + span;
}

/** Steps as a row keeps them in a column of text: numbers, divided by spaces. */
export const writeSteps = (steps: Steps): string => steps.join(' ');
export const readSteps = (text: string): Steps => (text === '' ? [] : text.split(' ').map(Number));
