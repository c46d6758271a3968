// The caveat `budget`: how often and how much. How counters are charged is tested where stores are.
import { expect, test } from 'vitest';
import {
  attenuate,
  authorize,
  encodeCbor,
  evaluate,
  mintBearer,
  restrict,
  type Budget,
  type Facts,
  type Restriction,
} from '@ambit/core';
import {
  baseSpec,
  COLD,
  facts,
  itemsOf,
  K,
  keyring,
  knownCall,
  knownFacts,
  makeCall,
  mintBase,
  NOW,
  outcome,
  remac,
  search,
  T0,
  tailOf,
  verifiedAt,
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

test('what a call costs, by unit: a call is one whether it goes outside or not; prices are the host’s own', () => {
  const code = (r: Restriction, more: Partial<Facts>): string =>
    outcome(attenuate(mintBase(), r), search, facts(more));
  for (const external of [true, false, undefined]) {
    expect(code(restrict.calls(0), { external })).toBe('budget_exceeded');
    expect(code(restrict.calls(1), { external })).toBe('ok');
  }
  const cost = restrict.cost('microusd', 9);
  for (const [price, answer] of [[9, 'ok'], [0, 'ok'], [10, 'budget_exceeded'], [-1, 'budget_amount'], [0.5, 'budget_amount'], ['9', 'budget_amount'],
    [2 ** 53, 'budget_amount'], [undefined, 'fact_missing']] as const)
    expect(code(cost, { cost: { microusd: price as number } }), String(price)).toBe(answer); // prettier-ignore
  expect(code(cost, {})).toBe('fact_missing');
  expect(code(cost, { cost: { tokens: 1 } })).toBe('fact_missing');
  expect(code(cost, { cost: Object.create({ microusd: 1 }) as Record<string, number> })).toBe('fact_missing');
  const bytes = restrict.budget({ unit: 'bytes', limit: 9 });
  for (const [n, answer] of [[9, 'ok'], [0, 'ok'], [10, 'budget_exceeded'], [-1, 'budget_amount'], [0.5, 'budget_amount'], ['9', 'budget_amount']] as const)
    expect(code(bytes, { bytes: n as number }), String(n)).toBe(answer); // prettier-ignore
});

test('a counter’s row ends with its window, and no later than the grant; it has an argument if it adds one up', () => {
  const counter = (budget: Budget, now = NOW): object => {
    const token = attenuate(mintBase(), restrict.budget(budget));
    const call = makeCall({ tool: 'web_search', args: { n: 1 } });
    const answer = evaluate(verifiedAt(token, now, call), facts({ now }));
    if (answer.ok === false) throw new Error(answer.message);
    return answer.charges.counters[0]!;
  };
  const start = NOW - (NOW % 60);
  const at = start + 30;
  expect(counter({ unit: 'calls', limit: 5, window: 60 }, at)).toMatchObject({
    window: 60,
    step: 0,
    windowStart: start,
    expires: start + 60,
  });
  expect(counter({ unit: 'calls', limit: 5, window: 60, sliding: true }, at)).toMatchObject({
    step: 1,
    windowStart: at,
    expires: at + 61,
  });
  expect(counter({ unit: 'calls', limit: 5, window: 86_400 })).toMatchObject({ expires: T0 + 1800 });
  expect(counter({ unit: 'calls', limit: 5 })).toMatchObject({
    window: 0,
    windowStart: 0,
    expires: T0 + 1800,
  });
  expect(counter({ unit: 'calls', limit: 5 })).not.toHaveProperty('argument');
  expect(counter({ unit: 'sum', argument: 'n', limit: 5 })).toHaveProperty('argument', 'n');
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
