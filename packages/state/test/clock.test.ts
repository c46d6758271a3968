// By which clock rows are dropped (finding S1): never by a leap until it has stood uncontradicted.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEFAULTS } from '@ambit/core';
import {
  LEAP,
  RESET_MARGIN,
  SETTLE,
  advance,
  beforeReset,
  checkHorizon,
  sweptTo,
  type Horizon,
} from '../src/clock.ts';
import { GRACE } from '../src/budgets.ts';

const T = 1_800_000_000;
const after = (...times: number[]): Horizon => times.reduce(advance, { time: 0, leap: 0 });

test('the first clock is believed, a later one within the bound as well, an earlier one changes nothing', () => {
  expect(after(T)).toEqual({ time: T, leap: 0 });
  expect(after(T, T + LEAP)).toEqual({ time: T + LEAP, leap: 0 });
  expect(after(T, T - 100)).toEqual({ time: T, leap: 0 });
  expect(sweptTo(after(T))).toBe(T - GRACE);
  expect(sweptTo({ time: 0, leap: 0 })).toBe(0);
});

test('a leap drops nothing until it has stood for a while, and a clock behind it begins that anew', () => {
  const leap = T + LEAP + 1;
  expect(after(T, leap)).toEqual({ time: T, leap });
  expect(after(T, leap, leap + SETTLE - 1)).toEqual({ time: T, leap });
  expect(after(T, leap, leap + SETTLE)).toEqual({ time: leap + SETTLE, leap: 0 });
  expect(after(T, leap, T + 5, leap + SETTLE)).toEqual({ time: T + 5, leap: leap + SETTLE });
  const year = T + 366 * 86_400;
  expect(after(T, year, leap, leap + SETTLE)).toEqual({ time: leap + SETTLE, leap: 0 });
});

test('to the second: what is behind a leap contradicts it, what is a grace behind does not', () => {
  const leap = T + LEAP + 1;
  const leapt = { time: T, leap };
  // Clocks that are a leap themselves.
  const far = { time: T, leap: leap + 1000 };
  for (const now of [far.leap - GRACE, far.leap, far.leap + 1, far.leap + SETTLE - 1])
    expect(advance(far, now)).toBe(far);
  expect(advance(far, far.leap - GRACE - 1)).toEqual({ time: T, leap: far.leap - GRACE - 1 });
  // Clocks that are none.
  expect(advance(leapt, leap - GRACE)).toEqual({ time: leap - GRACE, leap });
  expect(advance(leapt, leap - GRACE - 1)).toEqual({ time: leap - GRACE - 1, leap: 0 });
  for (const now of [T, T - 5]) expect(advance(leapt, now)).toEqual({ time: T, leap: 0 });
  const still = { time: T, leap: 0 };
  for (const now of [T, T - 5, 0]) expect(advance(still, now)).toBe(still);
});

test('a wrong clock, however it runs, moves nothing while a right one is used every few minutes', () => {
  const came = { 'a wrong clock': 0, 'twice in a row': 0 };
  let all = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(400), fc.option(fc.integer({ min: LEAP + SETTLE, max: 1e9 }), { freq: 2 }))),
      (uses) => {
        let right = T;
        let horizon = after(T);
        all += uses.length;
        for (const [i, [seconds, wrong]] of uses.entries()) {
          if (wrong !== null) came['a wrong clock']++;
          if (wrong !== null && (uses[i - 1]?.[1] ?? null) !== null) came['twice in a row']++;
          right += seconds;
          if (wrong !== null) horizon = advance(horizon, right + wrong);
          horizon = advance(horizon, right);
          expect(horizon.time).toBeLessThanOrEqual(right);
        }
        expect(horizon.time).toBe(right);
      },
    ),
    { numRuns: 300 },
  );
  for (const [way, times] of Object.entries(came)) expect(times / all, way).toBeGreaterThan(0.1);
});

test('rows dropped by a clock far ahead of this one are said', () => {
  expect(() => checkHorizon(after(T), T - 2 * GRACE)).not.toThrow();
  expect(() => checkHorizon(after(T), T - 2 * GRACE - 1)).toThrow(
    expect.objectContaining({ code: 'store_corrupt', message: expect.stringContaining('61 s ahead') }),
  );
});

test('S7 a proof that may be from before a reset is refused whenever it comes, one that can only be later is not', () => {
  expect(RESET_MARGIN).toBeGreaterThanOrEqual(DEFAULTS.skew);
  for (const from of [0, T - 400, T - 1, T, T + RESET_MARGIN]) expect(beforeReset(from, T)).toBe(true);
  expect(beforeReset(T + RESET_MARGIN + 1, T)).toBe(false);
  for (const from of [0, 1, T]) expect(beforeReset(from, 0)).toBe(false);
});
