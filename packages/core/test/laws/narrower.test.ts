// L1 Only narrower: for every token t, every descendant t' and every request r, if t' allows r then t allows r.
// Each generation is proved by its own holder and cleared against a ledger in the same state.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  evaluate,
  authorize,
  coversTools,
  createVerifier,
  diff,
  effectiveAuthority,
  explain,
  prove,
  type Decision,
  type Verifier,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import {
  AUDIENCE,
  COLD,
  generations,
  ISSUER,
  issuerSigner,
  lineageArb,
  LONG,
  seals,
  TestLedger,
  verifierWith,
  type Generation,
  type Lineage,
} from '../sample.ts';

const RUNS = LONG ? 100_000 : 2_000;

function decide(verifier: Verifier, g: Generation, l: Lineage, ledger: TestLedger): Decision {
  const proof = prove(g.token, l.call, { audience: AUDIENCE, time: l.facts.now }, g.by);
  const verified = verifier.verify({ token: g.token, proof, call: l.call, now: l.facts.now });
  return verified.ok ? authorize(verified.token, l.facts, ledger) : verified;
}

interface Tally {
  cases: number;
  pairs: number;
  allowed: number;
  narrowed: number;
}

// Asks every generation, over a ledger that some of them have used before, and compares each with its parent.
function narrower(l: Lineage, family: readonly Generation[], make: () => Verifier, tally: Tally): void {
  const verifier = make();
  const ledger = new TestLedger();
  // What siblings and children did before: counters of ancestors are partly spent.
  if (l.facts.now % 3 === 0) decide(verifier, family.at(-1)!, l, ledger);
  // And what the holder of some ancestor did: often enough to leave a budget of a few calls without room.
  const busy = family[l.facts.now % family.length]!;
  for (let used = (l.facts.now >> 3) % 8; used > 2; used--) decide(verifier, busy, l, ledger);
  let parent = true;
  tally.cases++;
  family.forEach((g, i) => {
    const decision = decide(verifier, g, l, ledger.copy());
    const allows = decision.ok;
    if (i > 0) {
      tally.pairs++;
      if (allows) tally.allowed++;
      else if (parent) tally.narrowed++;
      expect(parent || !allows, `generation ${i} allows what generation ${i - 1} denies`).toBe(true);
    }
    parent = allows;
  });
}

test(`L1 only narrower, by MAC: ${RUNS} lineages`, { timeout: LONG ? 3_600_000 : 120_000 }, () => {
  const tally: Tally = { cases: 0, pairs: 0, allowed: 0, narrowed: 0 };
  fc.assert(
    fc.property(lineageArb, (l) => {
      // Verifiers with and without caches take turns: a child resumes from its parent's tail in one of them only.
      narrower(l, generations(l), () => verifierWith(l.facts.now % 2 === 0 ? {} : COLD), tally);
    }),
    { numRuns: RUNS },
  );
  // Not vacuous: a good part of the descendants do allow, and a good part were narrowed where the parent allowed.
  expect(tally.pairs).toBeGreaterThan(RUNS);
  expect(tally.allowed / tally.pairs).toBeGreaterThan(0.25);
  expect(tally.narrowed / tally.pairs).toBeGreaterThan(0.04);
  if (LONG) console.log('L1', tally);
});

test('L1 only narrower, by signatures alone: descendants made by the rules', { timeout: 600_000 }, () => {
  const federated = () =>
    createVerifier({ audience: AUDIENCE, seals, federated: [ISSUER], provider: nodeProvider });
  const tally: Tally = { cases: 0, pairs: 0, allowed: 0, narrowed: 0 };
  fc.assert(
    fc.property(lineageArb, (l) => narrower(l, generations(l, issuerSigner), federated, tally)),
    { numRuns: LONG ? 20_000 : 150 },
  );
  expect(tally.allowed / tally.pairs).toBeGreaterThan(0.25);
});

test('L1 the two ways agree on every token that both can verify', () => {
  fc.assert(
    fc.property(lineageArb, (l) => {
      const federated = createVerifier({
        audience: AUDIENCE,
        seals,
        federated: [ISSUER],
        provider: nodeProvider,
      });
      for (const g of generations(l, issuerSigner)) {
        const a = decide(verifierWith(COLD), g, l, new TestLedger());
        const b = decide(federated, g, l, new TestLedger());
        expect(b.ok ? 'ok' : b.code).toBe(a.ok ? 'ok' : a.code);
      }
    }),
    { numRuns: LONG ? 5_000 : 80 },
  );
});

test('L1 an explanation and a decision never disagree: the first line that failed carries its code', () => {
  let failed = 0;
  fc.assert(
    fc.property(lineageArb, (l) => {
      const g = generations(l).at(-1)!;
      const proof = prove(g.token, l.call, { audience: AUDIENCE, time: l.facts.now }, g.by);
      const verified = verifierWith().verify({ token: g.token, proof, call: l.call, now: l.facts.now });
      // Nothing to explain: verification refused it for its times.
      if (!verified.ok) {
        expect(['expired', 'not_yet_valid']).toContain(verified.code);
        return;
      }
      const decision = evaluate(verified.token, l.facts);
      const lines = explain(verified.token, l.facts);
      const bad = lines.filter((line) => line.outcome === 'failed');
      if (decision.ok === false) {
        failed++;
        expect(bad.map((line) => [line.code, line.caveat])).toEqual([[decision.code, decision.caveat]]);
      } else {
        expect(bad).toEqual([]);
        expect(lines.filter((line) => line.outcome === 'not_reached')).toEqual([]);
        const needs = lines.filter((line) => line.outcome === 'needs_ledger');
        expect(needs).toHaveLength(decision.charges.counters.length + decision.charges.once.length);
      }
    }),
    { numRuns: LONG ? 10_000 : 120 },
  );
  expect(failed).toBeGreaterThan(10);
});

test('L1 displays agree: no descendant shows a gain, and what clears is among the tools left', () => {
  fc.assert(
    fc.property(lineageArb, (l) => {
      const family = generations(l);
      const verifier = verifierWith();
      family.forEach((g, i) => {
        if (i > 0) expect(diff(family[i - 1]!.token, g.token).filter((row) => row.mark === '+')).toEqual([]);
        if (!decide(verifier, g, l, new TestLedger()).ok) return;
        const left = effectiveAuthority(g.token);
        expect(coversTools(left.tools, [l.call.tool])).toBe(true);
        expect(left.empty).toBeNull();
      });
    }),
    { numRuns: LONG ? 10_000 : 120 },
  );
});

test('L1 a warm verifier and a cold one give the same answer', () => {
  fc.assert(
    fc.property(lineageArb, (l) => {
      const warm = verifierWith();
      const family = generations(l);
      for (const g of [...family, ...family.toReversed()]) {
        const proof = prove(g.token, l.call, { audience: AUDIENCE, time: l.facts.now }, g.by);
        const verified = [warm, verifierWith(COLD)].map((v) =>
          v.verify({ token: g.token, proof, call: l.call, now: l.facts.now }),
        );
        const [a, b] = verified.map((v) => (v.ok ? evaluate(v.token, l.facts) : v));
        expect(JSON.stringify(a)).toBe(JSON.stringify(b));
      }
    }),
    { numRuns: LONG ? 10_000 : 80 },
  );
});
