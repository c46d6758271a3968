// Turns: calls that are asked for at once travel together, and each is decided as if the one before it were over. What
// a refused one took on the way is free for the next of its turn. Rules that every back end keeps.
import type { Charges, CounterCharge } from '@ambit/core';
import { expect, test } from 'vitest';
import type { Store } from '../store.ts';
import { NOW, charges, claim, counter, id, numbered, proofClaim, rate } from './make.ts';
import type { World } from './world.ts';

export function turnsRules(w: World): void {
  claimRules(w);
  proofRules(w);
  boundRules(w);
  amountRules(w);
}

/** What the calls of one turn are answered, in their order; of a refusal the code, and the caveat that refused. */
async function turn(store: Store, calls: readonly Charges[]): Promise<string[]> {
  const answers = await Promise.all(calls.map((each) => store.budgets.reserve(each, NOW)));
  return answers.map((answer) => (answer.ok ? 'ok' : `${answer.code} ${answer.caveat}`));
}

/** A store in which 10 of 10 are spent, the claim and the nonce `taken` are taken, and number 0 of a session. */
async function worn(store: Store): Promise<Charges['sequence']> {
  const sequence = await numbered(store, 'session', 0);
  const more = { once: [claim('taken', 0)], replay: proofClaim('taken nonce'), sequence };
  expect(await turn(store, [charges([counter('full', 10, 10)], more)])).toEqual(['ok']);
  return sequence;
}

const full = (caveat: number): CounterCharge => counter('full', 1, 10, { caveat });
const once = (...names: readonly string[]): Pick<Charges, 'once'> => ({
  once: names.map((name, i) => claim(name, i)),
});

function claimRules(w: World): void {
  test('`once`: what a refused call claimed is free for the next of its turn, whatever refused it', async () => {
    const { store } = w;
    const sequence = await worn(store);
    const ended = counter('ended', 1, 10, { caveat: 5, expires: NOW - 200 });
    for (const [name, refused, code] of [
      ['a budget', charges([full(7)], once('a budget')), 'budget_exceeded 7'],
      ['an ended budget', charges([ended], once('an ended budget')), 'budget_exceeded 5'],
      ['a claim', charges([], once('a claim', 'taken')), 'once_used 1'],
      ['a number', charges([], { ...once('a number'), sequence }), 'replayed -1'],
      ['a nonce', charges([], { ...once('a nonce'), replay: proofClaim('taken nonce') }), 'replayed -1'],
    ] as const) {
      const free = charges([], once(name));
      expect([name, await turn(store, [refused, free, free])]).toEqual([name, [code, 'ok', 'once_used 0']]);
    }
  });

  test('`once`: what an accepted call claimed stays claimed when a refused one asked for it too', async () => {
    await worn(w.store);
    const answers = await turn(w.store, [
      charges([], once('first')),
      charges([], once('second', 'first')),
      charges([], once('first', 'second')),
      charges([full(3)], once('second')),
      charges([], once('second')),
      charges([], once('second', 'third')),
      charges([], once('third')),
      charges([], once('first')),
    ]);
    expect(answers).toEqual([
      ...['ok', 'once_used 1', 'once_used 0', 'budget_exceeded 3'],
      ...['ok', 'once_used 0', 'ok', 'once_used 0'],
    ]);
  });
}

function proofRules(w: World): void {
  test('P3 the proof of a refused call is good for the next of its turn, once', async () => {
    await worn(w.store);
    const shown = { replay: proofClaim('fresh') };
    const answers = await turn(w.store, [
      charges([full(2)], shown),
      charges([], { ...shown, ...once('taken') }),
      charges([counter('c', 1, 5)], shown),
      charges([counter('c', 1, 5)], shown),
      charges([full(2)], shown),
    ]);
    expect(answers).toEqual(['budget_exceeded 2', 'once_used 0', 'ok', 'replayed -1', 'replayed -1']);
    // Nothing of the refused ones is left behind the turn either.
    expect(await turn(w.store, [charges([], shown)])).toEqual(['replayed -1']);
    expect(await w.store.budgets.left(id('root'), [counter('c', 0, 5)], NOW)).toEqual([4]);
  });

  test('P6 the number of a refused call is good for the next of its turn, once, and moves no window', async () => {
    await worn(w.store);
    const number = async (sequence: number): Promise<Pick<Charges, 'sequence'>> => ({
      sequence: await numbered(w.store, 'session', sequence),
    });
    const [near, far] = [await number(5), await number(1029)];
    const answers = await turn(w.store, [
      // Five is 1,024 behind the other: a window that has moved for a refused call refuses what comes next.
      charges([full(2)], far),
      charges([], { ...near, replay: proofClaim('taken nonce') }),
      charges([], { ...near, ...once('taken') }),
      charges([], near),
      charges([], near),
      charges([full(2)], far),
      charges([], { ...near, ...once('free') }),
      charges([], { ...far, ...once('free') }),
      charges([], far),
      charges([], near),
    ]);
    expect(answers).toEqual([
      ...['budget_exceeded 2', 'replayed -1', 'once_used 0', 'ok', 'replayed -1'],
      ...['budget_exceeded 2', 'replayed -1', 'ok', 'replayed -1', 'replayed -1'],
    ]);
  });
}

function boundRules(w: World): void {
  test('S12 rows that a refused call would have appended do not count, those of an accepted one do', async () => {
    const small = await w.open({ rowsPerToken: 3 });
    try {
      await turn(small, [charges([counter('full', 10, 10)])]);
      const appended = (...names: readonly string[]): CounterCharge[] =>
        names.map((name, i) => counter(name, 1, 5, { caveat: i }));
      const answers = await turn(small, [
        charges([...appended('a', 'b'), full(8)], once('o')),
        charges(appended('a', 'b', 'c', 'd')),
        charges(appended('a', 'b'), once('o')),
        charges(appended('c')),
        charges([], once('p')),
        charges(appended('a', 'b')),
      ]);
      expect(answers).toEqual([
        ...['budget_exceeded 8', 'budget_exceeded 3', 'ok'],
        ...['budget_exceeded 0', 'budget_exceeded 0', 'ok'],
      ]);
      // Refused by the bound, a claim is free again, for a token that has room.
      const other = { root: id('another'), partitionKey: id('root'), ...once('p') };
      expect(await turn(small, [charges([], once('p')), charges([], other), charges([], other)])).toEqual([
        ...['budget_exceeded 0', 'ok', 'once_used 0'],
      ]);
    } finally {
      await small.close();
    }
  });
}

function amountRules(w: World): void {
  test('L10 amounts of a refused call are left for the next of its turn, those of an accepted one are gone', async () => {
    await worn(w.store);
    const each = (amount: number, ...more: readonly CounterCharge[]): Charges =>
      charges([
        counter('total', amount, 10),
        counter('windowed', amount, 10, { window: 7200, windowStart: NOW - (NOW % 7200), caveat: 1 }),
        rate('sliding', amount, 10, 7200, NOW - 20_000, { caveat: 2 }),
        ...more,
      ]);
    const answers = await turn(w.store, [
      each(6, full(9)),
      each(6),
      each(5),
      each(4, full(9)),
      each(4),
      each(1),
    ]);
    expect(answers).toEqual([
      ...['budget_exceeded 9', 'ok', 'budget_exceeded -1'],
      ...['budget_exceeded 9', 'ok', 'budget_exceeded -1'],
    ]);
    expect(await w.store.budgets.left(id('root'), each(0).counters, NOW)).toEqual([0, 0, 0]);
  });
}
