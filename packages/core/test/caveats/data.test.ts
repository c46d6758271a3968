// The caveat `data`: which labels of data.
import { expect, test } from 'vitest';
import { attenuate, restrict } from '@ambit/core';
import { knownCall, knownFacts, mintBase, outcome } from '../sample.ts';

test('L2 an empty list allows nothing', () => {
  expect(outcome(attenuate(mintBase(), restrict.data()), knownCall, knownFacts)).toBe('data_refused');
});
