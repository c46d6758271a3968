// The caveat `once`: one use.
import { expect, test } from 'vitest';
import { mintBase, outcome, withRawCaveats } from '../sample.ts';

test('L2 it has no body', () => {
  expect(outcome(withRawCaveats(mintBase(), [13, null]))).toBe('ok');
  expect(outcome(withRawCaveats(mintBase(), [13, 0]))).toBe('token_invalid');
});
