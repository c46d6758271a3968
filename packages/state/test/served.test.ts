// Budgets over a server (`served.ts`), which is in this test's hands: what it is asked, and what is decided without it.
import { describe, expect, test } from 'vitest';
import type { Refused, Reservation } from '../src/index.ts';
import { servedBudgets, type ChargeServer } from '../src/served.ts';
import { Tally } from '../src/stats.ts';
import { charges, counter, id, NOW } from '../src/testing/make.ts';

const EPOCH = 'ab'.repeat(16);
const c = charges([counter('a', 5, 10), counter('b', 3, 10)]);
const reservation = (): Reservation => ({ charges: c, amounts: [5, 3], starts: [0, 0], left: [5, 7] });
const REFUSED: Refused = { ok: false, code: 'budget_exceeded', caveat: 1, left: 2 };

function world(more: Partial<ChargeServer> = {}) {
  const log: unknown[][] = [];
  const w = { log, epoch: EPOCH as string | null, down: false, tally: new Tally() };
  const away = new Error('away');
  const answer = async <T>(value: T, ...asked: unknown[]): Promise<T> => {
    log.push(asked);
    if (w.down) throw away;
    return value;
  };
  const server: ChargeServer = {
    get epoch() {
      return w.epoch;
    },
    reserve: (...asked) => answer({ ok: true, reservation: reservation() }, 'reserve', ...asked),
    refund: (_, back) => answer(undefined, 'refund', back),
    rows: (...asked) =>
      answer([{ start: 0, used: 4, expires: NOW + 9, steps: null }, undefined], 'rows', ...asked),
    adopt: () => answer('cd'.repeat(16), 'adopt'),
    era: () => 'era',
    faultOf: (error) => (error === away ? 'store_full' : 'store_corrupt'),
    ...more,
  };
  return { ...servedBudgets(server, w.tally), w, log, away };
}
const taken = async ({ budgets }: ReturnType<typeof world>): Promise<Reservation> => {
  const answer = await budgets.reserve(c, NOW);
  if (!answer.ok) throw new Error(answer.code);
  return answer.reservation;
};

describe('a charge', () => {
  test('is asked for with its share, none by default, and counted', async () => {
    const s = world();
    expect(await s.budgets.reserve(c, NOW)).toEqual({ ok: true, reservation: reservation() });
    await s.budgets.reserve(c, NOW, 0.5);
    expect(s.log).toEqual([
      ['reserve', c, 0],
      ['reserve', c, 0.5],
    ]);
    expect(s.w.tally.figures).toMatchObject({ granted: 2, refused: {} });
    const refusing = world({ reserve: async () => REFUSED });
    expect(await refusing.budgets.reserve(c, NOW)).toBe(REFUSED);
    expect(refusing.w.tally.figures).toMatchObject({
      granted: 0,
      refused: { budget_exceeded: 1 },
      fault: null,
    });
  });

  test('that is wrong does not reach the server', async () => {
    const s = world();
    expect(await s.budgets.reserve(charges([counter('a', -1, 10)]), NOW)).toMatchObject({
      code: 'budget_amount',
    });
    await expect(s.budgets.reserve(c, NOW * 1000)).rejects.toThrow(RangeError);
    expect(s.log).toEqual([]);
  });

  test('L9 whose server fails is denied with the code of the fault, which is noted with its cause', async () => {
    const s = world();
    s.w.down = true;
    expect(await s.budgets.reserve(c, NOW)).toEqual({ ok: false, code: 'store_full', caveat: -1 });
    expect(s.w.tally.figures).toMatchObject({
      granted: 0,
      refused: { store_full: 1 },
      fault: { code: 'store_full', cause: 'Error' },
      faults: { Error: 1 },
    });
  });

  test('L3 with a number of a session counts in the epoch of the server alone', async () => {
    const s = world();
    const numbered = (more: object = {}) =>
      s.budgets.reserve(
        charges([], { sequence: { session: id('s'), sequence: 0, expires: NOW + 9, epoch: EPOCH, ...more } }),
        NOW,
      );
    const replayed = { ok: false, code: 'replayed', caveat: -1 };
    expect(await numbered({ epoch: 'cd'.repeat(16) })).toEqual(replayed);
    expect(await numbered({ sequence: -1 })).toEqual(replayed);
    expect(await numbered({ sequence: 0.5 })).toEqual(replayed);
    expect(s.log).toEqual([]);
    expect(await numbered()).toMatchObject({ ok: true });
    s.w.epoch = null;
    expect(await numbered()).toEqual(replayed);
    expect(s.log.length).toBe(1);
  });
});

describe('a refund', () => {
  test('is asked for once, of what was not used', async () => {
    const s = world();
    const first = await taken(s);
    s.log.length = 0;
    for (const wrong of [[5], [6, 3], [5, -1], [0.5, 3]])
      expect(await s.budgets.settle(first, wrong)).toBe(false);
    expect(s.log).toEqual([]);
    expect(await s.budgets.settle(first, [1, 3])).toBe(true);
    expect(s.log).toEqual([['refund', [4, 0]]]);
    expect(await s.budgets.settle(first, [1, 3])).toBe(false);
    expect(await s.budgets.release(first)).toBe(false);
    const second = await taken(s);
    s.log.length = 0;
    expect(await s.budgets.release(second)).toBe(true);
    expect(s.log).toEqual([['refund', [5, 3]]]);
  });

  test('of nothing needs no trip, and is the last of it too', async () => {
    const s = world();
    const first = await taken(s);
    s.log.length = 0;
    expect(await s.budgets.settle(first, [5, 3])).toBe(true);
    expect(await s.budgets.release(first)).toBe(false);
    expect(s.log).toEqual([]);
  });

  test('that the server did not answer is never tried again', async () => {
    const s = world();
    const first = await taken(s);
    s.w.down = true;
    expect(await s.budgets.release(first)).toBe(false);
    s.w.down = false;
    s.log.length = 0;
    expect(await s.budgets.release(first)).toBe(false);
    expect(s.log).toEqual([]);
  });

  test("of another store's, or of another epoch, is none", async () => {
    const s = world();
    expect(await s.budgets.release(reservation())).toBe(false);
    const first = await taken(s);
    s.w.epoch = 'cd'.repeat(16);
    s.log.length = 0;
    expect(await s.budgets.release(first)).toBe(false);
    s.w.epoch = EPOCH;
    expect(await s.budgets.release(first)).toBe(false);
    expect(s.log).toEqual([]);
  });

  test('belongs to the epoch in which the charge was asked for, not to that of its answer', async () => {
    const s = world({
      reserve: async () => {
        s.w.epoch = 'cd'.repeat(16);
        return { ok: true, reservation: reservation() };
      },
    });
    expect(await s.budgets.release(await taken(s))).toBe(false);
    expect(s.log).toEqual([]);
  });
});

test('what is left is of one look at the rows, in their order', async () => {
  const s = world();
  const keys = [counter('a', 0, 10), counter('b', 0, 7)];
  expect(await s.budgets.left('place', keys, NOW)).toEqual([6, 7]);
  expect(s.log).toEqual([['rows', 'place', [id('a'), id('b')]]]);
  await expect(s.budgets.left('place', keys, NOW * 1000)).rejects.toThrow(RangeError);
  s.w.down = true;
  await expect(s.budgets.left('place', keys, NOW)).rejects.toMatchObject({
    code: 'store_full',
    cause: s.away,
  });
});

test("the era is the server's, and an epoch is taken from it", async () => {
  const s = world();
  expect(s.budgets.era()).toBe('era');
  expect(await s.replay.epoch()).toBe('cd'.repeat(16));
  s.w.down = true;
  await expect(s.replay.epoch()).rejects.toMatchObject({ code: 'store_full', cause: s.away });
});
