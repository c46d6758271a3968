// The caveat `time`: from when and until when. `outcome` is refused by verification, which asks all times; the last test
// is of the caveat's own `check`, at the call.
import { expect, test } from 'vitest';
import { attenuate, evaluate, restrict } from '@ambit/core';
import { facts, mintBase, NOW, outcome, verifiedAt, withRawCaveats } from '../sample.ts';

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

test('L6 what is verified in time and authorized at its end is refused by the caveat itself', () => {
  const verified = verifiedAt(attenuate(mintBase(), restrict.note('x'), restrict.expires(NOW + 5)), NOW);
  expect(evaluate(verified, facts({ now: NOW + 4 })).ok).toBeNull();
  expect(evaluate(verified, facts({ now: NOW + 5 }))).toMatchObject({
    ok: false,
    code: 'expired',
    caveat: 1,
  });
});
