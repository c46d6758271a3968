// The caveat `deny`: which tools not.
import { expect, test } from 'vitest';
import { attenuate, restrict } from '@ambit/core';
import { mintBase, outcome, withRawCaveats } from '../sample.ts';

test('L2 an empty list would mean no restriction: it is no legal form, written or read', () => {
  expect(() => attenuate(mintBase(), restrict.deny())).toThrow(/deny/);
  expect(outcome(withRawCaveats(mintBase(), [4, []]))).toBe('token_invalid');
});
