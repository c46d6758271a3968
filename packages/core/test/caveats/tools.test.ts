// The caveat `tools`: which tools. Patterns themselves are tested in patterns.test.ts.
import { describe, expect, it, test } from 'vitest';
import { attenuate, evaluate, restrict } from '@ambit/core';
import {
  facts,
  knownCall,
  knownFacts,
  mintBase,
  NOW,
  outcome,
  verifiedAt,
  withRawCaveats,
} from '../sample.ts';

test('L2 an empty list allows nothing', () => {
  expect(outcome(attenuate(mintBase(), restrict.tools()), knownCall, knownFacts)).toBe('tool_not_granted');
});

test('R13 a refusal names what would have been allowed, eight patterns at most', () => {
  const names = Array.from({ length: 256 }, (_, i) => `tool${i}x`);
  for (const n of [0, 1, 8, 9, 256]) {
    const verified = verifiedAt(attenuate(mintBase(), restrict.tools(...names.slice(0, n))), NOW);
    const denial = evaluate(verified, facts());
    if (denial.ok !== false) throw new Error('allowed?');
    expect(denial.code).toBe('tool_not_granted');
    expect(names.filter((name) => denial.message.includes(name))).toEqual(names.slice(0, Math.min(n, 8)));
    expect(denial.message.includes('...')).toBe(n > 8);
  }
});

describe('texts of tokens are remembered with the test that they passed', () => {
  it('E11 a name that passed as an audience is no tool pattern', () => {
    const audience = 2;
    const tools = 3;
    expect(outcome(withRawCaveats(mintBase(), [audience, ['a b']]))).toBe('audience_refused');
    expect(outcome(withRawCaveats(mintBase(), [audience, ['a b']], [tools, ['a b']]))).toBe('token_invalid');
  });

  it('E11 a text does not inherit the pass of the one whose place it takes', () => {
    // More patterns than the table has places: each place holds a text that passed as a pattern.
    for (let i = 0; i < 12; i++) {
      const names = Array.from({ length: 250 }, (_, k) => `t${i}-${k}`);
      expect(outcome(attenuate(mintBase(), restrict.tools(...names)))).toBe('tool_not_granted');
    }
    for (let i = 0; i < 50; i++)
      expect(outcome(withRawCaveats(mintBase(), [3, [`t ${i}`]]))).toBe('token_invalid');
  });
});
