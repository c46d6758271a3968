// The caveat `data`: which labels of data.
import { expect, test } from 'vitest';
import { attenuate, authorize, restrict } from '@ambit/core';
import { facts, knownCall, knownFacts, mintBase, NOW, outcome, TestLedger, verifiedAt } from '../sample.ts';

test('L2 an empty list allows nothing', () => {
  expect(outcome(attenuate(mintBase(), restrict.data()), knownCall, knownFacts)).toBe('data_refused');
});

// What the grant allows is wider (`public` and `internal`), so that it is the caveat that refuses.
test.each([
  ['the label itself', ['public:web'], ['public:web'], 'ok'],
  ['a label under it', ['public:web'], ['public:web:news'], 'ok'],
  ['one that begins like it', ['public:web'], ['public:webs'], 'data_refused'],
  ['the one above it', ['public:web'], ['public'], 'data_refused'],
  ['another', ['public:web'], ['internal:research'], 'data_refused'],
  ['each of two, under either', ['internal:research', 'public'], ['public', 'internal:research:x'], 'ok'],
  ['the second of two alone', ['public:web'], ['public:web', 'public:mail'], 'data_refused'],
  ['no data', ['public:web'], [], 'ok'],
  ['a text that is no label', ['public'], ['public:a b'], 'data_refused'],
  ['no text', ['public'], [7 as unknown as string], 'data_refused'],
])('all data touched lies under one of its labels: %s', (_, labels, touched, code) => {
  const token = attenuate(mintBase(), restrict.data(...labels));
  expect(outcome(token, knownCall, { ...knownFacts, data: touched })).toBe(code);
});

test('the refusal names the caveat, the label and what is allowed', () => {
  const verified = verifiedAt(attenuate(mintBase(), restrict.data('public:web')), NOW);
  const denied = authorize(verified, facts({ data: ['public:mail'] }), new TestLedger());
  expect(denied).toMatchObject({ code: 'data_refused', caveat: 0 });
  expect(denied).toHaveProperty(
    'message',
    expect.stringContaining('touches public:mail; allowed: public:web'),
  );
});
