// A verified token is a valid one: `verify` answers for the times of grant and caveats (SPEC.md section 5, step 13),
// before the proof and before any state; `authorize` answers again for the time of the facts; `identify` does not.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attenuate, authorize, evaluate, inspect, ProofSession, restrict } from '@ambit/core';
import {
  countingProvider,
  facts,
  generations,
  holder,
  lineageArb,
  mintBase,
  NOW,
  provedAt,
  search,
  T0,
  TestLedger,
  verifiedAt,
  verifierWith,
  x25519Secret,
} from '../sample.ts';

const SKEW = 30;
const end = T0 + 1800;
test('L2 no token is ok outside its times, and within them its times refuse it never', () => {
  let tried = 0;
  const came = { ok: 0, expired: 0, not_yet_valid: 0 };
  fc.assert(
    fc.property(lineageArb, fc.integer({ min: T0 - 200, max: end + 200 }), (l, now) => {
      tried++;
      const { token, by } = generations(l).at(-1)!;
      const { grant, caveats, expires } = inspect(token);
      // An oracle of its own: the latest beginning, the earliest end.
      const begins = caveats.map((c) => (c.type === 'time' ? (c.notBefore ?? 0) : 0));
      const early = Math.max(grant.issuedAt, ...begins) > now + SKEW;
      const late = now >= expires;
      const proof = provedAt(token, now, l.call, by);
      const answer = verifierWith().verify({ token, proof, call: l.call, now });
      expect(answer.ok).toBe(!early && !late);
      expect(verifierWith().identify(token).ok).toBe(true);
      if (answer.ok) came.ok++;
      else {
        came[answer.code as 'expired']++;
        expect(answer.code === 'expired' ? late : early).toBe(true);
        expect(answer.unverified).toBeUndefined();
      }
    }),
    { numRuns: 400 },
  );
  for (const [way, times] of Object.entries(came)) expect(times / tried, way).toBeGreaterThan(0.05);
});

describe('SPEC section 5, step 13', () => {
  test.each([
    ['the second before the end', mintBase(), end - 1, 'ok'],
    ['the end', mintBase(), end, 'expired', -1],
    ['the skew before its issue', mintBase(), T0 - SKEW, 'ok'],
    ['a second more', mintBase(), T0 - SKEW - 1, 'not_yet_valid', -1],
    ['a caveat’s end', attenuate(mintBase(), restrict.note('x'), restrict.expires(NOW)), NOW, 'expired', 1],
    ['a caveat’s beginning', attenuate(mintBase(), restrict.notBefore(NOW + 31)), NOW, 'not_yet_valid', 0],
    [
      'before the other caveats',
      attenuate(mintBase(), restrict.tools(), restrict.expires(NOW)),
      NOW,
      'expired',
      1,
    ],
  ])('%s', (_, token, now, code, caveat?: number) => {
    const answer = verifierWith().verify({ token, proof: provedAt(token, now), call: search, now });
    if (code === 'ok') expect(answer.ok).toBe(true);
    else expect(answer).toMatchObject({ ok: false, code, caveat });
  });

  test('a clock set back does not revive an expired token', () => {
    const v = verifierWith();
    const token = attenuate(mintBase(), restrict.expires(NOW + 10));
    v.verify({ token: mintBase(), proof: undefined, call: search, now: NOW + 10 });
    expect(v.verify({ token, proof: provedAt(token, NOW), call: search, now: NOW })).toMatchObject({
      code: 'expired',
    });
  });
});

// The facts may be later than the verification: a call that waited in between is judged by the later of the two.
test.each([
  ['the second before the end of its grant', mintBase(), end - 1, 'ok'],
  ['the end of its grant', mintBase(), end, 'expired', -1],
  ['the end of a caveat', attenuate(mintBase(), restrict.expires(NOW + 10)), NOW + 10, 'expired', 0],
])('L6 the time is checked again by authorize alone: %s', (_, token, now, code, caveat?: number) => {
  const shown = verifierWith().verify({ token, proof: provedAt(token, NOW), call: search, now: NOW });
  if (!shown.ok) throw new Error(shown.message);
  const answer = evaluate(shown.token, { now, data: ['public'], external: true });
  expect(answer).toMatchObject(code === 'ok' ? { ok: null } : { ok: false, code, caveat });
});

test('L8 an expired token costs no signature of a proof, opens no session and claims no number', () => {
  const provider = countingProvider();
  const v = verifierWith({ provider, proofSessions: { key: x25519Secret } });
  const token = attenuate(mintBase(), restrict.notBefore(NOW + 40));
  const session = ProofSession.open(v.sessionOffer!, { time: NOW }, holder(0));
  const proof = session.prove(token, search, NOW);
  const show = (now: number): string => {
    const answer = v.verify({ token, proof, call: search, now });
    return answer.ok ? answer.token.proof : answer.code;
  };
  expect([show(NOW), show(NOW + 9)]).toEqual(['not_yet_valid', 'not_yet_valid']);
  expect(v.verify({ token, proof: provedAt(token, NOW), call: search, now: NOW }).ok).toBe(false);
  expect(provider.calls).toBe(0);
  // The number was not claimed while the token was not valid: the same proof is good once, when it is.
  expect([show(NOW + 10), show(NOW + 10)]).toEqual(['session', 'replayed']);
});

test('authorize asks the times again, at the time of the facts if that is later', () => {
  const token = attenuate(mintBase(), restrict.expires(NOW + 10));
  // A verified token runs one call: each time has its own.
  const at = (now: number): unknown => authorize(verifiedAt(token, NOW), facts({ now }), new TestLedger());
  expect(at(NOW + 10)).toMatchObject({ ok: false, code: 'expired', caveat: 0 });
  expect(at(NOW + 9)).toMatchObject({ ok: true });
  // Facts of an earlier time don't make it younger than it was verified.
  expect(at(NOW - 900)).toMatchObject({ ok: true });
});
