// Leases: never over in sum, whatever the order of requests, answers, stops, deaths and the clock.
import { describe, expect, test } from 'vitest';
import { leasedBudgets, memoryStore, type Budgets, type LeasedBudgets } from '../src/index.ts';
import { NOW, charges, counter, rate, proofClaim } from '../src/testing/make.ts';

const START = NOW - (NOW % 60);
const memory = (): Budgets => memoryStore({ nowSeconds: () => NOW }).budgets;
const LIMIT = 4;

/** Passes requests on, and answers back, when told to. */
class Wire {
  readonly waiting: (() => void)[] = [];
  #later<T>(step: () => T): Promise<T> {
    return new Promise((resolve) => this.waiting.push(() => resolve(step())));
  }
  over(store: Budgets): Budgets {
    const both = async <T>(ask: () => Promise<T>): Promise<T> => {
      const answer = await (await this.#later(() => [ask()]))[0]!;
      return this.#later(() => answer);
    };
    return {
      reserve: (c, now, share) => both(() => store.reserve(c, now, share)),
      settle: (r, a) => both(() => store.settle(r, a)),
      release: (r) => both(() => store.release(r)),
      era: () => store.era(),
      left: (p, c, now) => store.left(p, c, now),
    };
  }
}

const settled = async (): Promise<void> => {
  for (let i = 0; i < 12; i++) await Promise.resolve();
};

/** One run: `choose(n)` picks one of n things that may happen next. Returns what was decided in each window. */
async function run(choose: (n: number) => number): Promise<number[]> {
  const store = memory();
  let time = 0;
  const decided = [0, 0];
  const spenders = [0, 1].map(() => {
    const wire = new Wire();
    const leased = leasedBudgets(wire.over(store), {
      share: 0.5,
      skew: 0,
      worth: 0,
      monotonic: () => time * 1000,
    });
    return { wire, leased, calls: 3, stopped: false };
  });
  let ticks = 1;
  for (;;) {
    const actions: (() => void)[] = [];
    for (const spender of spenders) {
      const { wire, leased } = spender;
      if (spender.calls > 0)
        actions.push(() => {
          spender.calls--;
          const at = START + time;
          const windowStart = at - (at % 60);
          const c = counter('hot', 1, LIMIT, { window: 60, windowStart, expires: windowStart + 60 });
          void leased.reserve(charges([c]), at).then((answer) => {
            // A call that was under way when the window ended counts where the store charged it.
            if (answer.ok) decided[answer.reservation.starts[0] === START ? 0 : 1]!++;
          });
        });
      for (let i = 0; i < wire.waiting.length; i++) actions.push(() => wire.waiting.splice(i, 1)[0]!());
      if (!spender.stopped && spender.calls < 3)
        actions.push(() => {
          spender.stopped = true;
          void leased.stop();
        });
    }
    if (ticks > 0)
      actions.push(() => {
        ticks--;
        time += 60;
      });
    if (actions.length === 0) break;
    actions[choose(actions.length)]!();
    await settled();
    if (decided[0]! > LIMIT || decided[1]! > LIMIT) break;
  }
  for (const { leased } of spenders) void leased.stop();
  return decided;
}

describe('never over', () => {
  test(
    'every order of two spenders, three calls each, two stops and the end of a window (depth first, to a bound)',
    { timeout: 600_000 },
    async () => {
      const bound = process.env['AMBIT_LONG'] === '1' ? 1_000_000 : 6000;
      let path: { chosen: number; of: number }[] = [];
      let runs = 0;
      for (; runs < bound; runs++) {
        let depth = 0;
        const decided = await run((of) => {
          if (depth === path.length) path.push({ chosen: 0, of });
          return path[depth++]!.chosen;
        });
        if (Math.max(...decided) > LIMIT)
          expect.fail(`${JSON.stringify(decided)} after ${JSON.stringify(path.map((p) => p.chosen))}`);
        while (path.length > 0 && path.at(-1)!.chosen + 1 >= path.at(-1)!.of) path.pop();
        if (path.length === 0) break;
        path = [...path.slice(0, -1), { ...path.at(-1)!, chosen: path.at(-1)!.chosen + 1 }];
      }
      expect(runs).toBeGreaterThan(1000);
    },
  );

  test('random orders', { timeout: 600_000 }, async () => {
    let granted = 0;
    for (let i = 0; i < (process.env['AMBIT_LONG'] === '1' ? 100_000 : 4000); i++) {
      const chosen: number[] = [];
      const decided = await run((of) => {
        chosen.push(Math.floor(Math.random() * of));
        return chosen.at(-1)!;
      });
      if (Math.max(...decided) > LIMIT)
        expect.fail(`${JSON.stringify(decided)} after ${JSON.stringify(chosen)}`);
      granted += decided[0]! + decided[1]!;
    }
    expect(granted).toBeGreaterThan(4000);
  });

  test('no slice is bought of a counter that ends before a slice would: what is left stays in the store', async () => {
    const spent = async (seconds: number): Promise<{ trips: number; left: number }> => {
      const store = memoryStore().budgets;
      const leased = leasedBudgets(store, { share: 1 / 8, skew: 2 });
      const dying = counter('dying', 1, 1000, { expires: NOW + seconds });
      for (let i = 0; i < 5; i++) expect((await leased.reserve(charges([dying]), NOW)).ok).toBe(true);
      const { trips } = leased;
      const left = (await store.left('', [counter('dying', 0, 1000, { expires: NOW + seconds })], NOW))[0]!;
      await leased.stop();
      return { trips, left };
    };
    // Twice the skew is four seconds: up to there every spend asks, and takes what it spends.
    for (const seconds of [1, 3, 4]) expect(await spent(seconds)).toEqual({ trips: 5, left: 995 });
    for (const seconds of [5, 60]) expect(await spent(seconds)).toEqual({ trips: 1, left: 875 });
  });

  test('a fleet of four on one budget: the sum is the limit, and stopping gives everything back', async () => {
    const store = memory();
    const fleet = Array.from({ length: 4 }, () => leasedBudgets(store, { share: 1 / 8 }));
    const spend = async (each: LeasedBudgets): Promise<boolean> =>
      (await each.reserve(charges([counter('hot', 1, 10_000)]), NOW)).ok;
    let granted = 0;
    for (let i = 0; i < 1000; i++) for (const each of fleet) if (await spend(each)) granted++;
    expect(granted).toBe(4000);
    expect((await store.left('', [counter('hot', 0, 10_000)], NOW))[0]).toBeLessThan(6000);
    await fleet[0]!.stop();
    await fleet[1]!.stop();
    // Two are left; what the others held is back, and is spent to the end, but for what the other still holds.
    for (;;) {
      const answers = [await spend(fleet[2]!), await spend(fleet[3]!)];
      granted += answers.filter(Boolean).length;
      if (!answers.includes(true)) break;
    }
    expect(granted).toBe(10_000);
    const trips = fleet.reduce((n, each) => n + each.trips, 0);
    console.log(`leases: 10,000 spends by four verifiers took ${trips} trips to the store`);
    expect(trips).toBeLessThan(400);
    for (const each of fleet) await each.stop();
  });
});

test('a slice ends with its window on the monotonic clock, counted from before the question, less the skew', async () => {
  let time = 0;
  const store = memory();
  const leased = leasedBudgets(store, { skew: 5, worth: 1, monotonic: () => time });
  const c = charges([counter('w', 1, 100, { window: 60, windowStart: START, expires: START + 60 })]);
  expect((await leased.reserve(c, START)).ok).toBe(true);
  expect(leased.trips).toBe(1);
  time = 54_999;
  expect((await leased.reserve(c, START)).ok).toBe(true);
  expect(leased.trips).toBe(1);
  // The wall clock stands still, the monotonic one does not: the slice is over, what it held is lost.
  time = 55_000;
  expect((await leased.reserve(c, START)).ok).toBe(true);
  expect(leased.trips).toBe(2);
  await leased.stop();
  expect((await store.left('', [counter('w', 0, 100, { window: 60, windowStart: START })], START))[0]).toBe(
    100 - 12 - 1,
  );
});

test('S1 (mutant) a counter that ends before a slice of it would be worth anything goes to the store', async () => {
  for (const [life, trips] of [
    [4, 3],
    [5, 1],
  ] as const) {
    const leased = leasedBudgets(memory(), { skew: 2 });
    const c = charges([counter('dying', 1, 1000, { expires: NOW + life })]);
    for (let i = 0; i < 3; i++) expect((await leased.reserve(c, NOW)).ok).toBe(true);
    expect([life, leased.trips]).toEqual([life, trips]);
    await leased.stop();
  }
});

test('a spender whose clock is behind holds no slice of the window that the others are in', async () => {
  const store = memory();
  const leased = leasedBudgets(store, { worth: 1 });
  const at = (windowStart: number): ReturnType<typeof charges> =>
    charges([counter('w', 1, 100, { window: 60, windowStart, expires: windowStart + 60 })]);
  await store.reserve(at(START + 60), START + 60);
  expect((await leased.reserve(at(START), START)).ok).toBe(true);
  // Both calls are charged to the later window, and nothing more.
  expect(await store.left('', at(START + 60).counters, START + 60)).toEqual([98]);
  await leased.stop();
});

test('claims go to the store, in one trip with the counters that have no slice; a refusal gives the slices their part back', async () => {
  const store = memory();
  const leased = leasedBudgets(store);
  const c = (nonce: string, small = 1): ReturnType<typeof charges> =>
    charges([counter('big', 1, 1000), counter('small', small, 3, { caveat: 1 })], {
      replay: proofClaim(nonce),
    });
  expect((await leased.reserve(c('a'), NOW)).ok).toBe(true);
  expect(await leased.reserve(c('a'), NOW)).toMatchObject({ ok: false, code: 'replayed' });
  expect(await leased.reserve(c('b', 3), NOW)).toMatchObject({
    ok: false,
    code: 'budget_exceeded',
    caveat: 1,
    left: 2,
  });
  expect(await leased.left('', c('x').counters, NOW)).toEqual([999, 2]);
  const answer = await leased.reserve(c('b'), NOW);
  if (!answer.ok) throw new Error(answer.code);
  expect(await leased.settle(answer.reservation, [2, 1])).toBe(false);
  expect(await leased.release(answer.reservation)).toBe(true);
  expect(await leased.release(answer.reservation)).toBe(false);
  expect(await leased.left('', c('x').counters, NOW)).toEqual([999, 2]);
  await leased.stop();
  expect(await store.left('', c('x').counters, NOW)).toEqual([999, 2]);
});

test('a sliding window is never in a slice: the store counts each call when it is made, in the step of all others', async () => {
  const store = memory();
  const fleet = [leasedBudgets(store), leasedBudgets(store)];
  const c = (at: number): ReturnType<typeof charges> =>
    charges([counter('total', 1, 10_000), rate('rate', 1, 200, 60, at, { caveat: 1 })]);
  const from = NOW - 600;
  let granted = 0;
  for (let i = 0; i < 150; i++)
    for (const each of fleet) if ((await each.reserve(c(from + (i % 60)), NOW)).ok) granted++;
  expect(granted).toBe(200);
  expect(await fleet[0]!.reserve(c(from + 59), NOW)).toMatchObject({ caveat: 1, left: 0, resets: from + 61 });
  const again = await fleet[1]!.reserve(c(from + 120), NOW);
  if (!again.ok) throw new Error(again.code);
  // The total comes from a slice, so each call is one trip, and a refund reaches both.
  expect(again.reservation.starts).toEqual([0, from + 120]);
  expect(fleet[1]!.trips).toBeLessThan(155);
  expect(await fleet[1]!.release(again.reservation)).toBe(true);
  expect(await store.left('', [rate('rate', 0, 200, 60, from + 120)], NOW)).toEqual([200]);
  for (const each of fleet) await each.stop();
  expect(await store.left('', [counter('total', 0, 10_000)], NOW)).toEqual([9800]);
});
