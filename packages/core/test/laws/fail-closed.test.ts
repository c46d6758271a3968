// L2 Fail closed: what is unknown denies. What each caveat makes of a missing fact and of an empty list stands in
// ../caveats, and grants and ledgers here.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attenuate, parseCall, authorize, encodeCbor, prove, restrict, type Cbor } from '@ambit/core';
import {
  knownFacts,
  outcome,
  knownCall,
  AUDIENCE,
  COLD,
  facts,
  holder,
  itemsOf,
  mintBase,
  NOW,
  remac,
  search,
  TestLedger,
  verifierWith,
  withRawCaveats,
} from '../sample.ts';
import { fromBase64url, toBase64url } from '@ambit/core';
import { CAVEATS } from '../../src/caveats/index.ts';

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
});

test('L2 a missing fact denies: data labels, under the grant alone', () => {
  expect(outcome(mintBase(), search, { now: NOW })).toBe('data_unknown');
});

test('L2 an empty list of a grant allows nothing', () => {
  expect(outcome(mintBase({ tools: [] }), knownCall, knownFacts)).toBe('tool_not_granted');
  expect(outcome(mintBase({ data: [] }), knownCall, knownFacts)).toBe('data_refused');
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
  test('a ledger that answers anything but yes', () => {
    const token = mintBase();
    const proof = prove(token, search, { audience: AUDIENCE, time: NOW }, holder(0));
    const verified = v.verify({ token, proof, call: search, now: NOW });
    if (!verified.ok) throw new Error(verified.code);
    const down = { apply: () => ({ ok: false as const, code: 'store_unavailable' as const, caveat: -1 }) };
    expect(authorize(verified.token, facts(), down)).toMatchObject({ ok: false, code: 'store_unavailable' });
  });
});

test('L2 a tool or arguments that are none give no call', () => {
  for (const tool of ['', 'a b', 'A..b', 'ünder', 'a/', '.a', 'x'.repeat(257), 'a\0b']) {
    expect(parseCall({ tool })).toMatchObject({ ok: false, code: 'tool_invalid' });
  }
  expect(parseCall({ tool: 'a', args: 'null' })).toMatchObject({ ok: false, code: 'arguments_invalid' });
  expect(parseCall({ tool: 'a', args: '[]' })).toMatchObject({ ok: false, code: 'arguments_invalid' });
});
