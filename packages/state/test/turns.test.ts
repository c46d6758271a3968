// When acceptances are given (`delivery.ts`), without a store: what a turn is, and how many are given in one.
import { describe, expect, test, vi } from 'vitest';
import { Delivery } from '../src/delivery.ts';

describe('acceptances', () => {
  test('of one turn follow each other when asking reads the list itself, each after the caller of the one before has run', async () => {
    const delivery = new Delivery(null);
    let given = 0;
    let told = 0;
    let looped = 0;
    const immediate = setImmediate(() => looped++);
    const each = async (): Promise<void> => {
      // As `admit` and `authorize` stand between the turn and the caller.
      await (async () => {
        await delivery.turn();
        expect(given++).toBe(told);
      })();
      told++;
    };
    await Promise.all(Array.from({ length: 80 }, each));
    expect([told, looped]).toEqual([80, 0]);
    clearImmediate(immediate);
  });

  test('of a pushed list are given after sockets were read and what was heard was read, for a bounded time', async () => {
    let resolve: () => void = () => undefined;
    let heard: Promise<void> | null = new Promise((done) => (resolve = done));
    let looks = 0;
    const delivery = new Delivery(() => (looks++, heard));
    let told = 0;
    const all = Promise.all(
      Array.from({ length: 8 }, async () => {
        await delivery.turn();
        told++;
        // Each caller works as long as a turn may last: one a turn.
        for (const end = performance.now() + 6; performance.now() < end;);
      }),
    );
    for (let i = 0; i < 20; i++) await new Promise((done) => setImmediate(done));
    expect([told, looks]).toEqual([0, 1]);
    heard = null;
    resolve();
    await all;
    expect([told, looks]).toEqual([8, 8]);
  });

  test('that are asked for when all before are given begin again, in the same turn of the loop or later', async () => {
    for (const delivery of [new Delivery(null), new Delivery(() => null)])
      for (let i = 0; i < 6; i++) {
        await expect(delivery.turn()).resolves.toBe(undefined);
        for (let gap = 0; gap < 4 && i % 2 === 1; gap++) await new Promise((done) => setImmediate(done));
      }
  });

  test('of a pushed list are given once, however short the turn', async () => {
    let time = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => time++);
    let looks = 0;
    const delivery = new Delivery(() => {
      if (++looks > 9) throw new Error('too often');
      return null;
    });
    const order: number[] = [];
    await Promise.all(Array.from({ length: 12 }, async (_, i) => (await delivery.turn(), order.push(i))));
    expect([looks, order]).toEqual([3, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]);
    vi.restoreAllMocks();
  });

  test('of a pushed list share a turn of the event loop while its time lasts: each that is given takes a step of it', async () => {
    let time = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => time);
    let looks = 0;
    const delivery = new Delivery(() => (looks++, null));
    const seen = (step: number): Promise<number[]> =>
      Promise.all(
        Array.from({ length: 10 }, async () => {
          await delivery.turn();
          time += step;
          return looks;
        }),
      );
    expect(await seen(0)).toEqual(Array<number>(10).fill(1));
    // After five milliseconds the loop reads its sockets again.
    looks = 0;
    expect(await seen(1)).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    looks = 0;
    expect(await seen(2)).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 4]);
    vi.restoreAllMocks();
  });

  test('of a pushed list come two turns of the event loop later, and what is read is not from the turn of the call', async () => {
    const log: string[] = [];
    const delivery = new Delivery(() => (log.push('looked'), null));
    const turn = delivery.turn().then(() => log.push('given'));
    for (const name of ['first', 'second']) {
      await new Promise((done) => setImmediate(done));
      log.push(name);
    }
    await turn;
    expect(log).toEqual(['first', 'looked', 'given', 'second']);
  });

  test('that are asked for while others are given come after those that wait', async () => {
    const delivery = new Delivery(null);
    const order: string[] = [];
    const one = async (name: string, then?: string): Promise<void> => {
      await delivery.turn();
      order.push(name);
      if (then !== undefined) await one(then);
    };
    await Promise.all([one('a', 'd'), one('b', 'e'), one('c')]);
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});
