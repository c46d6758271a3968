// Attack catalogue P, signed proofs: possession of the holder's key, for this call, once.
import { describe, expect, test } from 'vitest';
import {
  bodyDigest,
  parseCall,
  authorize,
  delegate,
  fromBase64url,
  LABELS,
  prove,
  restrict,
  toBase64url,
  utf8,
  type Call,
  type Verifier,
} from '@ambit/core';
import {
  AUDIENCE,
  bytes16,
  COLD,
  countingProvider,
  facts,
  holder,
  issuerSigner,
  makeCall,
  mintBase,
  NOW,
  search,
  T0,
  TestLedger,
  verifierWith,
} from '../sample.ts';
import { signedMessage } from '../../src/proof/statement.ts';
import { Prefixes } from '../../src/token/prefix.ts';
import { readToken } from '../../src/token/frame.ts';
import { proofText } from '../../src/proof/proof.ts';

const token = mintBase();
const child = delegate(
  token,
  { to: holder(1).publicKey, label: 'b', time: T0, restrictions: [restrict.calls(9)] },
  holder(0),
);
const at = (time: number) => ({ audience: AUDIENCE, time });

function verdict(
  t: string,
  proof: string | undefined,
  c: Call = search,
  now = NOW,
  v: Verifier = verifierWith(COLD),
): string {
  const answer = v.verify({ token: t, proof, call: c, now });
  return answer.ok ? 'ok' : answer.code;
}
// A statement about `t` signed by whoever.
function proofBy(
  t: string,
  sign: (m: Uint8Array) => Uint8Array,
  c: Call = search,
  audience = AUDIENCE,
  time = NOW,
): string {
  const fields = { audience, token: new Prefixes(readToken(t)!).all(), time, freshness: bytes16(3) };
  return proofText({ kind: 'signed', time, nonce: bytes16(3), signature: sign(signedMessage(fields, c)) });
}
const bare = { name: 'statement-signed', bytes: new Uint8Array(0) } as const;

test('P1 no proof; a proof by the issuer, the parent, the child, nobody', () => {
  expect(verdict(token, undefined)).toBe('proof_missing');
  expect(
    verdict(
      child,
      proofBy(child, (m) => holder(1).sign(bare, m)),
    ),
  ).toBe('ok');
  for (const other of [issuerSigner, holder(0), holder(2)]) {
    expect(
      verdict(
        child,
        proofBy(child, (m) => other.sign(bare, m)),
      ),
    ).toBe('proof_invalid');
  }
  expect(
    verdict(
      token,
      proofBy(token, (m) => holder(1).sign(bare, m)),
    ),
  ).toBe('proof_invalid');
  expect(
    verdict(
      token,
      proofBy(token, () => new Uint8Array(64)),
    ),
  ).toBe('proof_invalid');
  for (const junk of ['', 'ambp1_', token, 'ambp1_AAAA', `${prove(token, search, at(NOW), holder(0))}=`]) {
    expect(verdict(token, junk)).toBe('proof_invalid');
  }
});

test('P2 tool, arguments, audience or token swapped after proving', () => {
  const proof = prove(token, search, at(NOW), holder(0));
  expect(verdict(token, proof)).toBe('ok');
  expect(verdict(token, proof, makeCall({ tool: 'web_fetch', args: { q: 'macaroons' } }))).toBe(
    'proof_invalid',
  );
  expect(verdict(token, proof, makeCall({ tool: 'web_search', args: { q: 'macaroons', n: 1 } }))).toBe(
    'proof_invalid',
  );
  expect(verdict(token, proof, makeCall({ tool: 'web_search' }))).toBe('proof_invalid');
  expect(verdict(mintBase({ tokenId: bytes16(8) }), proof)).toBe('proof_invalid');
  expect(verdict(token, prove(token, search, { audience: 'mail.acme.com', time: NOW }, holder(0)))).toBe(
    'proof_invalid',
  );
  // Time and nonce stand in the clear beside the signature: they are covered by it.
  const raw = fromBase64url(proof, 6)!;
  raw[3]! ^= 1; // low bits of the time
  expect(['proof_invalid', 'proof_expired']).toContain(verdict(token, `ambp1_${toBase64url(raw)}`));
  const nonce = fromBase64url(proof, 6)!;
  nonce[10]! ^= 1;
  expect(verdict(token, `ambp1_${toBase64url(nonce)}`)).toBe('proof_invalid');
});

describe('P3 the same proof twice', () => {
  const attempt = (v: Verifier, proof: string, ledger: TestLedger, now = NOW): string => {
    const verified = v.verify({ token, proof, call: search, now });
    if (!verified.ok) return verified.code;
    const d = authorize(verified.token, facts({ now }), ledger);
    return d.ok ? 'ok' : d.code;
  };
  test('at once, from two connections, after a restart with the same ledger', () => {
    const ledger = new TestLedger();
    const proof = prove(token, search, at(NOW), holder(0));
    const v = verifierWith();
    const two = [
      v.verify({ token, proof, call: search, now: NOW }),
      v.verify({ token, proof, call: search, now: NOW }),
    ];
    expect(two.map((s) => s.ok && authorize(s.token, facts(), ledger).ok)).toEqual([true, false]);
    expect(attempt(verifierWith(), proof, ledger)).toBe('replayed');
  });
  test('until the edge of its window the nonce is kept, and beyond it the proof is too old', () => {
    const proof = prove(token, search, at(NOW), holder(0));
    const verified = verifierWith().verify({ token, proof, call: search, now: NOW });
    if (!verified.ok) throw new Error(verified.code);
    const decision = authorize(verified.token, facts(), new TestLedger());
    if (!decision.ok) throw new Error(decision.code);
    const { expires } = decision.charges.replay!;
    for (const now of [NOW + 60, expires - 1, expires]) {
      const again = verdict(token, proof, search, now);
      expect(again === 'ok' ? now < expires : again === 'proof_expired').toBe(true);
    }
    // A proof from the future by the whole skew is good longest.
    const ahead = prove(token, search, at(NOW + 30), holder(0));
    const early = verifierWith().verify({ token, proof: ahead, call: search, now: NOW });
    if (!early.ok) throw new Error(early.code);
    const kept = authorize(early.token, facts(), new TestLedger());
    if (!kept.ok) throw new Error(kept.code);
    expect(kept.charges.replay!.expires).toBeGreaterThan(NOW + 30 + 60);
    expect(verdict(token, ahead, search, kept.charges.replay!.expires)).toBe('proof_expired');
  });
  test("the nonce is the holder's own: another holder or audience can't burn it", () => {
    const ledger = new TestLedger();
    const mine = prove(token, search, { ...at(NOW), nonce: bytes16(1) }, holder(0));
    const other = mintBase({ holder: holder(5).publicKey });
    const theirs = prove(other, search, { ...at(NOW), nonce: bytes16(1) }, holder(5));
    const s = verifierWith().verify({ token: other, proof: theirs, call: search, now: NOW });
    expect(s.ok && authorize(s.token, facts(), ledger).ok).toBe(true);
    expect(attempt(verifierWith(), mine, ledger)).toBe('ok');
  });
});

test('P4 from the future, too old, at the boundary, with a clock that goes backwards', () => {
  const cases: readonly (readonly [number, string])[] = [
    [NOW + 30, 'ok'],
    [NOW + 31, 'proof_expired'],
    [NOW - 60, 'ok'],
    [NOW - 61, 'proof_expired'],
    [0, 'proof_expired'],
    [2 ** 53 - 1, 'proof_expired'],
  ];
  for (const [time, expected] of cases)
    expect(verdict(token, prove(token, search, at(time), holder(0)))).toBe(expected);
  // A clock set back does not make an old proof young: the highest time seen counts.
  const v = verifierWith();
  const old = prove(token, search, at(NOW), holder(0));
  expect(verdict(token, old, search, NOW, v)).toBe('ok');
  expect(verdict(token, prove(token, search, at(NOW + 100), holder(0)), search, NOW + 100, v)).toBe('ok');
  expect(verdict(token, old, search, NOW, v)).toBe('proof_expired');
  // Nor does a token that failed move it.
  const w = verifierWith();
  expect(verdict('amb1_x', old, search, NOW + 9999, w)).toBe('token_invalid');
  expect(verdict(token, old, search, NOW, w)).toBe('ok');
  // And clearing uses the later of the two times.
  const late = w.verify({ token, proof: old, call: search, now: NOW });
  expect(late.ok && authorize(late.token, facts({ now: T0 - 1000 }), new TestLedger()).ok).toBe(true);
});

describe('P5 arguments under a proof (their grammar is tested with the arguments)', () => {
  const show = (provedArgs: string, shownArgs: string): string => {
    const a = parseCall({ tool: 'web_search', args: provedArgs });
    const b = parseCall({ tool: 'web_search', args: shownArgs });
    if (!a.ok) return a.code;
    if (!b.ok) return b.code;
    return verdict(token, prove(token, a.call, at(NOW), holder(0)), b.call);
  };
  test.each([
    ['{"a":1,"b":2}', '{"b":2,"a":1}', 'ok'],
    ['{"a":1}', ' { "a" : 1.0 } ', 'ok'],
    ['{"a":1}', '{"a":"1"}', 'proof_invalid'],
    ['{"a":null}', '{}', 'proof_invalid'],
    ['{"a":"\u00e9"}', '{"a":"e\u0301"}', 'proof_invalid'],
    ['{"a":1}', '{"a":1,"a":1}', 'arguments_invalid'],
    ['{"a":1}', '{"a":1,"\\u0061":2}', 'arguments_invalid'],
    ['{"a":1}', '{"a":NaN}', 'arguments_invalid'],
    ['{"a":1}', '{"a":-0}', 'arguments_invalid'],
    ['{"a":1}', '{"a":9007199254740993}', 'arguments_invalid'],
    ['{"a":1}', '{"a":1e999}', 'arguments_invalid'],
    ['{"a":1}', '{"a":"\\ud800"}', 'arguments_invalid'],
  ])('%s proved, %s verified: %s', (a, b, expected) => expect(show(a, b)).toBe(expected));
});

test('P7 a forged proof costs the verifier no more than a good one', () => {
  const provider = countingProvider();
  const v = verifierWith({ ...COLD, provider });
  const cost = (proof: string | undefined): number => {
    provider.calls = 0;
    v.verify({ token: child, proof, call: search, now: NOW });
    return provider.calls;
  };
  const good = cost(prove(child, search, at(NOW), holder(1)));
  expect(good).toBe(2);
  expect(cost(proofBy(child, () => new Uint8Array(64).fill(7)))).toBe(good);
  expect(cost(undefined)).toBeLessThan(good);
  expect(cost('ambp1_AAAA')).toBeLessThan(good);
  expect(cost(prove(child, search, at(NOW - 100), holder(1)))).toBeLessThan(good);
});

test('P8 a proof made for a parent shown with the child, and the reverse', () => {
  const parent = mintBase();
  const narrowed = delegate(parent, { to: holder(1).publicKey, label: 'b', time: T0 }, holder(0));
  expect(verdict(narrowed, prove(parent, search, at(NOW), holder(0)))).toBe('proof_invalid');
  expect(verdict(parent, prove(narrowed, search, at(NOW), holder(1)))).toBe('proof_invalid');
});

describe('P10 the HTTP request under a valid proof', () => {
  const origin = 'https://search.acme.com';
  const http = (method: string, target: string, body?: string, o = origin): Call =>
    makeCall({
      tool: 'web_search',
      args: { q: 'macaroons' },
      http: {
        method,
        origin: o,
        target,
        ...(body === undefined ? {} : { bodyDigest: bodyDigest(utf8(body)) }),
      },
    });
  const proved = http('POST', '/v1/search?q=1', '{"q":1}');
  const proof = prove(token, proved, at(NOW), holder(0));
  test.each([
    ['unchanged', proved, 'ok'],
    ['method', http('PUT', '/v1/search?q=1', '{"q":1}'), 'proof_invalid'],
    ['target', http('POST', '/v1/search?q=2', '{"q":1}'), 'proof_invalid'],
    ['origin', http('POST', '/v1/search?q=1', '{"q":1}', 'https://evil.org'), 'proof_invalid'],
    ['body', http('POST', '/v1/search?q=1', '{"q":2}'), 'proof_invalid'],
    ['body left out', http('POST', '/v1/search?q=1'), 'proof_invalid'],
    ['empty body for none', http('POST', '/v1/search?q=1', ''), 'proof_invalid'],
    ['without a request', search, 'proof_invalid'],
  ] as const)('%s', (_, verified, expected) => expect(verdict(token, proof, verified)).toBe(expected));
  test('finding B3: a body of no bytes is no body, on both sides', () => {
    expect(bodyDigest(utf8(''))).toBeUndefined();
    const empty = prove(token, http('POST', '/v1', ''), at(NOW), holder(0));
    expect(verdict(token, empty, http('POST', '/v1'))).toBe('ok');
  });
  test('and the reverse: proved without a request, shown with one', () => {
    expect(verdict(token, prove(token, search, at(NOW), holder(0)), proved)).toBe('proof_invalid');
  });
  test('a request that is none gives no call', () => {
    for (const bad of [
      { method: 'get', origin, target: '/' },
      { method: 'GET', origin: 'search.acme.com', target: '/' },
      { method: 'GET', origin: 'https://a@b', target: '/' },
      // By finding D15: what one dialect of expressions takes for white space and another does not.
      ...[...'\n\v\u00a0\u2028\ufeff'].map((c) => ({ method: 'GET', origin: `https://a${c}b`, target: '/' })),
      { method: 'GET', origin: 'https://a\n', target: '/' },
      { method: 'GET', origin: 'https://\u00e4.example', target: '/' },
      { method: 'GET', origin, target: 'x' },
      { method: 'GET', origin, target: '/a b' },
      { method: 'GET', origin, target: '/a\r\nX: y' },
      { method: 'GET', origin, target: '/', bodyDigest: new Uint8Array(31) },
    ]) {
      expect(parseCall({ tool: 'web_search', http: bad })).toMatchObject({
        ok: false,
        code: 'request_invalid',
      });
    }
  });
});

test('P a signature of another kind is no proof: under every other label', () => {
  for (const label of Object.values(LABELS)) {
    const forged = proofBy(token, (m) => {
      const body = m.subarray(LABELS.statementSigned.bytes.length);
      return holder(0).sign(label, body);
    });
    // And made in the same way under the right one it is a proof.
    expect(verdict(token, forged)).toBe(label === LABELS.statementSigned ? 'ok' : 'proof_invalid');
  }
});
