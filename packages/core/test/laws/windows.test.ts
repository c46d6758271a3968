// L1 and L10 with windows: a sliding budget below a fixed one of the same limit and length, or a fixed one below a
// sliding one, only narrows; and a sliding one is over in no window, wherever it begins.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attenuate, authorize, prove, restrict, type Budget } from '@ambit/core';
import { AUDIENCE, facts, holder, mintBase, NOW, search, TestLedger, verifierWith } from '../sample.ts';

const WINDOW = 60;
const budgetArb = fc
  .record({ limit: fc.integer({ min: 1, max: 4 }), sliding: fc.boolean() })
  .map((b): Budget => ({ unit: 'calls', window: WINDOW, ...b }));
// Mostly small steps, so that bursts lie on both sides of a border.
const stepsArb = fc.array(fc.oneof(fc.nat(2), fc.nat(25), fc.nat(70)), { minLength: 4, maxLength: 14 });

test('L1 L10 a child with a window of any kind allows no call that its parent denies, and no window is over', () => {
  const seen = { sliding: 0, mixed: 0, burst: 0, refused: 0 };
  fc.assert(
    fc.property(budgetArb, budgetArb, stepsArb, (above, below, steps) => {
      const parent = attenuate(mintBase(), restrict.budget(above));
      const child = attenuate(parent, restrict.budget(below));
      const verifier = verifierWith({});
      const ledger = new TestLedger();
      const asks = (token: string, now: number, on: TestLedger): boolean => {
        const proof = prove(token, search, { audience: AUDIENCE, time: now }, holder(0));
        const verified = verifier.verify({ token, proof, call: search, now });
        if (!verified.ok) throw new Error(verified.code);
        return authorize(verified.token, facts({ now }), on).ok;
      };
      const granted: number[] = [];
      let now = NOW;
      for (const step of steps) {
        now += step;
        const parentAllows = asks(parent, now, ledger.copy());
        const childAllows = asks(child, now, ledger);
        expect(parentAllows || !childAllows, 'the child allows what its parent denies').toBe(true);
        if (childAllows) granted.push(now);
        else seen.refused++;
      }
      const within = (from: number): number => granted.filter((t) => t >= from && t <= from + WINDOW).length;
      const most = Math.max(0, ...granted.map(within));
      for (const each of [above, below])
        if (each.sliding === true) expect(most).toBeLessThanOrEqual(each.limit);
      if (above.sliding === true || below.sliding === true) seen.sliding++;
      else if (most > Math.min(above.limit, below.limit)) seen.burst++;
      if (above.sliding !== below.sliding) seen.mixed++;
    }),
    { numRuns: 200 },
  );
  expect(seen.sliding).toBeGreaterThan(50);
  expect(seen.mixed).toBeGreaterThan(30);
  expect(seen.refused).toBeGreaterThan(100);
  // What the fixed ones let through at their border: the law above is about something.
  expect(seen.burst).toBeGreaterThan(5);
});
