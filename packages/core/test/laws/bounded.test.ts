// L8 Bounded before crypto, a refusal no dearer than an acceptance, and no state touched before all the rest passed.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  evaluate,
  attenuate,
  authorize,
  encodeCbor,
  inspect,
  LIMITS,
  ProofSession,
  prove,
  restrict,
  type Cbor,
  type Facts,
} from '@ambit/core';
import { Matcher } from '../../src/args/automaton.ts';
import { patternProblem } from '../../src/args/pattern.ts';
import {
  AUDIENCE,
  COLD,
  countingProvider,
  generations,
  holder,
  itemsOf,
  lineageArb,
  makeCall,
  mintBase,
  NOW,
  remac,
  search,
  TestLedger,
  verifierWith,
  withRawCaveats,
  x25519Secret,
} from '../sample.ts';

const note: Cbor = [14, 'x'];
const fakeDelegate = (n: number): Cbor => [
  9,
  [encodeCbor([new Uint8Array(32).fill(n), 'x', NOW, new Uint8Array(16)]), new Uint8Array(64).fill(1)],
];

describe('L8 sizes and counts before crypto', () => {
  test.each([
    ['129 caveats', withRawCaveats(mintBase(), ...Array.from({ length: 129 }, () => note))],
    [
      '17 delegations',
      withRawCaveats(
        mintBase({ delegations: 16 }),
        ...Array.from({ length: 17 }, (_, i) => fakeDelegate(i + 1)),
      ),
    ],
    [
      '17 counters',
      withRawCaveats(
        mintBase(),
        ...Array.from({ length: 17 }, () => [7, [[1, 9, 0, null, null, null]]] as Cbor),
      ),
    ],
    [
      'a token above 16 KiB',
      withRawCaveats(mintBase(), ...Array.from({ length: 20 }, () => [14, 'x'.repeat(900)] as Cbor)),
    ],
    ['a text above 1 KiB', withRawCaveats(mintBase(), [14, 'x'.repeat(1025)])],
    ['a name above 256 bytes', withRawCaveats(mintBase(), [2, ['x'.repeat(257)]])],
    ['257 patterns', withRawCaveats(mintBase(), [3, Array.from({ length: 257 }, () => 'a')])],
    [
      'delegations beyond 16 in the grant',
      remac(itemsOf(mintBase()).map((g) => replaceLast(g, encodeCbor(17)))),
    ],
  ])('%s', (_, token) => {
    const provider = countingProvider();
    expect(verifierWith({ ...COLD, provider }).identify(token)).toMatchObject({
      ok: false,
      code: 'token_invalid',
    });
    expect(provider.calls).toBe(0);
  });

  test('exactly at the limits it is accepted', () => {
    expect(
      verifierWith(COLD).identify(withRawCaveats(mintBase(), ...Array.from({ length: 128 }, () => note))).ok,
    ).toBe(true);
    const counters = Array.from({ length: 16 }, () => [7, [[1, 9, 0, null, null, null]]] as Cbor);
    expect(verifierWith(COLD).identify(withRawCaveats(mintBase(), ...counters)).ok).toBe(true);
  });

  test('a token of many megabytes, and a proof of many, are refused by their size', () => {
    const provider = countingProvider();
    const v = verifierWith({ provider });
    expect(v.identify(`amb1_${'A'.repeat(20_000_000)}`)).toMatchObject({ code: 'token_invalid' });
    expect(
      v.verify({ token: mintBase(), proof: `ambp1_${'A'.repeat(20_000_000)}`, call: search, now: NOW }),
    ).toMatchObject({ code: 'proof_invalid' });
    expect(provider.calls).toBe(0);
  });

  test('structure is looked at before any signature: depth, a key twice, a seal out of place', () => {
    const provider = countingProvider();
    const v = verifierWith({ ...COLD, provider });
    const seal: Cbor = [10, [new Uint8Array(32), new Uint8Array(64)]];
    expect(v.identify(withRawCaveats(mintBase({ delegations: 0 }), fakeDelegate(1)))).toMatchObject({
      code: 'delegation_exceeded',
    });
    expect(v.identify(withRawCaveats(mintBase(), fakeDelegate(1), fakeDelegate(1)))).toMatchObject({
      code: 'delegation_invalid',
    });
    expect(v.identify(withRawCaveats(mintBase(), fakeDelegate(1), seal))).toMatchObject({
      code: 'seal_invalid',
    });
    expect(v.identify(withRawCaveats(mintBase(), seal, seal))).toMatchObject({ code: 'seal_invalid' });
    expect(provider.calls).toBe(0);
  });
});

function replaceLast(grant: Uint8Array, value: Uint8Array): Uint8Array {
  return new Uint8Array([...grant.subarray(0, grant.length - 1), ...value]);
}

test('L8 a refusal costs no more public-key operations than an acceptance', () => {
  const came = { accepted: 0, late: 0 };
  fc.assert(
    fc.property(lineageArb, fc.nat(), fc.nat(), (l, where, what) => {
      const { token: bare, by } = generations(l).at(-1)!;
      const token = what % 5 === 0 ? attenuate(bare, restrict.expires(l.facts.now)) : bare;
      const count = (t: string, proof: string): { ok: boolean; calls: number } => {
        const provider = countingProvider();
        const verified = verifierWith({ ...COLD, provider }).verify({
          token: t,
          proof,
          call: l.call,
          now: l.facts.now,
        });
        return { ok: verified.ok, calls: provider.calls };
      };
      const proof = prove(token, l.call, { audience: AUDIENCE, time: l.facts.now }, by);
      const good = count(token, proof);
      if (!good.ok) {
        // Out of its time: the delegations' signatures, and none for the proof.
        came.late++;
        expect(good.calls).toBe(inspect(token).nodes.length - 1);
        return;
      }
      came.accepted++;
      const swap = (text: string, from: number): string => {
        const at = from + (where % (text.length - from));
        return text.slice(0, at) + 'ABab01-_'[what % 8]! + text.slice(at + 1);
      };
      expect(count(swap(token, 5), proof).calls).toBeLessThanOrEqual(good.calls);
      expect(count(token, swap(proof, 6)).calls).toBeLessThanOrEqual(good.calls);
      // One bit of one item, MACed again: a delegation signature that fails is the last one checked.
      const contents = itemsOf(token);
      const i = what % contents.length;
      contents[i]![where % contents[i]!.length]! ^= 1;
      expect(count(remac(contents), proof).calls).toBeLessThanOrEqual(good.calls);
    }),
    { numRuns: 250 },
  );
  expect(came.accepted).toBeGreaterThan(150);
  expect(came.late).toBeGreaterThan(20);
});

test('L8 an opening session proof costs one signature and one agreement, forged or not, and a later one neither', () => {
  const provider = countingProvider();
  const v = verifierWith({ ...COLD, provider, proofSessions: { key: x25519Secret } });
  const token = mintBase({ delegations: 0 });
  const session = ProofSession.open(v.sessionOffer!, { time: NOW }, holder(0));
  const first = session.prove(token, search, NOW);
  const show = (proof: string): number => {
    provider.calls = 0;
    v.verify({ token, proof, call: search, now: NOW });
    return provider.calls;
  };
  expect(show(`${first.slice(0, -4)}AAAA`)).toBe(2);
  expect(show(first)).toBe(2);
  session.established();
  expect(show(session.prove(token, search, NOW))).toBe(0);
});

const held = (ledger: TestLedger): unknown => [[...ledger.spent], [...ledger.claimed]];

test('L8 the ledger is asked only when everything else has passed, and a refusal of its own leaves nothing behind', () => {
  const stateful = ['budget_exceeded', 'once_used', 'replayed'];
  // How often each way was taken: a law says nothing of a way that never comes up.
  const came = { unproved: 0, refused: 0, allowed: 0, budget_exceeded: 0, once_used: 0, replayed: 0 };
  const faults = [
    'none',
    'proof',
    'token',
    'data',
    'used before',
    'used before',
    'shown twice',
    'shown twice',
  ] as const;
  const appended = fc.constantFrom([restrict.calls(1)], [restrict.once()], [restrict.calls(3)]);
  fc.assert(
    fc.property(lineageArb, appended, fc.constantFrom(...faults), (l, more, fault) => {
      const { token: bare, by } = generations(l).at(-1)!;
      const token = attenuate(bare, ...(fault === 'shown twice' ? [restrict.calls(3)] : more));
      const ledger = new TestLedger();
      const proofOf = (): string => prove(token, l.call, { audience: AUDIENCE, time: l.facts.now }, by);
      const proof = proofOf();
      if (fault === 'used before' || fault === 'shown twice') {
        const again = fault === 'used before' ? proofOf() : proof;
        const before = verifierWith().verify({ token, proof: again, call: l.call, now: l.facts.now });
        if (before.ok) authorize(before.token, l.facts, ledger);
      }
      const presented = fault === 'token' ? bare : token;
      const c = fault === 'proof' ? makeCall({ tool: 'web_search', args: { q: 'other' } }) : l.call;
      const { asked } = ledger;
      const left = held(ledger);
      const verified = verifierWith().verify({ token: presented, proof, call: c, now: l.facts.now });
      expect(ledger.asked).toBe(asked);
      if (!verified.ok) {
        came.unproved++;
        return;
      }
      const { data: _, ...blind } = l.facts;
      const seen: Facts = fault === 'data' ? blind : l.facts;
      const decision = authorize(verified.token, seen, ledger);
      if (decision.ok) {
        came.allowed++;
        expect(ledger.asked).toBe(asked + 1);
        expect(held(ledger)).not.toEqual(left);
        return;
      }
      expect(held(ledger)).toEqual(left);
      if (ledger.asked === asked) {
        came.refused++;
        expect(evaluate(verified.token, seen)).toEqual(decision);
        return;
      }
      // Only the ledger's own answer may follow, once everything else has passed.
      expect(ledger.asked).toBe(asked + 1);
      expect(stateful).toContain(decision.code);
      came[decision.code as 'replayed']++;
      expect(evaluate(verified.token, seen).ok).toBeNull();
    }),
    { numRuns: 1000 },
  );
  for (const [way, times] of Object.entries(came)) expect(times, way).toBeGreaterThan(10);
});

// A token is parsed before its proof is checked, and whoever has its bytes may append patterns: their states are
// counted then, and built only for a call that they concern.
test('L8 the states of a pattern are counted exactly without building them', () => {
  const piece = fc.letrec<{ p: string }>((tie) => ({
    p: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('a', '.', '[a-c]', '\\d', ''),
      fc.tuple(tie('p'), tie('p')).map(([a, b]) => a + b),
      fc.tuple(tie('p'), tie('p')).map(([a, b]) => `(${a}|${b})`),
      fc
        .tuple(tie('p'), fc.constantFrom('*', '+', '?', '{3}', '{2,}', '{0,4}', '{7,30}', '{40,90}', '{0}'))
        .map(([a, q]) => `(${a})${q}`),
    ),
  })).p;
  let tooLarge = 0;
  fc.assert(
    fc.property(piece, (p) => {
      const problem = patternProblem(p);
      let states = Infinity;
      try {
        ({ states } = new Matcher(p));
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
      expect(problem === null).toBe(states <= LIMITS.patternStates);
      if (problem !== null) tooLarge++;
    }),
    { numRuns: 8000 },
  );
  expect(tooLarge).toBeGreaterThan(20);
  for (const [n, ok] of [
    [1022, true],
    [1023, true],
    [1024, false],
  ] as const) {
    expect(patternProblem('a'.repeat(n)) === null).toBe(ok && n <= 1023);
  }
  // Thirty nested repetitions: 2^30 states, refused at once.
  expect(patternProblem(`${'('.repeat(30)}a${'){2}'.repeat(30)}`)).toContain('states');
});
