// The caveat `time`: from when and until when. Verification asks it as well (`../laws/times.test.ts`).
import { expect, test } from 'vitest';
import { attenuate, restrict } from '@ambit/core';
import { mintBase, NOW, outcome, withRawCaveats } from '../sample.ts';

test.each([
  ['the second before its end', restrict.expires(NOW + 1), 'ok'],
  ['its end', restrict.expires(NOW), 'expired'],
  ['the skew before its beginning', restrict.notBefore(NOW + 30), 'ok'],
  ['a second before that', restrict.notBefore(NOW + 31), 'not_yet_valid'],
])('L2 it needs no fact but the time; leeway is at the beginning alone: %s', (_, caveat, code) => {
  expect(outcome(attenuate(mintBase(), caveat))).toBe(code);
});

test.each([
  ['between both', NOW - 1, NOW + 1, 'ok'],
  ['before both', NOW + 31, NOW + 60, 'not_yet_valid'],
  ['after both', NOW - 60, NOW, 'expired'],
  ['an end before the beginning allows nothing', NOW, NOW - 1, 'expired'],
])('L2 one caveat may have both bounds: %s', (_, notBefore, expires, code) => {
  expect(outcome(attenuate(mintBase(), { type: 'time', notBefore, expires }))).toBe(code);
});

test('of several each holds: a later one prolongs nothing', () => {
  const ended = attenuate(mintBase(), restrict.expires(NOW), restrict.expires(NOW + 900));
  expect(outcome(ended)).toBe('expired');
  const early = attenuate(mintBase(), restrict.notBefore(NOW + 31), restrict.notBefore(NOW - 900));
  expect(outcome(early)).toBe('not_yet_valid');
});

test('L2 without a bound it would restrict nothing: it is no legal form', () => {
  expect(outcome(withRawCaveats(mintBase(), [1, [null, null]]))).toBe('token_invalid');
  expect(outcome(withRawCaveats(mintBase(), [1, [null, NOW + 1]]))).toBe('ok');
});
