// Random JSON values for the suites of arguments.
import fc from 'fast-check';
import { expect } from 'vitest';

const texts = fc.string({ unit: 'binary', maxLength: 12 });
/** JSON values within the rules: names are unique, numbers are exact, `__proto__` does not occur. */
export const jsonValues: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.maxSafeInteger().filter((n) => !Object.is(n, -0)),
      fc.double({ noNaN: true, max: 2 ** 52, min: -(2 ** 52) }).filter((n) => !Object.is(n, -0)),
      texts,
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      texts.filter((name) => name !== '__proto__'),
      tie('value'),
      { maxKeys: 4 },
    ),
  ),
})).value;

/** Cases of a property: twenty times as many in the long run. */
export const runs = (n: number): { numRuns: number } => ({
  numRuns: process.env['AMBIT_LONG'] === '1' ? 20 * n : n,
});

/**
 * Each way came up in more than `least` of all cases: a property that never met its interesting case would hold of
 * nothing. Shares, since mutation testing runs fewer cases.
 */
export function expectShares(came: { readonly [way: string]: number }, least: number): void {
  const all = Object.values(came).reduce((sum, times) => sum + times, 0);
  for (const [way, times] of Object.entries(came)) expect(times / all, way).toBeGreaterThan(least);
}
