// The caveat `budget`: how often and how much. How counters are charged is tested where stores are.
import { expect, test } from 'vitest';
import { attenuate, authorize, encodeCbor, mintBearer, restrict } from '@ambit/core';
import {
  baseSpec,
  COLD,
  facts,
  itemsOf,
  K,
  keyring,
  knownCall,
  knownFacts,
  mintBase,
  NOW,
  outcome,
  remac,
  search,
  tailOf,
  verifierWith,
  withRawCaveats,
} from '../sample.ts';

test.each([
  ['the bytes', restrict.budget({ unit: 'bytes', limit: 10 }), 'fact_missing'],
  ['the argument of a sum', restrict.sum('amount', 10), 'budget_amount'],
])('L2 a missing fact denies: %s', (_, caveat, code) => {
  expect(outcome(attenuate(mintBase(), caveat))).toBe(code);
});

test('L2 a call of which it is not known whether it goes outside does', () => {
  const token = attenuate(mintBase(), restrict.externalCalls(0));
  expect(outcome(token)).toBe('budget_exceeded');
  expect(outcome(token, search, facts({ external: false }))).toBe('ok');
});

test('L2 an empty list allows nothing; a budget for no tool is no legal form, written or read', () => {
  expect(outcome(attenuate(mintBase(), restrict.budget()), knownCall, knownFacts)).toBe('budget_exceeded');
  expect(() => attenuate(mintBase(), restrict.budget({ unit: 'calls', limit: 1, tools: [] }))).toThrow(
    /tools/,
  );
  expect(outcome(withRawCaveats(mintBase(), [7, [[1, 1, 0, null, null, []]]]))).toBe('token_invalid');
});

test('L2 an unknown unit is no token, and a pool stands in a grant alone', () => {
  expect(outcome(withRawCaveats(mintBase(), [7, [[5, 1, 0, null, null, null]]]))).toBe('token_invalid');
  expect(outcome(withRawCaveats(mintBase(), [7, [[1, 1, 0, null, 'pool', null]]]))).toBe('token_invalid');
});

test('L2 a bearer token with a budget', () => {
  const { holder: _, delegations: __, ...spec } = baseSpec;
  const token = mintBearer(keyring, { ...spec, budgets: [{ unit: 'calls', limit: 1 }] });
  const verified = verifierWith({ ...COLD, bearer: true }).verify({ token, call: search, now: NOW });
  if (!verified.ok) throw new Error(verified.code);
  expect(authorize(verified.token, facts())).toMatchObject({ ok: false, code: 'ledger_required' });
});

test('L2 a pooled budget without a seal the verifier knows', () => {
  // An issuer can't mint it; whoever has a derived key could forge it.
  expect(() => mintBase({ budgets: [{ unit: 'calls', limit: 9, pool: 'team' }] })).toThrow(/sealed/);
  const { grant } = { grant: itemsOf(mintBase({ budgets: [{ unit: 'calls', limit: 9 }] }))[0]! };
  const plain = encodeCbor([1, 9, 0, null, null, null]);
  const pooled = encodeCbor([1, 9, 0, null, 'team', null]);
  const at = Buffer.from(grant).indexOf(Buffer.from(plain));
  const forged = remac(
    [new Uint8Array([...grant.subarray(0, at), ...pooled, ...grant.subarray(at + plain.length)])],
    K,
  );
  expect(outcome(forged)).toBe('seal_required');
  expect(tailOf(forged)).toHaveLength(32);
});
