// L3 Not transferable: a proof is good for one request of one holder, once.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bodyDigest, authorize, delegate, mintBearer, prove, utf8, type Call } from '@ambit/core';
import {
  argsArb,
  AUDIENCE,
  baseSpec,
  bytes16,
  COLD,
  facts,
  holder,
  holders,
  keyring,
  makeCall,
  mintBase,
  NOW,
  search,
  TestLedger,
  TOOLS,
  verifierWith,
} from '../sample.ts';

const code = (r: { ok: true } | { ok: false; code: string }): string => (r.ok ? 'ok' : r.code);

test('L3 a token alone is useless, and so is a key alone', () => {
  const v = verifierWith();
  expect(code(v.verify({ token: mintBase(), call: search, now: NOW }))).toBe('proof_missing');
  for (const thief of holders.slice(1)) {
    // prove() refuses, so the thief writes the statement for a token of its own and shows it with the stolen one.
    const own = mintBase({ holder: thief.publicKey });
    const proof = prove(own, search, { audience: AUDIENCE, time: NOW }, thief);
    expect(code(v.verify({ token: mintBase(), proof, call: search, now: NOW }))).toBe('proof_invalid');
    expect(() => prove(mintBase(), search, { audience: AUDIENCE, time: NOW }, thief)).toThrow(/holder/);
  }
});

const httpArb = fc.option(
  fc.record({
    method: fc.constantFrom('GET', 'POST'),
    origin: fc.constantFrom('https://search.acme.com', 'https://search.acme.com:8443'),
    target: fc.constantFrom('/v1', '/v1?x=1', '/v1/'),
    bodyDigest: fc.constantFrom(bodyDigest(utf8('')), bodyDigest(utf8('a'))),
  }),
  { nil: undefined },
);
const callArb: fc.Arbitrary<Call> = fc
  .record({ tool: fc.constantFrom(...TOOLS), args: argsArb, http: httpArb })
  .map(({ tool, args, http }) => makeCall({ tool, args, ...(http === undefined ? {} : { http }) }));

const same = (a: Call, b: Call): boolean =>
  a.tool === b.tool &&
  a.args.canonical() === b.args.canonical() &&
  JSON.stringify(a.http) === JSON.stringify(b.http);

test('L3 a proof covers tool, arguments, target, token, audience and time, and nothing else verifies', () => {
  const v = verifierWith();
  const tokens = [mintBase(), mintBase({ tokenId: bytes16(8) }), mintBase({ session: 'another' })];
  let accepted = 0;
  fc.assert(
    fc.property(
      callArb,
      fc.oneof(callArb, fc.constant(null)),
      fc.nat(2),
      fc.nat(2),
      fc.constantFrom(AUDIENCE, AUDIENCE, 'mail.acme.com'),
      fc.integer({ min: NOW - 90, max: NOW + 60 }),
      (proved, shownCall, a, b, audience, time) => {
        const c = shownCall ?? proved;
        const proof = prove(tokens[a]!, proved, { audience, time }, holder(0));
        const good = same(proved, c) && a === b && audience === AUDIENCE;
        const timely = time >= NOW - 60 && time <= NOW + 30;
        const got = code(v.verify({ token: tokens[b]!, proof, call: c, now: NOW }));
        expect(got).toBe(!timely ? 'proof_expired' : good ? 'ok' : 'proof_invalid');
        if (got === 'ok') accepted++;
      },
    ),
    { numRuns: 3000 },
  );
  expect(accepted).toBeGreaterThan(60);
});

test('L3 a proof is accepted once, however the token was cached', () => {
  const ledger = new TestLedger();
  const v = verifierWith();
  const token = mintBase();
  const proof = prove(token, search, { audience: AUDIENCE, time: NOW }, holder(0));
  const codes = [1, 2, 3].map((_, i) => {
    const verified = (i === 2 ? verifierWith(COLD) : v).verify({ token, proof, call: search, now: NOW + i });
    return verified.ok ? code(authorize(verified.token, facts({ now: NOW + i }), ledger)) : verified.code;
  });
  expect(codes).toEqual(['ok', 'replayed', 'replayed']);
});

test('L3 non-delegable is the default', () => {
  const { delegations: _, ...spec } = baseSpec;
  const token = mintBase({ ...spec, delegations: 0 });
  const to = { to: holder(1).publicKey, label: 'b', time: NOW };
  expect(() => delegate(token, to, holder(0))).toThrow(
    expect.objectContaining({ code: 'delegation_exceeded' }),
  );
});

test('L3 a bearer token is refused unless the verifier opts in', () => {
  const { holder: _, delegations: __, ...spec } = baseSpec;
  const token = mintBearer(keyring, spec);
  expect(code(verifierWith().verify({ token, call: search, now: NOW }))).toBe('bearer_refused');
  const open = verifierWith({ bearer: true }).verify({ token, call: search, now: NOW });
  expect(code(open)).toBe('ok');
  expect(open.ok && open.token.proof).toBe('bearer');
});
