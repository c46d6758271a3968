// The caveat `args`: which arguments. Its kinds of constraint are tested in ../args-*.test.ts.
import { expect, it, test } from 'vitest';
import { attenuate, restrict, type Cbor, type Constraint } from '@ambit/core';
import { LIMITS } from '../../src/limits.ts';
import { makeCall, mintBase, outcome, withRawCaveats } from '../sample.ts';

test('L2 a closed set of no arguments takes none; each over an empty list fails', () => {
  const closed = attenuate(mintBase(), restrict.args(['web_search'], {}, { closed: true }));
  expect(outcome(closed)).toBe('argument_refused');
  expect(outcome(closed, makeCall({ tool: 'web_search' }))).toBe('ok');
  const each = attenuate(
    mintBase(),
    restrict.args(['web_search'], { q: { kind: 'each', constraint: { kind: 'length', min: 0 } } }),
  );
  expect(outcome(each, makeCall({ tool: 'web_search', args: { q: [] } }))).toBe('argument_refused');
  expect(outcome(each, makeCall({ tool: 'web_search', args: { q: ['x'] } }))).toBe('ok');
});

test('L2 no tool, or no argument in an open set, would mean no restriction: no legal form, written or read', () => {
  expect(() => attenuate(mintBase(), restrict.args([], { q: { kind: 'absent' } }))).toThrow(/args/);
  expect(() => attenuate(mintBase(), restrict.args(['web_search'], {}))).toThrow(/args/);
  for (const body of [
    [[], new Map([['q', [11]]]), false],
    [['web_search'], new Map(), false],
  ] satisfies Cbor[][])
    expect(outcome(withRawCaveats(mintBase(), [5, body]))).toBe('token_invalid');
});

test('L2 an unknown constraint is no token', () => {
  const args = (constraint: Cbor): string =>
    withRawCaveats(mintBase(), [5, [['web_search'], new Map([['q', constraint]]), false]]);
  expect(outcome(args([4, 1, null]))).toBe('ok');
  for (const unknown of [
    [0],
    [13, 'x'],
    [99],
    ['equals', '1'],
    [-1],
    [],
    4,
    null,
    [1],
    [4, null, null],
    [12, [4, 1, null]],
  ]) {
    expect(outcome(args(unknown))).toBe('token_invalid');
  }
});

it('E9 a constraint nested deeper than any verifier reads is not written', () => {
  const nested = (depth: number): Constraint =>
    depth === 1 ? { kind: 'length', min: 1 } : { kind: 'each', constraint: nested(depth - 1) };
  const write = (depth: number): string =>
    attenuate(mintBase(), restrict.args(['web_search'], { q: nested(depth) }));
  expect(outcome(write(4))).toBe('argument_refused');
  expect(() => write(5)).toThrow(/nested deeper/);
});

// A caveat a holder appends is not free for the verifier: all constraints of one call share one purse of steps.
test('L8 the argument constraints of all caveats of one call take LIMITS.checkSteps together', () => {
  const pattern = '(a|b|c|d|e)*'.repeat(20);
  const value = 'a'.repeat(Math.floor(LIMITS.checkSteps / 2 / 300));
  const once = restrict.args(['web_search'], { q: { kind: 'pattern', pattern } });
  const c = makeCall({ tool: 'web_search', args: { q: value } });
  expect(outcome(attenuate(mintBase(), once), c)).toBe('ok');
  expect(outcome(attenuate(mintBase(), ...Array.from({ length: 12 }, () => once)), c)).toBe(
    'argument_refused',
  );
});
