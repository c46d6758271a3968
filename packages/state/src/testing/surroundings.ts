// Surroundings: clocks that are wrong, and resets (attack catalogue W1 and W5). Rules that every back end keeps.
import { expect, test } from 'vitest';
import { leasedBudgets } from '../lease.ts';
import type { Store } from '../store.ts';
import { NOW, charges, claim, counter, fresh, id, proofClaim, numbered } from './make.ts';
import { inTurn, spend, type Answer, type World } from './world.ts';

const DAY = 86_400;
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);

/** What a store is asked after something strange has happened, and has to answer as before. */
async function remembers(store: Store): Promise<Record<string, string>> {
  const proof = async (name: string): Promise<string> =>
    code(await store.budgets.reserve(charges([], { replay: proofClaim(name, NOW + 90) }), NOW));
  const subject = { issuer: 'acme', token: 't', key: 'k', user: 'gone', nodes: [], holders: [] };
  return {
    budget: code(await store.budgets.reserve(charges([counter('spent', 1, 5)]), NOW)),
    once: code(await store.budgets.reserve(charges([], { once: [claim('once', 1)] }), NOW)),
    proof: await proof('used'),
    fresh: await proof(fresh()),
    session: code(await store.sessions.check('acme', 's', NOW)),
    revoked: code(store.revocations.isRevoked(subject)),
  };
}
const AS_BEFORE = {
  budget: 'budget_exceeded',
  once: 'once_used',
  proof: 'replayed',
  fresh: 'ok',
  session: 'ok',
  revoked: 'revoked',
};

async function used(store: Store): Promise<void> {
  await store.sessions.open({ issuer: 'acme', id: 's', operator: 'o', expires: NOW + 1800 }, NOW);
  await store.budgets.reserve(
    charges([counter('spent', 5, 5)], { once: [claim('once', 1)], replay: proofClaim('used', NOW + 90) }),
    NOW,
  );
  await store.revocations.add(
    { kind: 'user', issuer: 'acme', value: 'gone', reason: '', expires: NOW + 1800 },
    NOW,
  );
  await expect.poll(() => remembers(store)).toEqual(AS_BEFORE);
}

export function surroundingsRules(w: World): void {
  clockRules(w);
  poolRules(w);
  resetRules(w);
}

function clockRules(w: World): void {
  test('W1 (finding S1) a call at a stated time a year ahead drops no row of others, and nothing is denied after it', async () => {
    await used(w.store);
    const expires = NOW + 400 * DAY;
    for (const days of [1, 366]) {
      const c = charges([counter(`ahead ${days}`, 1, 5, { expires })], {
        replay: proofClaim(`ahead ${days}`, expires),
      });
      await w.store.budgets.reserve(c, NOW + days * DAY);
    }
    // Entries as well: of many that are added, one looks for those that have ended.
    await inTurn(300, (i) =>
      w.store.revocations.add(
        { kind: 'user', issuer: 'acme', value: `ahead ${i}`, reason: '' },
        NOW + 366 * DAY,
      ),
    );
    expect(await remembers(w.store)).toEqual(AS_BEFORE);
  });

  test('W1 (finding S1) a clock that leaps a year ahead and comes back drops no row', async () => {
    await used(w.store);
    for (let i = 0; i < 3; i++) {
      w.now = NOW + 366 * DAY + i * 100;
      await w.store.budgets.reserve(charges([counter('leapt', 1, 50, { expires: NOW + 400 * DAY })]), w.now);
    }
    w.now = NOW;
    expect(await remembers(w.store)).toEqual(AS_BEFORE);
  });

  test('W1 a window that has not begun is refused, and the one that the others are in goes on', async () => {
    const at = (start: number): ReturnType<typeof charges> =>
      charges([counter('w', 6, 10, { window: 60, windowStart: start, expires: start + 60 })]);
    const start = NOW - (NOW % 60);
    expect(code(await w.store.budgets.reserve(at(start), NOW))).toBe('ok');
    expect(await w.store.budgets.reserve(at(start + 60 * 60), NOW + 60 * 60)).toMatchObject({
      code: 'budget_exceeded',
      left: 0,
    });
    // A denial says what is left and when the window ends.
    expect(await w.store.budgets.reserve(at(start), NOW)).toEqual({
      ok: false,
      code: 'budget_exceeded',
      caveat: -1,
      left: 4,
      resets: start + 60,
    });
    // A clock that is a little ahead is nothing strange.
    expect(code(await w.store.budgets.reserve(at(start + 60), NOW))).toBe('ok');
  });
}

function poolRules(w: World): void {
  test.each([
    ['straight', false],
    ['leased', true],
  ])('R3b two limits on one counter (a pool), %s: the narrower one is kept', async (_, lease) => {
    const leased = leasedBudgets(w.store.budgets, { share: 1 / 8 });
    const budgets = lease ? leased : w.store.budgets;
    const grants = async (limit: number, calls: number): Promise<number> => {
      let granted = 0;
      for (let i = 0; i < calls; i++)
        if ((await budgets.reserve(charges([counter('pool', 1, limit)]), NOW)).ok) granted++;
      return granted;
    };
    expect(await grants(1000, 1)).toBe(1);
    const narrow = await grants(5, 40);
    expect(narrow).toBeLessThanOrEqual(4);
    if (!lease) expect(narrow).toBe(4);
    expect(await grants(1000, 1)).toBe(1);
    expect(await grants(5, 40)).toBe(0);
    await leased.stop();
  });
}

function resetRules(w: World): void {
  const { reset } = w;
  test.skipIf(reset === null)(
    'W5 (findings S4, S7) nothing crosses a reset: no refund, no slice, no number of a session, no proof',
    async () => {
      const { budgets, replay } = w.store;
      const taken = await budgets.reserve(
        charges([counter('c', 6, 10)], { replay: proofClaim('old', NOW + 90) }),
        NOW,
      );
      if (!taken.ok) throw new Error(taken.code);
      const number = async (sequence: number): Promise<ReturnType<typeof charges>> =>
        charges([], { sequence: await numbered(w.store, 'q', sequence, NOW + 900) });
      const waiting = await number(1);
      expect(code(await budgets.reserve(await number(0), NOW))).toBe('ok');
      const leased = leasedBudgets(budgets, { share: 1 / 2 });
      const hot = charges([counter('hot', 1, 1000)]);
      await leased.reserve(hot, NOW);
      expect(code(await leased.reserve(hot, NOW))).toBe('ok');
      expect([leased.trips, leased.local]).toEqual([1, 2]);
      const before = budgets.era();
      const epoch = await replay.epoch();
      await reset!(w.store);
      // A verifier may learn of it with its next call.
      await spend(w, 'any', 1, 100);
      // While it does not know, there is no era, and nothing is taken into slices.
      await expect.poll(() => [null, before].includes(budgets.era())).toBe(false);
      expect(await budgets.settle(taken.reservation, [0])).toBe(false);
      expect(await budgets.left(id('root'), [counter('c', 0, 10)], NOW)).toEqual([4]);
      expect(code(await leased.reserve(hot, NOW))).toBe('ok');
      expect(leased.trips).toBe(2);
      // A number of a ticket from before does not count either, also once the store has been asked for the new epoch.
      expect(code(await budgets.reserve(waiting, NOW))).toBe('replayed');
      expect(await replay.epoch()).not.toBe(epoch);
      expect(code(await budgets.reserve(waiting, NOW))).toBe('replayed');
      expect(code(await budgets.reserve(await number(1), NOW))).toBe('ok');
      await leased.stop();
    },
  );

  test.skipIf(reset === null)(
    'W5 (finding S7) a proof that may be from before a reset is refused, however long its claim has waited',
    async () => {
      const { budgets } = w.store;
      const shown = (name: string, expires: number, from?: number): Answer =>
        budgets.reserve(charges([], { replay: proofClaim(name, expires, from) }), NOW);
      expect(code(await shown('used', NOW + 90))).toBe('ok');
      await reset!(w.store);
      await spend(w, 'any', 1, 100);
      // What is left of its life when the claim comes says how long verifiers remember it, less how long it waited.
      for (const left of [-50, 1, 20, 50, 90, 400])
        expect([left, code(await shown('used', NOW + left))]).toEqual([left, 'store_unavailable']);
      // A holder whose clock is ahead, by as much as a verifier lets pass, has made it "later" than the reset.
      expect(code(await shown('ahead', NOW + 120, w.time() + 20))).toBe('store_unavailable');
      // One that no verifier took before is good, once.
      const later = w.time() + 60;
      expect(code(await shown('later', NOW + 180, later))).toBe('ok');
      expect(code(await shown('later', NOW + 180, later))).toBe('replayed');
    },
  );
}
