// Sliding windows: never over in any window, room again when all of a step is a window ago. Rules that every back end
// keeps. The times of most tests lie further back than the store's clock is believed (`../sliding.ts`), so that a
// server's clock has no say in them.
import { spanOf, stepOf } from '@ambit/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Refused, Reserved } from '../budgets.ts';
import { NOW, charges, counter, fresh, id, rate, proofClaim } from './make.ts';
import type { Answer, World } from './world.ts';

/** The beginning of an hour, long enough ago. */
const then = (): number => NOW - (NOW % 3600) - 7200;

export function slidingRules(w: World): void {
  borderRules(w);
  clockRules(w);
  treeRules(w);
  ledgerRules(w);
}

function borderRules(w: World): void {
  const spend = (name: string, at: number, amount = 1): Answer =>
    w.store.budgets.reserve(charges([rate(name, amount, 10, 60, at)]), at);

  test('ten a minute, asked for in a burst at the border of the minute: 20 with a fixed window, 10 with a sliding one', async () => {
    const border = then() + 60;
    const fixed = (at: number): Answer => {
      const windowStart = at - (at % 60);
      return w.store.budgets.reserve(charges([counter('fixed', 1, 10, { window: 60, windowStart })]), at);
    };
    const granted = { fixed: 0, sliding: 0 };
    for (const at of [border - 1, border])
      for (let i = 0; i < 15; i++) {
        if ((await fixed(at)).ok) granted.fixed++;
        if ((await spend('sliding', at)).ok) granted.sliding++;
      }
    expect(granted).toEqual({ fixed: 20, sliding: 10 });
  });

  test('what was charged in a step counts until all of the step is a window ago, and a refusal says when', async () => {
    const t = then();
    expect((await spend('resets', t, 4)).ok).toBe(true);
    expect((await spend('resets', t + 30, 5)).ok).toBe(true);
    const refused = { ok: false, code: 'budget_exceeded', caveat: -1, left: 1 } as const;
    expect(await spend('resets', t + 59, 2)).toEqual({ ...refused, resets: t + 61 });
    expect(await spend('resets', t + 60, 5)).toEqual({ ...refused, resets: t + 61 });
    expect(await spend('resets', t + 60, 6)).toEqual({ ...refused, resets: t + 91 });
    expect((await spend('resets', t + 61, 5)).ok).toBe(true);
    expect(await spend('resets', t + 61, 1)).toEqual({ ...refused, left: 0, resets: t + 91 });
  });

  test('W1 a clock that goes back charges the latest step, and frees nothing', async () => {
    const t = then();
    expect((await spend('back', t + 100, 6)).ok).toBe(true);
    const answer = await spend('back', t, 4);
    expect(answer).toMatchObject({ ok: true, reservation: { starts: [t + 100], left: [0] } });
    expect(await spend('back', t + 61, 1)).toMatchObject({ code: 'budget_exceeded' });
    expect(await spend('back', t + 160, 1)).toMatchObject({ code: 'budget_exceeded', resets: t + 161 });
    expect((await spend('back', t + 161, 10)).ok).toBe(true);
  });

  test('a refund goes to its step, once, and to none that no longer counts', async () => {
    const t = then();
    const left = async (at: number): Promise<number> =>
      (await w.store.budgets.left(id('root'), [rate('refund', 0, 10, 60, at)], at))[0]!;
    const [early, late] = [await spend('refund', t, 6), await spend('refund', t + 40, 3)];
    if (!early.ok || !late.ok) throw new Error('refused');
    expect(await w.store.budgets.settle(early.reservation, [2])).toBe(true);
    expect(await w.store.budgets.settle(early.reservation, [0])).toBe(false);
    expect(await left(t + 40)).toBe(5);
    // The first step ends with what is left of it.
    expect(await left(t + 61)).toBe(7);
    expect(await w.store.budgets.release(late.reservation)).toBe(true);
    expect(await left(t + 61)).toBe(10);
    const gone = await spend('gone', t, 6);
    await spend('gone', t + 61, 6);
    if (!gone.ok) throw new Error('refused');
    await w.store.budgets.settle(gone.reservation, [0]);
    expect(await w.store.budgets.left(id('root'), [rate('gone', 0, 10, 60, t + 61)], t + 61)).toEqual([4]);
  });
}

function clockRules(w: World): void {
  test('W1 verifiers whose clocks differ by less than a minute share the windows of the store', async () => {
    const now = w.time();
    const at = (offset: number, amount: number): Answer =>
      w.store.budgets.reserve(charges([rate('clocks', amount, 10, 60, now + offset)]), now);
    const ahead = await at(50, 6);
    if (!ahead.ok) throw new Error(ahead.code);
    expect(Math.abs(ahead.reservation.starts[0]! - now)).toBeLessThan(20);
    expect((await at(-50, 4)).ok).toBe(true);
    for (const offset of [-50, 0, 50, 59]) expect(await at(offset, 1)).toMatchObject({ left: 0 });
    expect(await at(3600, 1)).toMatchObject({ code: 'budget_exceeded', left: 0 });
  });

  test('W1 so they do where a step is longer than a minute, whichever side of its border their clocks are on', async () => {
    const starts = async (name: string, ago: number): Promise<readonly number[]> => {
      const { end, step } = stepEnding(w.time() - ago);
      const late = rate(name, 1, 10, 60 * step, end - 1);
      const answer = await w.store.budgets.reserve(charges([late]), NOW);
      if (!answer.ok) throw new Error(answer.code);
      // How many steps after its own the charge was counted in.
      return [step, (answer.reservation.starts[0]! - late.windowStart) / step];
    };
    const [long, after] = await starts('just ended', 5);
    expect(long).toBeGreaterThan(60);
    expect(after).toBe(1);
    // What is counted by a stated time is counted where it says.
    expect((await starts('ended long ago', 60))[1]).toBe(0);
  });
}

/** Steps of which one ended at a time, or a few seconds before: long ones, so that the next goes on for long. */
function stepEnding(at: number): { readonly end: number; readonly step: number } {
  const counts = Array.from({ length: 128 }, (_, i) => 128 + i);
  const count = counts.toSorted((a, b) => (at % a) - (at % b))[0]!;
  return { end: at - (at % count), step: Math.floor(at / count) };
}

function treeRules(w: World): void {
  test('all or nothing: a sliding window and an ancestor, whichever refuses', async () => {
    const t = then();
    const each = (sliding: number, total: number): ReturnType<typeof charges> =>
      charges([
        counter('tree total', 1, total),
        rate('tree rate', 1, sliding, 60, t, { caveat: 1 }),
        rate('tree hour', 1, 100, 3600, t, { caveat: 2 }),
      ]);
    expect((await w.store.budgets.reserve(each(1, 2), NOW)).ok).toBe(true);
    const nonce = proofClaim('tree nonce');
    expect(await w.store.budgets.reserve({ ...each(1, 2), replay: nonce }, NOW)).toMatchObject({ caveat: 1 });
    expect(await w.store.budgets.reserve(each(3, 1), NOW)).toMatchObject({ caveat: -1 });
    expect(await w.store.budgets.left(id('root'), each(3, 2).counters, NOW)).toEqual([1, 2, 99]);
    expect((await w.store.budgets.reserve({ ...each(3, 2), replay: nonce }, NOW)).ok).toBe(true);
  });

  test('S12 a row of a sliding window keeps no more steps than count, and is one of its token', async () => {
    const t = then();
    for (let i = 0; i < 300; i++) {
      const answer = await w.store.budgets.reserve(charges([rate('many', 1, 300, 60, t + i)]), NOW);
      expect(answer.ok).toBe(true);
      // 61 steps count at most: this one, and 60 before it.
      if (answer.ok) expect(answer.reservation.left).toEqual([300 - Math.min(i + 1, 61)]);
    }
  });

  test.each([{ step: 2 }, { step: 0.5 }, { windowStart: 1.5 }, { window: 2 ** 32, step: 71582789 }])(
    'steps that no verifier makes are refused as misuse: %o',
    async (more) => {
      const wrong = charges([{ ...rate('wrong', 1, 10, 60, 120), ...more }]);
      await expect(w.store.budgets.reserve(wrong, NOW)).rejects.toThrow(TypeError);
    },
  );
}

/** The law in its plainest form: every charge is kept, and counts by its step. */
class Plain {
  readonly #kept: { start: number; amount: number }[] = [];
  latest = 0;
  readonly #limit: number;
  readonly #window: number;
  constructor(limit: number, window: number) {
    this.#limit = limit;
    this.#window = window;
  }
  ask(at: number, amount: number): { ok: boolean; left: number; undo: (back: number) => void } {
    const step = stepOf({ window: this.#window, sliding: true });
    const start = Math.max(this.latest, Math.floor(at / step) * step);
    const live = this.#kept.filter((k) => k.start + spanOf(this.#window, step) > start);
    const left = this.#limit - live.reduce((sum, k) => sum + k.amount, 0);
    const kept = { start, amount };
    if (amount > left) return { ok: false, left, undo: () => undefined };
    this.latest = start;
    this.#kept.push(kept);
    return { ok: true, left: left - amount, undo: (back) => void (kept.amount -= back) };
  }
}

function ledgerRules(w: World): void {
  // Some 1,600 trips to a server, on a machine that may be busy.
  const patience = { timeout: 600_000 };
  test(
    'L10 any calls at any times, with refunds: as a ledger that keeps everything, and never over in any window',
    patience,
    async () => {
      const call = fc.record({
        after: fc.oneof(fc.nat(3), fc.nat(80), fc.integer({ min: -20, max: 200 })),
        amount: fc.integer({ min: 1, max: 6 }),
        back: fc.option(fc.nat(6), { freq: 3, nil: 0 }),
      });
      let refused = 0;
      let granted = 0;
      const window = fc.constantFrom(1, 7, 60, 61, 100, 119, 600);
      const law = fc.asyncProperty(
        window,
        fc.array(call, { minLength: 12, maxLength: 40 }),
        async (window, calls) => {
          const plain = new Plain(10, window);
          const name = fresh();
          const spent: { at: number; amount: number }[] = [];
          let at = then();
          for (const { after, amount, back } of calls) {
            at += after;
            const expected = plain.ask(at, amount);
            const answer = await w.store.budgets.reserve(charges([rate(name, amount, 10, window, at)]), NOW);
            expect([answer.ok, leftIn(answer)]).toEqual([expected.ok, expected.left]);
            if (!answer.ok) refused++;
            if (!answer.ok || answer.reservation.starts[0]! > at) continue;
            granted++;
            const unused = Math.min(back, amount);
            if (unused > 0) await w.store.budgets.settle(answer.reservation, [amount - unused]);
            expected.undo(unused);
            spent.push({ at, amount: amount - unused });
          }
          for (const { at: from } of spent) {
            const within = spent.filter((s) => s.at >= from && s.at <= from + window);
            expect(within.reduce((sum, s) => sum + s.amount, 0)).toBeLessThanOrEqual(10);
          }
        },
      );
      await fc.assert(law, { numRuns: 40 });
      expect(refused).toBeGreaterThan(50);
      expect(granted).toBeGreaterThan(50);
    },
  );
}

const leftIn = (answer: Reserved | Refused): number | undefined =>
  answer.ok ? answer.reservation.left[0] : answer.left;
