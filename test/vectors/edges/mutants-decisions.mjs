// More cases of decisions: what mutants of an independent verifier lived through.
// Codes are written by hand, as in generate.mjs, whose helpers come in.
import { mint, restrict } from '@ambit/core';

/** What a call is charged: steps and ends of rows, places, amounts. */
export function decisionMutants({ several, shown, at, a, keyring, nonce, NOW, spec, issuer }) {
  several('windows: 61 s and 119 s', 'Steps of 2 s, rounded up; 61 s are 31 of them, and one more.', [
    shown(at(restrict.rate(9, 61), restrict.rate(9, 119)), a, 'ok', nonce(1)),
  ]);
  several('windows: 1 s and 60 s', 'Steps of 1 s.', [
    shown(at(restrict.rate(9, 1), restrict.rate(9, 60)), a, 'ok', nonce(1)),
  ]);
  const short = mint(keyring, {
    ...spec,
    expires: NOW + 50,
    budgets: [{ unit: 'calls', limit: 3, window: 3600, sliding: true }],
  });
  several('ends of rows: a sliding window', "The grant's expiry, which is earlier.", [
    shown(short, a, 'ok', nonce(1)),
  ]);
  const old = mint(keyring, { ...spec, issuedAt: 0, expires: 1000 });
  several('a proof near the epoch', 'A claim is never from before 0.', [
    shown(old, a, 'ok', { now: 10, prove: { time: 10 } }),
    shown(old, a, 'ok', { now: 31, prove: { time: 31, nonce: nonce(2).prove.nonce } }),
  ]);
  const elsewhere = mint(
    keyring,
    { ...spec, budgets: [{ unit: 'calls', limit: 5, pool: 'team', tools: ['mail/*'] }] },
    issuer,
  );
  several('budget: a pool, and nothing but a nonce', 'The place follows from the grant all the same.', [
    shown(elsewhere, a, 'ok', nonce(1)),
  ]);
  const bytes = at(restrict.budget({ unit: 'bytes', limit: 2 ** 53 - 1 }));
  const cost = at(restrict.cost('tokens', 2 ** 53 - 1));
  several('budget: the largest amounts', 'Up to 2^53-1, and one more.', [
    shown(bytes, a, 'ok', { ...nonce(1), facts: { bytes: 2 ** 53 - 1 } }),
    shown(bytes, a, ['budget_amount', 0], { ...nonce(2), facts: { bytes: 2 ** 53 } }),
    shown(cost, a, ['budget_amount', 0], { ...nonce(3), facts: { cost: { tokens: 2 ** 53 } } }),
  ]);
}
