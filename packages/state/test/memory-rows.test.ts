// The rows of the memory back end, row by row: what is counted, taken back and dropped, and what the store says of it.
import type { CounterRow } from '../src/apply.ts';
import { describe, expect, test } from 'vitest';
import { GRACE } from '../src/budgets.ts';
import { memoryStore } from '../src/index.ts';
import { MemoryRows } from '../src/memory/rows.ts';
import { NOW, charges, claim, counter, id, numbered, proofClaim } from '../src/testing/make.ts';

const ERA = 'ab'.repeat(16);
const row = (expires: number): CounterRow => ({ start: 0, used: 1, expires, steps: null });
const number = (
  session: string,
  sequence: number,
  expires: number,
): Parameters<MemoryRows['advance']>[0] => ({
  ...{ session, sequence, expires },
  epoch: ERA,
});
/** At the beginning of a bucket. */
const T = NOW - (NOW % 16);
const GONE = T - GRACE;

describe('rows', () => {
  test('count once, however often they are written', () => {
    const rows = new MemoryRows(10, ERA);
    for (let i = 0; i < 3; i++) rows.putCounter('c', row(T), 'root');
    for (let i = 0; i < 3; i++) expect(rows.claim('o', T, 'root')).toBe(i === 0);
    for (let i = 0; i < 3; i++) expect(rows.advance(number('s', i, T))).toBe(true);
    expect([rows.size, rows.rowsOf('root'), rows.rowsOf('other')]).toEqual([3, 2, 0]);
    expect([rows.rowsPerToken, rows.era, rows.began]).toEqual([10, ERA, 0]);
  });

  test('are taken back the latest first, and only then', () => {
    const rows = new MemoryRows(10, ERA);
    rows.claim('a', T, 'root');
    rows.claim('b', T, null);
    for (const [name, expires] of [
      ['a', T],
      ['a', T + 1000],
    ] as const)
      expect(() => rows.unclaim(name, expires)).toThrow('only the latest claim can be taken back');
    const fresh = new MemoryRows(10, ERA);
    fresh.claim('a', T, 'root');
    fresh.takeNonce('b', T + 5);
    fresh.dropNonce('b', T + 5);
    expect([fresh.size, fresh.takeNonce('b', T + 5), fresh.claim('a', T, 'root')]).toEqual([1, true, false]);
    fresh.dropNonce('b', T + 5);
    fresh.unclaim('a', T);
    expect([fresh.size, fresh.rowsOf('root'), fresh.claim('a', T, null)]).toEqual([0, 0, true]);
  });

  test('of every kind are dropped when they have ended, a bucket at a time, and only they', () => {
    const rows = new MemoryRows(10, ERA);
    rows.sweep(T - 100, T - 100);
    // In the last bucket that ends by then, and in the one after it.
    for (const [name, expires] of [
      ['old', T - 1],
      ['new', T],
    ] as const) {
      rows.putCounter(name, row(expires), 'root');
      rows.claim(name, expires, 'root');
      rows.advance(number(name, 0, expires));
      rows.sessions.set(name, { session: null as never, number: 1 });
      rows.added({ kind: 'session', id: name, root: null }, expires);
    }
    const names = (): string[][] =>
      [rows.counters, rows.claims, rows.windows, rows.sessions].map((kind) => [...kind.keys()]);
    expect([rows.size, rows.rowsOf('root')]).toEqual([8, 4]);
    rows.sweep(T + GRACE, T + GRACE);
    expect(names()).toEqual([['new'], ['new'], ['new'], ['new']]);
    expect([rows.size, rows.rowsOf('root')]).toEqual([4, 2]);
    rows.sweep(T + 200, T + 200);
    expect(names()).toEqual([[], [], [], []]);
    expect([rows.size, rows.rowsOf('root')]).toEqual([0, 0]);
  });

  test('that were put off are dropped at their new end, to the second', () => {
    const rows = new MemoryRows(10, ERA);
    const ends = T + 160;
    for (const [name, expires] of [
      ['at it', ends],
      ['after it', ends + 1],
    ] as const) {
      rows.putCounter(name, row(T), 'root');
      rows.putCounter(name, row(expires), 'root');
      rows.advance(number(name, 0, T));
      rows.advance(number(name, 1, expires));
      // An end is not put forward.
      rows.advance(number(name, 2, T));
    }
    rows.sweep(ends + GRACE, ends + GRACE);
    expect([[...rows.counters.keys()], [...rows.windows.keys()]]).toEqual([['after it'], ['after it']]);
    expect([rows.size, rows.rowsOf('root')]).toEqual([2, 1]);
    expect(rows.advance(number('after it', 2, T))).toBe(false);
    rows.sweep(ends + GRACE + 32, ends + GRACE + 32);
    expect([rows.size, rows.rowsOf('root')]).toEqual([0, 0]);
  });

  test('are looked at once in a bucket of time, by the earlier of both clocks', () => {
    const rows = new MemoryRows(10, ERA);
    const sweep = (given: number, own: number): readonly number[] => {
      rows.sweep(given, own);
      return [rows.now, rows.sweptTo];
    };
    expect(sweep(T, T + 5)).toEqual([T + 5, GONE]);
    expect(sweep(T + 15, T + 20)).toEqual([T + 20, GONE]);
    expect(sweep(T + 50, T + 15)).toEqual([T + 15, GONE]);
    expect(sweep(T + 16, T + 20)).toEqual([T + 20, GONE + 16]);
    expect(() => rows.sweep(T, T - 200)).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
  });
});

describe('the store', () => {
  test('W1 a clock that went back by more than clocks differ is store_corrupt; one that fails is no refusal', async () => {
    let clock = (): number => NOW + 1000;
    const store = memoryStore({ nowSeconds: () => clock() });
    const c = charges([counter('c', 1, 5)]);
    expect((await store.budgets.reserve(c, NOW + 1000)).ok).toBe(true);
    clock = () => NOW;
    expect(await store.budgets.reserve(c, NOW)).toEqual({ ok: false, code: 'store_corrupt', caveat: -1 });
    clock = () => {
      throw new SyntaxError('no clock');
    };
    await expect(store.budgets.reserve(c, NOW)).rejects.toThrow(SyntaxError);
  });

  test('S8 is full when a call might not have room for all its rows', async () => {
    const store = memoryStore({ rows: 33, nowSeconds: () => NOW });
    const take = (name: string): Promise<unknown> =>
      store.budgets.reserve(charges([], { once: [claim(name)] }), NOW);
    for (const name of ['a', 'b']) expect(await take(name)).toMatchObject({ ok: true });
    expect(await take('c')).toEqual({ ok: false, code: 'store_full', caveat: -1 });
    const open = (name: string): Promise<unknown> =>
      store.sessions.open({ issuer: 'acme', id: name, operator: 'o', expires: NOW + 10 }, NOW);
    for (let i = 2; i < 33; i++) await open(`s${i}`);
    await expect(open('one more')).rejects.toMatchObject({ code: 'store_full' });
  });

  test('forgets a session that ended long ago, and not before', async () => {
    let now = NOW;
    const store = memoryStore({ nowSeconds: () => now });
    await store.sessions.open({ issuer: 'acme', id: 's', operator: 'o', expires: NOW + 16 }, NOW);
    const kept = async (): Promise<boolean> => {
      await store.budgets.reserve(charges([]), now);
      return (await store.sessions.get('acme', 's')) !== null;
    };
    now = NOW + 16 + GRACE;
    expect(await kept()).toBe(true);
    now += 16;
    expect(await kept()).toBe(false);
  });

  test('names its life, and counts what it keeps', async () => {
    const store = memoryStore({ unsafeEpoch: ERA, nowSeconds: () => NOW });
    expect([store.budgets.era(), await store.replay.epoch()]).toEqual([ERA, ERA]);
    const another = memoryStore();
    expect(another.budgets.era()).toMatch(/^[0-9a-f]{32}$/);
    expect(another.budgets.era()).toBe(await another.replay.epoch());
    const sequence = await numbered(store, 's', 0);
    const more = { once: [claim('o')], replay: proofClaim('n'), sequence };
    expect((await store.budgets.reserve(charges([counter('c', 1, 5)], more), NOW)).ok).toBe(true);
    await store.sessions.open({ issuer: 'acme', id: 's', operator: 'o', expires: NOW + 10 }, NOW);
    await store.revocations.add({ kind: 'holder', value: id('h'), reason: '' }, NOW);
    expect(await store.stats()).toMatchObject({
      backend: 'memory',
      rows: { counters: 1, claims: 2, windows: 1, sessions: 1, revocations: 1 },
      ...{ revocationsAge: null, pushesMissed: 0, bytes: null, logBytes: null },
    });
    await store.close();
  });

  test('finding S15 looks for entries that have ended when 256 more were added, or as many as are alive', async () => {
    let now = NOW;
    const store = memoryStore({ nowSeconds: () => now });
    const { revocations } = store;
    const held = async (): Promise<number> => (await store.stats()).rows['revocations']!;
    const add = async (n: number, more: { expires?: number } = {}): Promise<void> => {
      for (let i = 0; i < n; i++)
        await revocations.add(
          { kind: 'user', issuer: 'acme', value: `u${now} ${i}`, reason: '', ...more },
          now,
        );
    };
    await add(100, { expires: NOW + 16 });
    await add(156, { expires: NOW + 17 });
    now = NOW + 16 + GRACE;
    expect(await held()).toBe(256);
    await add(1);
    // Those that ended just when rows may be gone are gone.
    expect(await held()).toBe(157);
    await add(99);
    expect(await held()).toBe(256);
    now = NOW + 1000;
    await add(56);
    expect(await held()).toBe(312);
    now = NOW + 2000;
    await add(3);
    expect((await revocations.since(0)).entries.length).toBe(await held());
    // 156 were alive at the first look, so the next was at 312.
    expect(await held()).toBe(159);
    const subject = { issuer: 'acme', token: 't', key: 'k', nodes: [], holders: [] };
    expect(revocations.isRevoked({ ...subject, user: `u${NOW} 120` })).toEqual({ ok: true });
    expect(revocations.isRevoked({ ...subject, user: `u${now} 0` })).toMatchObject({ code: 'revoked' });
  });
});
