// Attack catalogue D: delegation.
import { describe, expect, test } from 'vitest';
import {
  attenuate,
  concat,
  delegate,
  encodeCbor,
  inspect,
  LABELS,
  mintBearer,
  nobleProvider,
  prove,
  PublicKey,
  restrict,
  toBase64url,
  type Cbor,
  type Provider,
  type Restriction,
  type Signer,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { sodiumProvider } from '@ambit/core/sodium';
import {
  AUDIENCE,
  baseSpec,
  bytes16,
  COLD,
  holder,
  issuerSigner,
  itemsOf,
  keyring,
  mintBase,
  NOW,
  remac,
  search,
  T0,
  verifierWith,
  withRawCaveats,
} from '../sample.ts';
import { readToken, tokenText, writeFrame } from '../../src/token/frame.ts';
import { Prefixes } from '../../src/token/prefix.ts';

const verdict = (token: string): string => {
  const answer = verifierWith(COLD).identify(token);
  return answer.ok ? 'ok' : answer.code;
};
const to = (n: number, restrictions: readonly Restriction[] = []) =>
  ({ to: holder(n).publicKey, label: `agent ${n}`, time: T0, restrictions, nonce: bytes16(n) }) as const;
const base = mintBase();
const ab = delegate(base, to(1, [restrict.tools('web_search')]), holder(0));
const abc = delegate(ab, to(2, [restrict.calls(3)]), holder(1));

// A delegation of `token` to holder n that any key may sign.
function forgedLink(
  token: string,
  n: number,
  sign: (message: Uint8Array) => Uint8Array,
  fields?: Uint8Array,
): string {
  const f = fields ?? encodeCbor([holder(n).publicKey.bytes, `agent ${n}`, T0, bytes16(n)]);
  const signature = sign(concat(new Prefixes(readToken(token)!).all(), f));
  return withRawCaveats(token, [9, [f, signature]]);
}
const by = (s: Signer) => (message: Uint8Array) => s.sign(LABELS.delegate, message);

test("D1 signed by someone who is not the holder: issuer, parent's parent, a random key, the delegatee", () => {
  expect(verdict(forgedLink(ab, 5, by(holder(1))))).toBe('ok');
  for (const other of [issuerSigner, holder(0), holder(9), holder(5)]) {
    expect(verdict(forgedLink(ab, 5, by(other)))).toBe('delegation_invalid');
  }
  expect(() => delegate(ab, to(5), holder(0))).toThrow(
    expect.objectContaining({ code: 'delegation_invalid' }),
  );
});

test('D2 a signature copied from another delegation: of another token, to another key, at another depth', () => {
  const link = itemsOf(ab).at(-1)!;
  const other = mintBase({ tokenId: bytes16(9) });
  expect(verdict(remac([...itemsOf(other), itemsOf(ab)[1]!, link]))).toBe('delegation_invalid');
  // The signature of A to B under fields that name C.
  const signature = link.slice(-64);
  const fields = encodeCbor([holder(7).publicKey.bytes, 'agent 7', T0, bytes16(7)]);
  expect(verdict(withRawCaveats(base, [3, ['web_search']], [9, [fields, signature]]))).toBe(
    'delegation_invalid',
  );
  // A token that A holds twice over, at another depth: the prefix differs.
  const deeper = attenuate(base, restrict.note('x'));
  expect(verdict(remac([...itemsOf(deeper), itemsOf(ab)[1]!, link]))).toBe('delegation_invalid');
});

test('D3 depth exceeded, depth raised later, a non-delegable token delegated', () => {
  const one = mintBase({ delegations: 1 });
  const first = delegate(one, to(1), holder(0));
  expect(() => delegate(first, to(2), holder(1))).toThrow(
    expect.objectContaining({ code: 'delegation_exceeded' }),
  );
  expect(verdict(forgedLink(first, 2, by(holder(1))))).toBe('delegation_exceeded');
  const capped = attenuate(base, restrict.depth(1));
  const raised = attenuate(capped, restrict.depth(9));
  expect(inspect(raised).delegationsLeft).toBe(1);
  const once = delegate(raised, to(1), holder(0));
  expect(verdict(once)).toBe('ok');
  expect(verdict(forgedLink(attenuate(once, restrict.depth(9)), 2, by(holder(1))))).toBe(
    'delegation_exceeded',
  );
  const none = mintBase({ delegations: 0 });
  expect(verdict(forgedLink(none, 1, by(holder(0))))).toBe('delegation_exceeded');
  expect(verdict(forgedLink(attenuate(base, restrict.depth(0)), 1, by(holder(0))))).toBe(
    'delegation_exceeded',
  );
});

test('D4 a middle delegation removed, two swapped, one repeated', () => {
  const [grant, tools, toB, calls, toC] = itemsOf(abc);
  expect(verdict(remac([grant!, tools!, calls!, toC!]))).toBe('delegation_invalid');
  expect(verdict(remac([grant!, tools!, toC!, calls!, toB!]))).toBe('delegation_invalid');
  expect(verdict(remac([grant!, tools!, toB!, toB!]))).toBe('delegation_invalid');
  expect(verdict(remac([grant!, tools!, toB!, calls!, toC!, toC!]))).toBe('delegation_invalid');
});

test('D5 delegation to oneself, in a cycle', () => {
  expect(() => delegate(base, to(0), holder(0))).toThrow(
    expect.objectContaining({ code: 'delegation_invalid' }),
  );
  expect(() => delegate(abc, to(0), holder(2))).toThrow(
    expect.objectContaining({ code: 'delegation_invalid' }),
  );
  expect(() => delegate(abc, to(1), holder(2))).toThrow(
    expect.objectContaining({ code: 'delegation_invalid' }),
  );
  expect(verdict(forgedLink(base, 0, by(holder(0))))).toBe('delegation_invalid');
  expect(verdict(forgedLink(abc, 0, by(holder(2))))).toBe('delegation_invalid');
});

describe('D6 crafted keys and signatures: every provider gives the same answer, and it is no', () => {
  const providers: readonly Provider[] = [nobleProvider, nodeProvider, sodiumProvider()];
  const L = 2n ** 252n + 27742317777372353535851937790883648493n;
  const little = (n: bigint): Uint8Array =>
    Uint8Array.from({ length: 32 }, (_, i) => Number((n >> BigInt(8 * i)) & 255n));
  const number = (b: Uint8Array): bigint => b.reduce((n, x, i) => n | (BigInt(x) << BigInt(8 * i)), 0n);
  const verdicts = (token: string): string[] =>
    providers.map((provider) => {
      const answer = verifierWith({ ...COLD, provider }).identify(token);
      return answer.ok ? 'ok' : answer.code;
    });

  test('malleability: S + L', () => {
    const good = holder(0).sign(LABELS.delegate, new Uint8Array(0));
    expect(good).toHaveLength(64);
    const token = forgedLink(base, 1, (m) => {
      const s = by(holder(0))(m);
      return concat(s.slice(0, 32), little(number(s.slice(32)) + L));
    });
    expect(verdicts(token)).toEqual(['delegation_invalid', 'delegation_invalid', 'delegation_invalid']);
  });
  test('a holder of small order, whose "signatures" hold for any message', () => {
    const smalls = [
      '01' + '00'.repeat(31),
      '00'.repeat(32),
      'ec' + 'ff'.repeat(30) + '7f',
      'ee' + 'ff'.repeat(30) + '7f',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    ];
    for (const hex of smalls) {
      const small = new PublicKey('holder', Uint8Array.from(Buffer.from(hex, 'hex')));
      const token = mintBase({ holder: small });
      const trivial = concat(Uint8Array.of(1), new Uint8Array(63));
      expect(verdicts(forgedLink(token, 1, () => trivial))).toEqual([
        'delegation_invalid',
        'delegation_invalid',
        'delegation_invalid',
      ]);
      expect(verdicts(forgedLink(token, 1, () => concat(small.bytes, new Uint8Array(32))))).toEqual([
        'delegation_invalid',
        'delegation_invalid',
        'delegation_invalid',
      ]);
    }
  });
  test('R of small order, zero signature, flipped bits', () => {
    for (const change of [
      () => new Uint8Array(64),
      (s: Uint8Array) => concat(Uint8Array.of(1), new Uint8Array(31), s.slice(32)),
      (s: Uint8Array) => s.map((x, i) => (i === 31 ? x ^ 0x80 : x)),
      (s: Uint8Array) => s.map((x, i) => (i === 63 ? x ^ 0x10 : x)),
    ]) {
      expect(verdicts(forgedLink(base, 1, (m) => change(by(holder(0))(m))))).toEqual([
        'delegation_invalid',
        'delegation_invalid',
        'delegation_invalid',
      ]);
    }
  });
});

test('D7 a label that imitates another agent: the key tells, and no label forges a line', () => {
  const honest = delegate(base, to(1), holder(0));
  const twin = delegate(base, { ...to(2), label: 'agent 1' }, holder(0));
  expect(inspect(honest).holder).not.toBe(inspect(twin).holder);
  const genuine = verifierWith().identify(twin);
  expect(genuine.ok && genuine.token.view.chain[1]).toMatchObject({
    label: 'agent 1',
    holder: toBase64url(holder(2).publicKey.bytes),
  });
  for (const label of [
    '',
    'a\nb',
    'a\rb',
    'a\0b',
    'a\u2028b',
    'a\u202eb',
    'x'.repeat(257),
    '\ud800',
    'a\u2066b',
    'a\u007fb',
  ]) {
    expect(() => delegate(base, { ...to(1), label }, holder(0))).toThrow();
    if (label === '\ud800') continue;
    const fields = encodeCbor([holder(1).publicKey.bytes, label, T0, bytes16(1)]);
    expect(verdict(forgedLink(base, 1, by(holder(0)), fields))).toBe('token_invalid');
  }
});

test('D8 a child ends with its parent; nodes name what revocation kills', () => {
  const child = delegate(attenuate(base, restrict.expires(NOW - 1)), to(1), holder(0));
  const proof = prove(child, search, { audience: AUDIENCE, time: NOW }, holder(1));
  const verified = verifierWith().verify({ token: child, proof, call: search, now: NOW });
  expect(verified).toMatchObject({ ok: false, code: 'expired', caveat: 0 });
  // Ids: the root's in every descendant, a delegation's in all below it and in none beside it.
  const sibling = delegate(ab, to(3), holder(1));
  const [root, b] = inspect(ab).nodes;
  expect(inspect(abc).nodes.slice(0, 2)).toEqual([root, b]);
  expect(inspect(sibling).nodes.slice(0, 2)).toEqual([root, b]);
  expect(inspect(sibling).nodes[2]).not.toBe(inspect(abc).nodes[2]);
  expect(inspect(delegate(base, to(1, [restrict.tools('web_search')]), holder(0))).nodes).toEqual([root, b]);
  expect(inspect(delegate(base, to(4), holder(0))).nodes[1]).not.toBe(b);
});

test("D9 a sibling's caveats merged to get the union of two children", () => {
  const one = delegate(base, to(1, [restrict.tools('web_search')]), holder(0));
  const two = delegate(base, to(2, [restrict.tools('files.*')]), holder(0));
  const [grant, toolsOne, linkOne] = itemsOf(one);
  const [, toolsTwo, linkTwo] = itemsOf(two);
  expect(verdict(remac([grant!, toolsTwo!, linkOne!]))).toBe('delegation_invalid');
  expect(verdict(remac([grant!, linkOne!]))).toBe('delegation_invalid');
  expect(verdict(remac([grant!, toolsOne!, linkOne!, toolsTwo!, linkTwo!]))).toBe('delegation_invalid');
  expect(
    verdict(
      tokenText(writeFrame([grant!, toolsOne!, toolsTwo!, linkTwo!], readToken(two)!.bytes.slice(-32))),
    ),
  ).toBe('token_invalid');
});

test('D10 what the parent imposed before the delegate stays, also where only signatures are checked', () => {
  const sealed = mintBase({}, issuerSigner);
  const child = delegate(sealed, to(1, [restrict.tools('web_search'), restrict.calls(2)]), holder(0));
  const items = itemsOf(child);
  for (const drop of [2, 3]) {
    const without = items.filter((_, i) => i !== drop);
    expect(verdict(tokenText(writeFrame(without, readToken(child)!.bytes.slice(-32))))).toBe('token_invalid');
    expect(verdict(remac(without))).toBe('delegation_invalid');
  }
});

test('D11 a bearer token is never delegable', () => {
  const { holder: _, delegations: __, ...spec } = baseSpec;
  expect(() => mintBearer(keyring, { ...spec, delegations: 1 })).toThrow(/bearer/i);
  const bearer = mintBearer(keyring, spec);
  expect(() => delegate(bearer, to(1), holder(0))).toThrow(
    expect.objectContaining({ code: 'delegation_exceeded' }),
  );
  const answer = verifierWith({ ...COLD, bearer: true }).identify(forgedLink(bearer, 1, by(holder(0))));
  expect(answer).toMatchObject({ ok: false, code: 'delegation_invalid' });
});

test('D12 a delegate body re-encoded, its label or time changed', () => {
  const [grant, tools, link] = itemsOf(ab);
  const signature = link!.slice(-64);
  const key = holder(1).publicKey.bytes;
  const variants: readonly Cbor[] = [
    [key, 'agent 2', T0, bytes16(1)],
    [key, 'agent 1', T0 + 1, bytes16(1)],
    [key, 'agent 1', T0, bytes16(2)],
    [holder(2).publicKey.bytes, 'agent 1', T0, bytes16(1)],
  ];
  for (const v of variants)
    expect(verdict(remac([grant!, tools!, encodeCbor([9, [encodeCbor(v), signature]])]))).toBe(
      'delegation_invalid',
    );
  // The same fields in other CBOR: a wider integer, an indefinite array, trailing bytes.
  const fields = encodeCbor([key, 'agent 1', T0, bytes16(1)]);
  const at = fields.length - 17 - 5;
  const wide = concat(fields.slice(0, at), Uint8Array.of(0x1b, 0, 0, 0, 0), fields.slice(at + 1));
  const open = concat(Uint8Array.of(0x9f), fields.slice(1), Uint8Array.of(0xff));
  for (const other of [wide, open, concat(fields, Uint8Array.of(0))]) {
    expect(verdict(remac([grant!, tools!, encodeCbor([9, [other, signature]])]))).toBe('token_invalid');
    expect(verdict(forgedLink(attenuate(base, restrict.tools('web_search')), 1, by(holder(0)), other))).toBe(
      'token_invalid',
    );
  }
});

test('D a delegation at a negative or absurd time is not made: no verifier would read it', () => {
  for (const time of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => delegate(base, { ...to(1), time }, holder(0))).toThrow(RangeError);
    expect(() => prove(base, search, { audience: AUDIENCE, time }, holder(0))).toThrow(RangeError);
  }
});
