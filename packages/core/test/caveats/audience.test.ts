// The caveat `audience`: which services.
import { expect, test } from 'vitest';
import { attenuate, restrict } from '@ambit/core';
import { knownCall, knownFacts, mintBase, outcome } from '../sample.ts';

test('L2 an empty list allows nothing', () => {
  expect(outcome(attenuate(mintBase(), restrict.audience()), knownCall, knownFacts)).toBe('audience_refused');
});
