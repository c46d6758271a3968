// Budgets: never over, all or nothing, given back once. Rules that every back end keeps.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Reservation } from '../budgets.ts';
import { NOW, charges, claim, counter, fresh, id, rate, proofClaim } from './make.ts';
import { spend, type Answer, type World } from './world.ts';

export function budgetsRules(w: World): void {
  limitRules(w);
  amountRules(w);
  refundRules(w);
  mixtureRules(w);
}

function limitRules(w: World): void {
  test('S1 two hundred calls of 50 against a sum of 10,000: the next is refused', async () => {
    for (let i = 0; i < 200; i++) expect((await spend(w, 's1', 50, 10_000)).ok).toBe(true);
    expect(await spend(w, 's1', 50, 10_000)).toEqual({
      ok: false,
      code: 'budget_exceeded',
      caveat: -1,
      left: 0,
    });
    expect((await spend(w, 's1', 1, 10_000)).ok).toBe(false);
  });

  test('S2 three calls of 9,000 under a sum of 10,000: the second is refused', async () => {
    expect((await spend(w, 's2', 9000, 10_000)).ok).toBe(true);
    expect(await spend(w, 's2', 9000, 10_000)).toMatchObject({ code: 'budget_exceeded', left: 1000 });
    expect(await spend(w, 's2', 9000, 10_000)).toMatchObject({ code: 'budget_exceeded', left: 1000 });
    expect((await spend(w, 's2', 1000, 10_000)).ok).toBe(true);
  });

  test("S3 a hundred siblings with budgets of their own, against the parent's", async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        w.store.budgets.reserve(
          charges([counter('parent', 30, 1000), counter(`child ${i}`, 30, 50, { caveat: 1 })]),
          NOW,
        ),
      ),
    );
    expect(answers.filter((a) => a.ok).length).toBe(33);
    // A refused call left nothing behind in its own counter.
    const refused = answers.findIndex((a) => !a.ok);
    expect(await w.store.budgets.left(id('root'), [counter(`child ${refused}`, 0, 50)], NOW)).toEqual([50]);
  });

  test('S5 a counter is not reset by a session, by another path to it, or by the clock', async () => {
    const at = (start: number, amount: number): Answer =>
      w.store.budgets.reserve(
        charges([counter('windowed', amount, 100, { window: 60, windowStart: start, expires: start + 60 })]),
        start + 1,
      );
    const first = NOW - (NOW % 60) - 60;
    expect((await at(first + 60, 100)).ok).toBe(true);
    // The clock goes back into the window before: it is charged to the later one, which is full.
    expect(await at(first, 1)).toMatchObject({ code: 'budget_exceeded', left: 0 });
    expect(await at(first + 60, 1)).toMatchObject({ code: 'budget_exceeded' });
    expect((await at(first + 120, 100)).ok).toBe(true);
    expect(await at(first + 60, 1)).toMatchObject({ code: 'budget_exceeded' });
  });
}

function amountRules(w: World): void {
  test.each([-1, 0.5, NaN, Infinity, 2 ** 53, 1e300])(
    'S6 amount %s is refused and nothing is charged',
    async (amount) => {
      const answer = await w.store.budgets.reserve(
        charges([counter('s6 first', 1, 10), counter('s6', amount, 10, { caveat: 3 })]),
        NOW,
      );
      expect(answer).toEqual({ ok: false, code: 'budget_amount', caveat: 3 });
      expect(
        await w.store.budgets.left(id('root'), [counter('s6 first', 0, 10), counter('s6', 0, 10)], NOW),
      ).toEqual([10, 10]);
    },
  );

  test('S6 the largest amounts are counted exactly', async () => {
    const max = Number.MAX_SAFE_INTEGER;
    expect((await spend(w, 'huge', max - 1, max)).ok).toBe(true);
    expect(await w.store.budgets.left(id('root'), [counter('huge', 0, max)], NOW)).toEqual([1]);
    expect(await spend(w, 'huge', max, max)).toMatchObject({ code: 'budget_exceeded', left: 1 });
    expect(await spend(w, 'huge', 2, max)).toMatchObject({ code: 'budget_exceeded', left: 1 });
    expect((await spend(w, 'huge', 1, max)).ok).toBe(true);
    expect(await spend(w, 'huge', 1, max)).toMatchObject({ code: 'budget_exceeded', left: 0 });
    expect((await spend(w, 'huge', 0, max)).ok).toBe(true);
    expect(await spend(w, 'none', 1, 0)).toMatchObject({ code: 'budget_exceeded', left: 0 });
  });

  test('all or nothing: whichever part refuses, no other part was applied', async () => {
    await w.store.budgets.reserve(
      charges([], { once: [claim('once used', 2)], replay: proofClaim('nonce used') }),
      NOW,
    );
    await spend(w, 'full', 10, 10);
    const parts = charges([counter('free', 1, 10), counter('free 2', 1, 10, { caveat: 2 })], {
      once: [claim('once free', 1)],
      replay: proofClaim('nonce free'),
    });
    const cases = [
      [
        { ...parts, replay: proofClaim('nonce used') },
        { code: 'replayed', caveat: -1 },
      ],
      [
        { ...parts, once: [claim('once free', 1), claim('once used', 4)] },
        { code: 'once_used', caveat: 4 },
      ],
      [
        { ...parts, counters: [...parts.counters, counter('full', 1, 10, { caveat: 7 })] },
        { code: 'budget_exceeded', caveat: 7 },
      ],
    ] as const;
    for (const [each, expected] of cases)
      expect(await w.store.budgets.reserve(each, NOW)).toMatchObject(expected);
    expect(await w.store.budgets.left(id('root'), parts.counters, NOW)).toEqual([10, 10]);
    expect((await w.store.budgets.reserve(parts, NOW)).ok).toBe(true);
    expect(await w.store.budgets.left(id('root'), parts.counters, NOW)).toEqual([9, 9]);
    expect(await w.store.budgets.reserve(parts, NOW)).toMatchObject({ code: 'replayed' });
    expect(await w.store.budgets.reserve({ ...parts, replay: proofClaim('another') }, NOW)).toMatchObject({
      code: 'once_used',
    });
  });
}

function refundRules(w: World): void {
  test('settling gives back what was not used, once, and never more than was reserved', async () => {
    const c = [counter('bytes', 100, 1000, { unit: 'bytes' }), counter('calls', 1, 10, { unit: 'calls' })];
    const left = (): Promise<readonly number[]> => w.store.budgets.left(id('root'), c, NOW);
    const take = async (): Promise<Reservation> => {
      const answer = await w.store.budgets.reserve(charges(c), NOW);
      if (!answer.ok) throw new Error(answer.code);
      return answer.reservation;
    };
    const one = await take();
    expect(await left()).toEqual([900, 9]);
    expect(await w.store.budgets.settle(one, [101, 1])).toBe(false);
    expect(await w.store.budgets.settle(one, [-1, 1])).toBe(false);
    expect(await w.store.budgets.settle(one, [0.5, 1])).toBe(false);
    expect(await w.store.budgets.settle(one, [1])).toBe(false);
    expect(await w.store.budgets.settle(one, [40, 1])).toBe(true);
    expect(await left()).toEqual([960, 9]);
    expect(await w.store.budgets.settle(one, [0, 0])).toBe(false);
    expect(await w.store.budgets.release(one)).toBe(false);
    expect(await w.store.budgets.settle({ ...one }, [0, 0])).toBe(false);
    const two = await take();
    const both = await Promise.all([w.store.budgets.release(two), w.store.budgets.settle(two, [0, 0])]);
    expect(both.filter(Boolean).length).toBe(1);
    expect(await left()).toEqual([960, 9]);
    const exact = await take();
    expect(await w.store.budgets.settle(exact, [100, 1])).toBe(true);
    expect(await left()).toEqual([860, 8]);
    // Not settled, it stays spent.
    await take();
    expect(await left()).toEqual([760, 7]);
  });

  test('a refund goes to the window it was taken from, and no other', async () => {
    const at = (start: number, amount: number): ReturnType<typeof counter> =>
      counter('refund', amount, 100, { window: 60, windowStart: start, expires: start + 60 });
    const start = NOW - (NOW % 60);
    const first = await w.store.budgets.reserve(charges([at(start, 80)]), start);
    await w.store.budgets.reserve(charges([at(start + 60, 80)]), start + 60);
    if (!first.ok) throw new Error(first.code);
    await w.store.budgets.settle(first.reservation, [0]);
    expect(await w.store.budgets.left(id('root'), [at(start + 60, 0)], start + 60)).toEqual([20]);
  });

  test('released claims stay claimed', async () => {
    const c = charges([counter('r', 1, 1)], { once: [claim('r once', 0)], replay: proofClaim('r nonce') });
    const answer = await w.store.budgets.reserve(c, NOW);
    if (!answer.ok) throw new Error(answer.code);
    expect(await w.store.budgets.release(answer.reservation)).toBe(true);
    expect(await w.store.budgets.left(id('root'), c.counters, NOW)).toEqual([1]);
    expect(await w.store.budgets.reserve(c, NOW)).toMatchObject({ code: 'replayed' });
  });

  test('a share takes that part of what is left, at least the amount, and never more than is left', async () => {
    const c = charges([counter('shared', 1, 1000)]);
    const slices: number[] = [];
    for (let i = 0; i < 40; i++) {
      const answer = await w.store.budgets.reserve(c, NOW, 0.25);
      if (answer.ok) slices.push(answer.reservation.amounts[0]!);
    }
    expect(slices.slice(0, 3)).toEqual([250, 187, 140]);
    expect(slices.reduce((a, b) => a + b)).toBeLessThanOrEqual(1000);
    expect(slices.at(-1)).toBe(1);
  });
}

function mixtureRules(w: World): void {
  test('any mixture of concurrent spends keeps every limit, and what was granted is what is gone', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 }), fc.nat(40)), {
          maxLength: 60,
        }),
        async (calls) => {
          const run = fresh();
          const one = (n: number, amount: number, caveat: number): ReturnType<typeof counter> =>
            n < 3
              ? counter(`${run} ${n}`, amount, 100, { caveat })
              : rate(`${run} ${n}`, amount, 100, 60, NOW - 600, { caveat });
          const granted = [0, 0, 0, 0, 0];
          const answers = await Promise.all(
            calls.map(([a, b, amount]) =>
              w.store.budgets.reserve(
                charges(a === b ? [one(a, amount, -1)] : [one(a, amount, -1), one(b, amount, -1)]),
                NOW,
              ),
            ),
          );
          calls.forEach(([a, b, amount], i) => {
            if (!answers[i]!.ok) return;
            granted[a]! += amount;
            if (a !== b) granted[b]! += amount;
          });
          const left = await w.store.budgets.left(
            id('root'),
            [0, 1, 2, 3, 4].map((n) => one(n, 0, -1)),
            NOW,
          );
          expect(left.map((n) => 100 - n)).toEqual(granted);
          expect(Math.min(...left)).toBeGreaterThanOrEqual(0);
        },
      ),
      { numRuns: 25 },
    );
  });
}
