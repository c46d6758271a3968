// L2 Fail closed: what is unknown, missing or empty denies.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  asksForFlow,
  attenuate,
  parseCall,
  authorize,
  encodeCbor,
  mintBearer,
  prove,
  restrict,
  type Call,
  type Cbor,
  type Facts,
} from '@ambit/core';
import {
  AUDIENCE,
  baseSpec,
  COLD,
  facts,
  holder,
  itemsOf,
  K,
  keyring,
  makeCall,
  mintBase,
  NOW,
  remac,
  search,
  TestLedger,
  tailOf,
  verifierWith,
  withRawCaveats,
} from '../sample.ts';
import { fromBase64url, toBase64url } from '@ambit/core';
import { CAVEATS } from '../../src/caveats/index.ts';

function outcome(
  token: string,
  c: Call = search,
  f: Facts = facts(),
  ledger: TestLedger | undefined = new TestLedger(),
): string {
  const v = verifierWith(COLD);
  const genuine = v.identify(token);
  if (!genuine.ok) return genuine.code;
  const proof = prove(token, c, { audience: AUDIENCE, time: f.now }, holder(0));
  const verified = v.verify({ token, proof, call: c, now: f.now });
  if (!verified.ok) return verified.code;
  const decision = authorize(verified.token, f, ledger);
  return decision.ok ? 'ok' : decision.code;
}

test('L2 the token that everything below is measured against is allowed', () => {
  expect(outcome(mintBase())).toBe('ok');
});

describe('L2 unknown', () => {
  test('version', () => {
    const bytes = fromBase64url(mintBase(), 5)!;
    for (let v = 0; v < 256; v++) {
      if (v === 1) continue;
      const other = bytes.slice();
      other[1] = v;
      expect(outcome(`amb1_${toBase64url(other)}`)).toBe('token_invalid');
    }
  });

  test('caveat types, whatever their body', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 53 - 1 }).filter((n) => CAVEATS.every((kind) => kind.number !== n)),
        fc.oneof(
          fc.constant<Cbor>(null),
          fc.string().map((s): Cbor => s),
          fc.integer().map((n): Cbor => n),
        ),
        (type, body) => {
          expect(outcome(withRawCaveats(mintBase(), [type, body]))).toBe('token_invalid');
        },
      ),
      { numRuns: 200 },
    );
    for (const type of [-1, '1', null, true]) {
      expect(outcome(withRawCaveats(mintBase(), [type, 'x']))).toBe('token_invalid');
    }
  });

  test('fields: a longer or shorter body of every caveat type', () => {
    const bodies: readonly (readonly [number, readonly Cbor[]])[] = [
      [1, [null, NOW + 60]],
      [5, [['web_search'], new Map([['q', [4, 1, null]]]), false]],
      [9, [new Uint8Array(90), new Uint8Array(64)]],
      [10, [new Uint8Array(32), new Uint8Array(64)]],
      [11, [['GET'], ['/*']]],
      [15, [['web_search'], 1]],
    ];
    for (const [type, body] of bodies) {
      expect(outcome(withRawCaveats(mintBase(), [type, [...body, null]]))).toBe('token_invalid');
      expect(outcome(withRawCaveats(mintBase(), [type, body.slice(0, -1)]))).toBe('token_invalid');
      expect(outcome(withRawCaveats(mintBase(), [type, body, 0]))).toBe('token_invalid');
      expect(outcome(withRawCaveats(mintBase(), [type]))).toBe('token_invalid');
    }
    expect(outcome(withRawCaveats(mintBase(), [15, [['web_search'], 4]]))).toBe('token_invalid');
    expect(outcome(withRawCaveats(mintBase(), [15, [['web_search'], 0]]))).toBe('token_invalid');
    expect(outcome(withRawCaveats(mintBase(), [13, 0]))).toBe('token_invalid');
    expect(outcome(withRawCaveats(mintBase(), [7, [[5, 1, 0, null, null, null]]]))).toBe('token_invalid');
    expect(outcome(withRawCaveats(mintBase(), [7, [[1, 1, 0, null, 'pool', null]]]))).toBe('token_invalid');
  });

  test('fields of the grant', () => {
    const [grant] = itemsOf(mintBase());
    // A map of one more pair: key -10, after the ones we know.
    for (const extra of [-10, -11, 30]) {
      const more = new Uint8Array([...grant!, ...encodeCbor(extra), 0xf6]);
      more[0] = more[0]! + 1;
      expect(outcome(remac([more]))).toBe('token_invalid');
    }
  });

  test('constraints', () => {
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
});

describe('L2 a missing fact denies', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['data labels, under the grant alone', mintBase(), 'data_unknown'],
    ['the HTTP request', attenuate(mintBase(), restrict.http(['GET'], ['/*'])), 'fact_missing'],
    ['the client address', attenuate(mintBase(), restrict.net('0.0.0.0/0', '::/0')), 'fact_missing'],
    ['the bytes', attenuate(mintBase(), restrict.budget({ unit: 'bytes', limit: 10 })), 'fact_missing'],
    ['the flow', attenuate(mintBase(), restrict.flow('named', 'web_search')), 'fact_missing'],
    ['the argument of a sum', attenuate(mintBase(), restrict.sum('amount', 10)), 'budget_amount'],
  ];
  test.each(cases)('%s', (_, token, code) => {
    expect(outcome(token, search, code === 'data_unknown' ? { now: NOW } : facts())).toBe(code);
  });
  test('a token asks for the flow exactly where a caveat would deny without it', () => {
    for (const tools of [['web_search'], ['mail.*'], ['mail.*', 'web_*']]) {
      const token = attenuate(mintBase(), restrict.flow('refuse', ...tools));
      const proof = prove(token, search, { audience: AUDIENCE, time: NOW }, holder(0));
      const verified = verifierWith().verify({ token, proof, call: search, now: NOW });
      if (!verified.ok) throw new Error(verified.code);
      const missing = outcome(token) === 'fact_missing';
      expect(asksForFlow(verified.token), tools.join()).toBe(missing);
      expect(missing).toBe(tools.some((tool) => tool.startsWith('web_')));
    }
    expect(() => asksForFlow({} as never)).toThrow(TypeError);
  });
  test('whether a call goes outside: then it does', () => {
    expect(outcome(attenuate(mintBase(), restrict.externalCalls(0)))).toBe('budget_exceeded');
    expect(
      outcome(attenuate(mintBase(), restrict.externalCalls(0)), search, facts({ external: false })),
    ).toBe('ok');
  });
});

describe('L2 an empty list allows nothing', () => {
  test.each([
    ['tools of the grant', mintBase({ tools: [] }), 'tool_not_granted'],
    ['tools', attenuate(mintBase(), restrict.tools()), 'tool_not_granted'],
    ['audiences', attenuate(mintBase(), restrict.audience()), 'audience_refused'],
    ['data', attenuate(mintBase(), restrict.data()), 'data_refused'],
    ['data of the grant', mintBase({ data: [] }), 'data_refused'],
    ['budgets', attenuate(mintBase(), restrict.budget()), 'budget_exceeded'],
    ['networks', attenuate(mintBase(), restrict.net()), 'net_refused'],
    ['methods', attenuate(mintBase(), restrict.http([], ['/*'])), 'http_refused'],
    ['paths', attenuate(mintBase(), restrict.http(['GET'], [])), 'http_refused'],
  ])('%s', (_, token, code) => {
    const http = { method: 'GET', origin: 'https://search.acme.com', target: '/x' };
    const c = makeCall({ tool: 'web_search', args: { q: 'x' }, http });
    expect(outcome(token, c, facts({ data: ['public'], address: '10.0.0.1' }))).toBe(code);
  });

  test('a closed set of no arguments takes none; each over an empty list fails', () => {
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

  test('where no item would mean no restriction, the empty list is no legal form, written or read', () => {
    expect(() => attenuate(mintBase(), restrict.deny())).toThrow(/deny/);
    expect(() => attenuate(mintBase(), restrict.args([], { q: { kind: 'absent' } }))).toThrow(/args/);
    expect(() => attenuate(mintBase(), restrict.args(['web_search'], {}))).toThrow(/args/);
    expect(() => attenuate(mintBase(), restrict.flow('refuse'))).toThrow(/flow/);
    expect(() => attenuate(mintBase(), restrict.budget({ unit: 'calls', limit: 1, tools: [] }))).toThrow(
      /tools/,
    );
    const raw: readonly Cbor[] = [
      [4, []],
      [5, [[], new Map([['q', [11]]]), false]],
      [5, [['web_search'], new Map(), false]],
      [15, [[], 1]],
      [7, [[1, 1, 0, null, null, []]]],
    ];
    for (const caveat of raw) expect(outcome(withRawCaveats(mintBase(), caveat))).toBe('token_invalid');
  });
});

describe('L2 no ledger', () => {
  const v = verifierWith({ ...COLD, bearer: true });
  test.each([
    ['a proof to remember', mintBase()],
    ['a budget', attenuate(mintBase(), restrict.calls(5))],
    ['a once', attenuate(mintBase(), restrict.once())],
  ])('%s', (_, token) => {
    const proof = prove(token, search, { audience: AUDIENCE, time: NOW }, holder(0));
    const verified = v.verify({ token, proof, call: search, now: NOW });
    if (!verified.ok) throw new Error(verified.code);
    expect(authorize(verified.token, facts())).toMatchObject({ ok: false, code: 'ledger_required' });
    expect(authorize(verified.token, facts(), new TestLedger()).ok).toBe(true);
  });
  test('a bearer token with a budget', () => {
    const { holder: _, delegations: __, ...spec } = baseSpec;
    const token = mintBearer(keyring, { ...spec, budgets: [{ unit: 'calls', limit: 1 }] });
    const verified = v.verify({ token, call: search, now: NOW });
    if (!verified.ok) throw new Error(verified.code);
    expect(authorize(verified.token, facts())).toMatchObject({ ok: false, code: 'ledger_required' });
  });
  test('a ledger that answers anything but yes', () => {
    const token = mintBase();
    const proof = prove(token, search, { audience: AUDIENCE, time: NOW }, holder(0));
    const verified = v.verify({ token, proof, call: search, now: NOW });
    if (!verified.ok) throw new Error(verified.code);
    const down = { apply: () => ({ ok: false as const, code: 'store_unavailable' as const, caveat: -1 }) };
    expect(authorize(verified.token, facts(), down)).toMatchObject({ ok: false, code: 'store_unavailable' });
  });
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

test('L2 a tool or arguments that are none give no call', () => {
  for (const tool of ['', 'a b', 'A..b', 'ünder', 'a/', '.a', 'x'.repeat(257), 'a\0b']) {
    expect(parseCall({ tool })).toMatchObject({ ok: false, code: 'tool_invalid' });
  }
  expect(parseCall({ tool: 'a', args: 'null' })).toMatchObject({ ok: false, code: 'arguments_invalid' });
  expect(parseCall({ tool: 'a', args: '[]' })).toMatchObject({ ok: false, code: 'arguments_invalid' });
});
