// Rows: proofs and claims are taken once, rows end, and no holder can fill the store with them. Rules that
// every back end keeps.
import type { CounterCharge } from '@ambit/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LATER, NOW, charges, claim, counter, fresh, id, numbered, proofClaim, rate } from './make.ts';
import type { Answer, World } from './world.ts';

export function rowsRules(w: World): void {
  claimRules(w);
  endRules(w);
  putOffRules(w);
  boundRules(w);
  windowRules(w);
}

function claimRules(w: World): void {
  test('P3 the same proof, twice at once: one is accepted', async () => {
    const c = charges([], { replay: proofClaim('twice') });
    const answers = await Promise.all(Array.from({ length: 20 }, () => w.store.budgets.reserve(c, NOW)));
    expect(answers.filter((a) => a.ok).length).toBe(1);
    expect(answers.filter((a) => !a.ok && a.code === 'replayed').length).toBe(19);
  });

  test('P3 a nonce is no fresher under another expiry', async () => {
    expect((await w.store.budgets.reserve(charges([], { replay: proofClaim('n', NOW + 60) }), NOW)).ok).toBe(
      true,
    );
    for (const expires of [NOW + 61, NOW + 90, NOW + 300])
      expect(
        await w.store.budgets.reserve(charges([], { replay: proofClaim('n', expires) }), NOW),
      ).toMatchObject({
        code: 'replayed',
      });
  });
}

function endRules(w: World): void {
  test('rows die with their expiry, and what expired is refused rather than counted afresh', async () => {
    const c = (expires: number): ReturnType<typeof charges> =>
      charges([counter('mortal', 10, 10, { expires })], { replay: proofClaim('mortal', expires) });
    expect((await w.store.budgets.reserve(c(NOW + 10), NOW)).ok).toBe(true);
    // Still remembered within the grace, by any clock.
    expect(await w.store.budgets.reserve(c(NOW + 10), NOW + 30)).toMatchObject({ code: 'replayed' });
    w.now = NOW + 1000;
    await w.store.budgets.reserve(charges([counter('other', 1, 10)]), w.now);
    await w.store.budgets.reserve(charges([counter('other', 1, 10)]), w.now + 10);
    expect(await w.store.budgets.reserve(c(NOW + 10), NOW)).toMatchObject({ ok: false });
    expect(
      await w.store.budgets.reserve(charges([counter('mortal', 10, 10, { expires: NOW + 10 })]), NOW),
    ).toMatchObject({
      code: 'budget_exceeded',
    });
  });

  test('what ended before rows are kept is refused, whatever it is: a proof, a claim, a number, a budget', async () => {
    const code = async (...c: Parameters<typeof charges>): Promise<string> => {
      const answer = await w.store.budgets.reserve(charges(...c), NOW);
      return answer.ok ? 'ok' : answer.code;
    };
    expect(await code([counter('any', 1, 10)])).toBe('ok');
    for (const [expires, word] of [
      [NOW - 200, null],
      [NOW - 20, 'ok'],
    ] as const) {
      const sequence = await numbered(w.store, `over ${expires}`, 0, expires);
      expect([
        await code([], { replay: proofClaim(`over ${expires}`, expires, expires - 60) }),
        await code([], { once: [claim(`over once ${expires}`, -1, expires)] }),
        await code([], { sequence }),
        await code([counter(`over ${expires}`, 1, 10, { expires })]),
      ]).toEqual(
        word === null ? ['replayed', 'once_used', 'replayed', 'budget_exceeded'] : Array(4).fill(word),
      );
    }
  });

  test('a row that tokens of different lives share ends with the longest, in whatever order they charge it', async () => {
    const shared = (name: string, expires: number): CounterCharge[] => [
      counter(name, 1, 3, { expires }),
      counter(`${name}, windowed`, 1, 3, { expires, window: 7200, windowStart: NOW - (NOW % 7200) }),
      rate(`${name}, sliding`, 1, 3, 7200, NOW, { expires }),
    ];
    for (const [name, ends] of [
      ['longer last', [NOW + 100, NOW + 3000]],
      ['longer first', [NOW + 3000, NOW + 100]],
    ] as const)
      for (const expires of ends)
        expect((await w.store.budgets.reserve(charges(shared(name, expires)), NOW)).ok).toBe(true);
    await w.later(w.store, 1000);
    for (const name of ['longer last', 'longer first'])
      expect(await w.store.budgets.left(id('root'), shared(name, LATER), NOW)).toEqual([1, 1, 1]);
  });
}

/** When rows end that more than one call writes: with the last of them. */
function putOffRules(w: World): void {
  const soon = (): number => NOW + 100;

  test.each(['longer last', 'longer first'])(
    'P6 the numbers of a session are remembered until its last ticket ends, whichever is used first: %s',
    async (order) => {
      const session = fresh();
      const at = async (sequence: number, expires: number): Promise<boolean> => {
        const one = await numbered(w.store, session, sequence, expires);
        return (await w.store.budgets.reserve(charges([], { sequence: one }), NOW)).ok;
      };
      const ends = order === 'longer last' ? [soon(), LATER, soon()] : [LATER, soon(), soon()];
      for (const [sequence, expires] of ends.entries()) expect(await at(sequence, expires)).toBe(true);
      // So far ahead that the numbers before are written anew.
      expect(await at(1026, soon())).toBe(true);
      await w.later(w.store, 1000);
      for (const sequence of [0, 1, 2, 1026])
        expect([sequence, await at(sequence, LATER)]).toEqual([sequence, false]);
      expect(await at(3, LATER)).toBe(true);
    },
  );

  test('S12 a row counts against its token until it ends, also when its end was put off', async () => {
    const small = await w.open({ rowsPerToken: 3 });
    try {
      const append = (name: string, expires: number): Answer =>
        small.budgets.reserve(
          charges([
            counter(name, 1, 5, { caveat: 2, expires }),
            counter(`${name}, windowed`, 1, 5, {
              ...{ caveat: 3, expires, window: 7200, windowStart: NOW - (NOW % 7200) },
            }),
            rate(`${name}, sliding`, 1, 5, 7200, NOW, { caveat: 4, expires }),
          ]),
          NOW,
        );
      for (const expires of [soon(), LATER, soon()]) expect((await append('put off', expires)).ok).toBe(true);
      await w.later(small, 1000);
      // Rows that have not ended are three, and stay three.
      expect((await append('put off', LATER)).ok).toBe(true);
      expect(await append('one more', LATER)).toMatchObject({ code: 'budget_exceeded', caveat: 4, left: 0 });
    } finally {
      await small.close();
    }
  });
}

function boundRules(w: World): void {
  test("S12 K6 endless fresh budgets: a token's holders may append so many rows and no more", async () => {
    const small = await w.open({ rowsPerToken: 20 });
    try {
      const append = (i: number, root = 'root'): Answer =>
        small.budgets.reserve(
          charges([counter('granted', 1, 1000), counter(`appended ${i}`, 1, 5, { caveat: 2 })], {
            root: id(root),
            partitionKey: id(root),
            once: i % 2 === 0 ? [claim(`once ${i}`, 3)] : [],
          }),
          NOW,
        );
      let ok = 0;
      for (let i = 0; i < 40; i++) if ((await append(i)).ok) ok++;
      // Thirteen counters and seven claims: twenty rows, and refused ones left nothing.
      expect(ok).toBe(13);
      expect(await append(99)).toMatchObject({ ok: false, code: 'budget_exceeded', caveat: 2, left: 0 });
      expect(await small.budgets.left(id('root'), [counter('granted', 0, 1000)], NOW)).toEqual([1000 - ok]);
      // What is there already can still be used; another token is not touched.
      expect((await append(1)).ok).toBe(true);
      expect((await append(1000, 'another')).ok).toBe(true);
    } finally {
      await small.close();
    }
  });

  test('charges that no verifier makes are refused as misuse', async () => {
    const bad = [
      charges([counter('a', 1, 1), counter('a', 1, 1)]),
      charges([{ ...counter('a', 1, 1), id: 'x:y' }]),
      charges([{ ...counter('a', 1, 1), window: 0, windowStart: 60 }]),
      charges([], { root: '' }),
      charges([], { replay: { ...proofClaim('p'), id: '' } }),
      charges([], { replay: { ...proofClaim('p'), from: 0.5 } }),
      charges([], { replay: { ...proofClaim('p'), from: undefined as never } }),
      charges([], { sequence: { ...(await numbered(w.store, 's', 0)), epoch: undefined as never } }),
    ];
    for (const c of bad) await expect(w.store.budgets.reserve(c, NOW)).rejects.toThrow(TypeError);
    await expect(w.store.budgets.reserve(charges([]), NOW * 1000)).rejects.toThrow(RangeError);
  });
}

function windowRules(w: World): void {
  test('a window accepts each number once, 1024 behind and at most 1024 ahead', async () => {
    const session = fresh();
    const at = async (sequence: number): Promise<boolean> =>
      (
        await w.store.budgets.reserve(
          charges([], { sequence: await numbered(w.store, session, sequence) }),
          NOW,
        )
      ).ok;
    expect(await w.store.replay.epoch()).toMatch(/^[0-9a-f]{32}$/);
    expect(await w.store.replay.epoch()).toBe(await w.store.replay.epoch());
    expect(await at(1024)).toBe(false);
    for (const [number, accepted] of [
      [0, true],
      [0, false],
      [2, true],
      [1, true],
      [1, false],
      [1027, false],
      [1026, true],
      [2, false],
      [3, true],
      [1026 + 1024, true],
      [1027, true],
      [1026, false],
      [1026 + 2049, false],
    ] as const)
      expect([number, await at(number)]).toEqual([number, accepted]);
    for (const n of [-1, 0.5, NaN, 2 ** 53, Infinity, Number.MAX_SAFE_INTEGER])
      expect(await at(n)).toBe(false);
    // What was refused has moved nothing.
    expect(await at(1026 + 1025)).toBe(true);
  });

  test('P6 a shared window, in any order of numbers, accepts each once and exactly the window', async () => {
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.nat(2500), fc.nat(1000), fc.integer({ min: 1000, max: 1100 })), {
          maxLength: 40,
        }),
        async (numbers) => {
          const session = fresh();
          let highest = -1;
          const used = new Set<number>();
          for (const n of numbers) {
            const expected = n > highest - 1024 && n <= highest + 1024 && !used.has(n);
            const answer = await w.store.budgets.reserve(
              charges([], { sequence: await numbered(w.store, session, n) }),
              NOW,
            );
            expect(answer.ok).toBe(expected);
            outcomes.add(expected ? 'accepted' : used.has(n) ? 'used' : n > highest ? 'ahead' : 'behind');
            if (expected) {
              used.add(n);
              highest = Math.max(highest, n);
            }
          }
        },
      ),
      { numRuns: 30, examples: [[[0, 1000, 1000, 2024, 999, 4000]]] },
    );
    expect([...outcomes].sort()).toEqual(['accepted', 'ahead', 'behind', 'used']);
  });

  test("a session's number is claimed in the same step as the budgets", async () => {
    const c = charges([counter('seq', 1, 2)], { sequence: await numbered(w.store, 's', 0) });
    expect((await w.store.budgets.reserve(c, NOW)).ok).toBe(true);
    expect(await w.store.budgets.reserve(c, NOW)).toMatchObject({ ok: false, code: 'replayed' });
    expect(await w.store.budgets.left(id('root'), c.counters, NOW)).toEqual([1]);
  });
}
