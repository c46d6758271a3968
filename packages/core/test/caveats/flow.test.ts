// The caveat `flow`: what untrusted content may cause.
import { expect, test } from 'vitest';
import { asksForFlow, attenuate, restrict, type FlowFacts } from '@ambit/core';
import { facts, makeCall, mintBase, NOW, outcome, verifiedAt, withRawCaveats } from '../sample.ts';

test('L2 a missing flow denies', () => {
  expect(outcome(attenuate(mintBase(), restrict.flow('named', 'web_search')))).toBe('fact_missing');
});

test('L2 a token asks for the flow exactly where a caveat would deny without it', () => {
  for (const tools of [['web_search'], ['mail.*'], ['mail.*', 'web_*']]) {
    const token = attenuate(mintBase(), restrict.flow('refuse', ...tools));
    const missing = outcome(token) === 'fact_missing';
    expect(asksForFlow(verifiedAt(token, NOW)), tools.join()).toBe(missing);
    expect(missing).toBe(tools.some((tool) => tool.startsWith('web_')));
  }
  expect(() => asksForFlow({} as never)).toThrow(TypeError);
});

test('what untrusted content in the session may cause, by rule', () => {
  const code = (
    rule: 'refuse' | 'named' | 'approval',
    more: Partial<FlowFacts>,
    tool = 'web_search',
  ): string => {
    const flow = { untrusted: ['web'], destinationsNamed: false, approved: false, ...more };
    return outcome(attenuate(mintBase(), restrict.flow(rule, 'web_*')), makeCall({ tool }), facts({ flow }));
  };
  const answers = (more: Partial<FlowFacts>): string[] =>
    (['refuse', 'named', 'approval'] as const).map((rule) => code(rule, more));
  expect(answers({})).toEqual(['flow_refused', 'flow_refused', 'approval_required']);
  expect(answers({ destinationsNamed: true })).toEqual(['flow_refused', 'ok', 'approval_required']);
  expect(answers({ approved: true })).toEqual(['ok', 'ok', 'ok']);
  expect(answers({ untrusted: [] })).toEqual(['ok', 'ok', 'ok']);
  // Another tool is none of its business.
  expect(code('refuse', {}, 'files.read')).toBe('ok');
});

test('L2 a rule that is none of the three is unknown', () => {
  for (const rule of [0, 4])
    expect(outcome(withRawCaveats(mintBase(), [15, [['web_search'], rule]]))).toBe('token_invalid');
});

test('L2 an empty list would mean no restriction: it is no legal form, written or read', () => {
  expect(() => attenuate(mintBase(), restrict.flow('refuse'))).toThrow(/flow/);
  expect(outcome(withRawCaveats(mintBase(), [15, [[], 1]]))).toBe('token_invalid');
});
