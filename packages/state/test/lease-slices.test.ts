// Slices of leases one by one, over a store in this test's hands: what is asked of it, what is spent, given back, lost.
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  leasedBudgets,
  memoryStore,
  type Budgets,
  type LeaseOptions,
  type Reservation,
} from '../src/index.ts';
import { Slices, sliceKey, type Slice } from '../src/lease/slices.ts';
import { charges, claim, counter, NOW, proofClaim, rate } from '../src/testing/make.ts';

afterEach(() => vi.useRealTimers());
const START = NOW - (NOW % 60);
const hot = counter('hot', 1, 1000);
const given = (amount: number, left = 100): Reservation => ({
  charges: charges([hot]),
  amounts: [amount],
  starts: [0],
  left: [left],
});

describe('slices', () => {
  function world() {
    const settled: (readonly [Reservation, readonly number[]])[] = [];
    const w = { time: 0, era: 'e1' as string | null, settled, slices: null as unknown as Slices };
    const store = {
      era: () => w.era,
      settle: async (r: Reservation, amounts: readonly number[]) => (settled.push([r, amounts]), true),
    } as unknown as Budgets;
    w.slices = new Slices(store, () => w.time);
    return w;
  }

  test('belong to a counter, a window and a limit', () => {
    const { slices } = world();
    slices.add(hot, given(5), 'e1', 100, 0);
    expect(slices.of(hot)).toMatchObject({ room: 5, beyond: 100, used: 0, end: 100 });
    expect(slices.of({ ...hot, limit: 999 })).toBe(undefined);
    expect(slices.of({ ...hot, windowStart: 60 })).toBe(undefined);
    expect(slices.of(counter('other', 1, 1000))).toBe(undefined);
    expect(sliceKey(hot)).toBe(`${hot.id} 0 1000`);
    expect(slices.size).toBe(1);
  });

  test('end at their end, for good', () => {
    const w = world();
    w.slices.add(hot, given(5), 'e1', 100, 0);
    w.time = 99;
    expect(w.slices.of(hot)?.room).toBe(5);
    w.time = 100;
    expect(w.slices.of(hot)).toBe(undefined);
    w.time = 99;
    expect([w.slices.of(hot), w.slices.size]).toEqual([undefined, 0]);
  });

  test('finding S4 are not spent from while their era is not known, and lost with it', () => {
    const w = world();
    w.slices.add(hot, given(5), 'e1', 100, 0);
    w.era = null;
    expect([w.slices.of(hot), w.slices.size]).toEqual([undefined, 1]);
    w.era = 'e1';
    expect(w.slices.of(hot)?.room).toBe(5);
    w.era = 'e2';
    expect([w.slices.of(hot), w.slices.size]).toEqual([undefined, 0]);
    w.era = 'e1';
    expect(w.slices.of(hot)).toBe(undefined);
    // Over while the era is not known: lost too.
    w.slices.add(hot, given(5), 'e1', 100, 0);
    w.era = null;
    w.time = 100;
    expect([w.slices.of(hot), w.slices.size]).toEqual([undefined, 0]);
  });

  test('grow by what the store gives on top, up to the end of the first', () => {
    const { slices } = world();
    const [a, b] = [given(5, 100), given(3, 50)];
    slices.add(hot, a, 'e1', 100, 0);
    const slice = slices.of(hot)!;
    slices.add(hot, b, 'e1', 200, 9);
    expect(slices.of(hot)).toBe(slice);
    expect(slice).toEqual({ room: 8, beyond: 50, end: 100, era: 'e1', counter: hot, from: [a, b], used: 0 });
  });

  test('are taken from all together or not at all', () => {
    const w = world();
    const [two, none] = [counter('two', 2, 1000), counter('none', 1, 1000)];
    w.slices.add(hot, given(1), 'e1', 100, 0);
    w.slices.add(two, given(2), 'e1', 100, 0);
    expect(w.slices.take([hot, none, two])).toEqual({ lacking: [none] });
    expect([w.slices.of(hot)?.room, w.slices.of(hot)?.used]).toEqual([1, 0]);
    w.time = 7;
    const got = w.slices.take([two, hot]) as { taken: Slice[] };
    expect(got.taken).toEqual([w.slices.of(two), w.slices.of(hot)]);
    expect(got.taken.map(({ room, used }) => [room, used])).toEqual([
      [0, 7],
      [0, 7],
    ]);
    expect(w.slices.take([hot])).toEqual({ lacking: [hot] });
    w.slices.add(two, given(1), 'e1', 100, 0);
    expect(w.slices.take([two])).toEqual({ lacking: [two] });
  });

  test('are given back once, each part to the reservation that it came from', async () => {
    const w = world();
    const parts = [given(3), given(4), given(2)];
    for (const part of parts) w.slices.add(hot, part, 'e1', 100, 0);
    const slice = w.slices.of(hot)!;
    slice.room = 5;
    const giving = w.slices.giveBack(slice);
    // Out of reach at once.
    expect([w.slices.of(hot), w.slices.size]).toEqual([undefined, 0]);
    expect(await giving).toBe(2);
    expect(w.settled).toEqual([
      [parts[0], [0]],
      [parts[1], [2]],
      [parts[2], [2]],
    ]);
    expect(await w.slices.giveBack(slice)).toBe(0);
    expect([w.settled.length, slice.from]).toEqual([3, []]);
  });

  test('that are over, or of an era that is over, are not given back', async () => {
    for (const end of [(w: ReturnType<typeof world>) => (w.time = 100), (w) => (w.era = 'e2')] as ((
      w: ReturnType<typeof world>,
    ) => unknown)[]) {
      const w = world();
      w.slices.add(hot, given(5), 'e1', 100, 0);
      const slice = w.slices.of(hot)!;
      end(w);
      expect([w.slices.holds(slice), await w.slices.giveBack(slice)]).toEqual([false, 0]);
      expect(w.settled).toEqual([]);
    }
  });

  test('are idle when nobody has spent from them for so long', () => {
    const w = world();
    w.slices.add(hot, given(5), 'e1', 1000, 0);
    w.slices.add(counter('b', 1, 1000), given(5), 'e1', 1000, 10);
    const names = (idle: number): string[] => w.slices.unused(idle).map(({ counter: { id } }) => id);
    w.time = 49;
    expect(names(50)).toEqual([]);
    w.time = 50;
    expect(names(50)).toEqual([hot.id]);
    w.time = 60;
    expect(names(50).length).toBe(2);
    expect(names(0).length).toBe(2);
  });
});

/** Leases over a memory store whose requests are noted; `at` is the monotonic clock, `more` changes the store. */
function world(options: LeaseOptions = {}, more: Partial<Budgets> = {}) {
  const { budgets } = memoryStore({ nowSeconds: () => NOW });
  const w = {
    at: 0,
    era: undefined as string | null | undefined,
    asked: [] as (readonly unknown[])[],
    budgets,
    leased: null as unknown as ReturnType<typeof leasedBudgets>,
    left: async (c = hot) => (await budgets.left('', [{ ...c }], NOW))[0]!,
  };
  const store: Budgets = {
    ...budgets,
    reserve: (...args) => (w.asked.push(args), budgets.reserve(...args)),
    settle: (...args) => (w.asked.push(['settle', ...args.slice(1)]), budgets.settle(...args)),
    era: () => (w.era === undefined ? budgets.era() : w.era),
    ...more,
  };
  w.leased = leasedBudgets(store, { monotonic: () => w.at, ...options });
  return w;
}
const taken = async (
  { leased }: ReturnType<typeof world>,
  what = charges([hot]),
  now = NOW,
): Promise<Reservation> => {
  const answer = await leased.reserve(what, now);
  if (!answer.ok) throw new Error(answer.code);
  return answer.reservation;
};

describe('leases', () => {
  test('take a part above 0 and up to 1', () => {
    for (const share of [0, -1, 1.01, Number.NaN])
      expect(() => leasedBudgets(memoryStore().budgets, { share })).toThrow(RangeError);
    for (const share of [0.001, 1])
      expect(leasedBudgets(memoryStore().budgets, { share })).toMatchObject({ trips: 0, local: 0 });
  });

  test('ask once for a slice of one counter, an eighth of what is left, and then for nothing', async () => {
    const w = world();
    const reservation = await taken(w, charges([hot], { once: [claim('o')], replay: proofClaim('p') }));
    expect(w.asked.length).toBe(2);
    const [alone, now, share] = w.asked[0] as Parameters<Budgets['reserve']>;
    expect(alone).toEqual({ ...charges([hot]), once: [], replay: null, sequence: null });
    expect([now, share]).toEqual([NOW, 1 / 8]);
    // Claims go to the store with no counter.
    expect(w.asked[1]![0]).toMatchObject({ counters: [], once: [{ id: claim('o').id }] });
    expect(reservation).toMatchObject({ amounts: [1], starts: [0], left: [999] });
    expect(Object.isFrozen(reservation)).toBe(true);
    expect([w.leased.trips, w.leased.local]).toEqual([2, 0]);
    for (let i = 0; i < 124; i++) await taken(w);
    expect([w.leased.trips, w.leased.local, await w.left()]).toEqual([2, 124, 875]);
    await taken(w);
    expect([w.leased.trips, w.leased.local]).toEqual([3, 125]);
    await w.leased.stop();
  });

  test('hold a slice that is good for eight calls, by default, and none that is good for less', async () => {
    for (const [limit, amount, options, trips] of [
      [64, 1, {}, 1],
      [63, 1, {}, 3],
      [640, 10, {}, 1],
      [639, 10, {}, 3],
      [63, 1, { worth: 7 }, 1],
      [63, 1, { share: 1 / 4 }, 1],
    ] as const) {
      const w = world(options);
      const c = charges([counter('c', amount, limit)]);
      for (let i = 0; i < 3; i++) await taken(w, c);
      expect([limit, amount, w.leased.trips]).toEqual([limit, amount, trips]);
      await w.leased.stop();
    }
  });

  test('hold so many slices and no more; of those they hold they go on spending', async () => {
    const w = world({ slices: 1 });
    const cold = charges([counter('cold', 1, 1000)]);
    for (let i = 0; i < 3; i++) await taken(w);
    for (let i = 0; i < 3; i++) await taken(w, cold);
    for (let i = 0; i < 3; i++) await taken(w);
    expect([w.leased.trips, w.leased.local]).toEqual([4, 6]);
    await w.leased.stop();
  });

  test('send to the store as it is what is asked for a share, and refuse what is wrong without a trip', async () => {
    const w = world();
    expect(await w.leased.reserve(charges([hot]), NOW, 0.5)).toMatchObject({
      ok: true,
      reservation: { amounts: [500] },
    });
    expect(w.asked).toEqual([[charges([hot]), NOW, 0.5]]);
    expect(await w.leased.reserve(charges([counter('c', -1, 5)]), NOW)).toMatchObject({
      code: 'budget_amount',
    });
    await expect(w.leased.reserve(charges([hot]), NOW * 1000)).rejects.toThrow(RangeError);
    expect(w.leased.trips).toBe(1);
    await w.leased.stop();
  });

  test('ask once for all who wait for the same slice', async () => {
    const w = world();
    await Promise.all(Array.from({ length: 10 }, () => taken(w)));
    expect([w.leased.trips, w.leased.local, await w.left()]).toEqual([1, 10, 875]);
    await w.leased.stop();
  });

  test('give the caveat of the caller whose slice was refused, not that of who asked first', async () => {
    const w = world({ worth: 0 });
    await w.budgets.reserve(charges([counter('c', 10, 10)]), NOW);
    const answers = await Promise.all(
      [3, 4].map((caveat) => w.leased.reserve(charges([counter('c', 1, 10, { caveat })]), NOW)),
    );
    expect(answers).toMatchObject([
      { code: 'budget_exceeded', caveat: 3, left: 0 },
      { code: 'budget_exceeded', caveat: 4, left: 0 },
    ]);
    expect(w.leased.trips).toBe(1);
    await w.leased.stop();
  });

  test('after four slices that did not suffice ask for the call as it is', async () => {
    let gave = 0;
    const w = world(
      {},
      {
        reserve: async (c, _now, share = 0) => {
          if (share > 0) gave++;
          const amount = share > 0 ? 0 : c.counters[0]!.amount;
          return { ok: true, reservation: { charges: c, amounts: [amount], starts: [0], left: [7] } };
        },
      },
    );
    expect(await taken(w)).toMatchObject({ amounts: [1], left: [7] });
    expect([gave, w.leased.trips]).toEqual([4, 5]);
    await w.leased.stop();
  });

  test('hold nothing of an era that is not known, or is over when the answer comes', async () => {
    for (const eras of [[null], ['e1', 'e2']]) {
      const w = world();
      const ask = w.budgets.era();
      expect(ask).not.toBe(null);
      w.era = eras[0]!;
      const asking = w.leased.reserve(charges([hot]), NOW);
      w.era = eras.at(-1)!;
      expect((await asking).ok).toBe(true);
      await w.leased.stop();
      // What the first slice took is back.
      expect(w.asked).toContainEqual(['settle', [0]]);
      expect(await w.left()).toBeGreaterThanOrEqual(1000 - 125);
    }
    const w = world();
    w.era = null;
    for (let i = 0; i < 2; i++) await taken(w);
    // Each tries four slices, and gives each back.
    expect([w.leased.trips, await w.left()]).toEqual([10, 998]);
    await w.leased.stop();
  });

  test('give everything back when they stop, also a slice that was on its way, and ask for each call from then on', async () => {
    let answer = (): void => undefined;
    let held: Promise<void> | null = null;
    const w = world();
    const v = world(
      {},
      {
        reserve: async (...args) => {
          if (held !== null) await held;
          v.asked.push(args);
          return w.budgets.reserve(...args);
        },
        settle: (...args) => w.budgets.settle(...args),
        era: () => 'e',
      },
    );
    const b = counter('b', 1, 1000);
    await taken(v);
    held = new Promise((resolve) => (answer = resolve));
    const asking = taken(v, charges([b]));
    let stopped = false;
    const stopping = v.leased.stop().then(() => (stopped = true));
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect([stopped, v.asked.length]).toEqual([false, 1]);
    held = null;
    answer();
    await stopping;
    await asking;
    expect([await w.left(), await w.left(b)]).toEqual([999, 999]);
    // The slice, what was on its way, the call itself; and one to give back.
    expect([v.asked.length, v.leased.trips]).toEqual([3, 4]);
    await taken(v);
    await taken(v);
    expect([v.leased.trips, v.leased.local, await w.left()]).toEqual([6, 1, 997]);
  });

  test('give an idle slice back, at the clock that does not jump', async () => {
    // The timers of whoever runs this test are real ones.
    await Promise.resolve();
    vi.useFakeTimers();
    const w = world({ idle: 1000 });
    await taken(w);
    w.at = 999;
    await vi.advanceTimersByTimeAsync(500);
    expect(await w.left()).toBe(875);
    w.at = 1000;
    await vi.advanceTimersByTimeAsync(499);
    expect(await w.left()).toBe(875);
    await vi.advanceTimersByTimeAsync(1);
    expect([await w.left(), w.leased.trips]).toEqual([999, 2]);
    await w.leased.stop();
    expect(vi.getTimerCount()).toBe(0);
    // Not looked at more often than ten times a second.
    const quick = world({ idle: 10 });
    await taken(quick);
    quick.at = 10;
    await vi.advanceTimersByTimeAsync(99);
    expect(await quick.left()).toBe(875);
    await vi.advanceTimersByTimeAsync(1);
    expect(await quick.left()).toBe(999);
    await quick.leased.stop();
    const slow = world();
    await taken(slow);
    slow.at = 9999;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await slow.left()).toBe(875);
    slow.at = 10_000;
    await vi.advanceTimersByTimeAsync(5000);
    expect(await slow.left()).toBe(999);
    await slow.leased.stop();
    vi.useRealTimers();
  });

  test('settle a call into the slice and the store, each its part, once', async () => {
    const w = world();
    const sliding = rate('s', 4, 100, 60, START, { caveat: 1 });
    const cold = counter('cold', 3, 10, { caveat: 2 });
    const both = await taken(w, charges([{ ...hot, amount: 10 }, sliding, cold]));
    expect(both).toMatchObject({ amounts: [10, 4, 3], starts: [0, START, 0], left: [990, 96, 7] });
    const slices = await w.leased.left('', [hot, cold], NOW);
    expect(slices).toEqual([990, 7]);
    for (const wrong of [
      [1, 2],
      [11, 4, 3],
      [10, 4, 3.5],
      [10, -1, 3],
    ])
      expect(await w.leased.settle(both, wrong)).toBe(false);
    expect(await w.leased.settle(both, [2, 1, 3])).toBe(true);
    expect(await w.leased.left('', [hot, sliding, cold], NOW)).toEqual([998, 99, 7]);
    expect(await w.leased.settle(both, [2, 1, 3])).toBe(false);
    expect(await w.leased.release(both)).toBe(false);
    // One that the store alone has charged is the store's to settle.
    const alone = await taken(w, charges([cold]));
    expect(await w.leased.settle(alone, [1])).toBe(true);
    expect(await w.left(cold)).toBe(6);
    // One that came from slices alone needs no trip.
    const local = await taken(w);
    const { length } = w.asked;
    expect([await w.leased.release(local), w.asked.length]).toEqual([true, length]);
    await w.leased.stop();
    expect(await w.left()).toBe(998);
  });

  test('what claims alone were asked for is settled without the store', async () => {
    const w = world();
    const got = await taken(w, charges([hot], { replay: proofClaim('p') }));
    const { length } = w.asked;
    expect([await w.leased.release(got), w.asked.length]).toEqual([true, length]);
    expect(await w.leased.left('', [hot], NOW)).toEqual([1000]);
    await w.leased.stop();
  });

  test('a refund into a slice that was given back or is over stays spent', async () => {
    const w = world();
    const got = await taken(w);
    await w.leased.stop();
    expect([await w.leased.release(got), await w.left()]).toEqual([true, 999]);
    const v = world({ skew: 0 });
    const c = counter('w', 1, 1000, { window: 60, windowStart: START, expires: START + 60 });
    const early = await taken(v, charges([c]), START);
    v.at = 60_000;
    expect(await v.leased.release(early)).toBe(true);
    v.at = 59_999;
    expect(await v.left(c)).toBe(875);
    expect((await v.leased.left('', [c], START))[0]).toBe(875);
    await v.leased.stop();
  });

  test('a refusal of the store gives the slices their part back, of the amount that was taken', async () => {
    const w = world();
    const cold = counter('cold', 1, 1, { caveat: 2 });
    const five = { ...hot, amount: 5 };
    await taken(w, charges([five, cold]));
    expect(await w.leased.left('', [hot], NOW)).toEqual([995]);
    expect(await w.leased.reserve(charges([five, cold]), NOW)).toMatchObject({
      code: 'budget_exceeded',
      caveat: 2,
    });
    expect([await w.leased.left('', [hot], NOW), w.leased.local]).toEqual([[995], 0]);
    await w.leased.stop();
    expect(await w.left()).toBe(995);
  });

  test('the end of a slice is counted from before the store was asked, two seconds before its window', async () => {
    let w: ReturnType<typeof world>;
    const c = charges([counter('w', 1, 1000, { window: 60, windowStart: START, expires: START + 60 })]);
    for (const [at, trips] of [
      [58_099, 1],
      [58_100, 2],
    ] as const) {
      const { budgets } = memoryStore({ nowSeconds: () => START });
      w = world(
        {},
        {
          ...budgets,
          // The answer takes a second.
          reserve: async (...args) => {
            const answer = await budgets.reserve(...args);
            w.at += 1000;
            return answer;
          },
        },
      );
      w.at = 100;
      await taken(w, c, START);
      w.at = at;
      await taken(w, c, START);
      expect([at, w.leased.trips]).toEqual([at, trips]);
      await w.leased.stop();
    }
  });

  test("the era is the store's", async () => {
    const w = world();
    expect(w.leased.era()).toBe(w.budgets.era());
    w.era = 'another';
    expect(w.leased.era()).toBe('another');
    await w.leased.stop();
  });
});
