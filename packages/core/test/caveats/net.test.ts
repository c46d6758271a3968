// The caveat `net`: from which networks.
import { expect, test } from 'vitest';
import { attenuate, restrict } from '@ambit/core';
import { knownCall, knownFacts, mintBase, outcome } from '../sample.ts';

test('L2 a missing client address denies', () => {
  expect(outcome(attenuate(mintBase(), restrict.net('0.0.0.0/0', '::/0')))).toBe('fact_missing');
});

test('L2 an empty list allows nothing', () => {
  expect(outcome(attenuate(mintBase(), restrict.net()), knownCall, knownFacts)).toBe('net_refused');
});
