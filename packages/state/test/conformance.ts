// The laws that every back end keeps, told once. Each back end's test file runs them on real storage.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { Store } from '../src/index.ts';
import { NOW, LATER, charges, claim, counter, fresh, hex, id } from './make.ts';

const subject = (name: string): Parameters<Store['revocations']['isRevoked']>[0] => ({
  issuer: 'acme',
  token: hex(`token ${name}`),
  key: 'k1',
  operator: `operator ${name}`,
  model: id(`model ${name}`),
  session: `session ${name}`,
  user: `user ${name}`,
  nodes: [id(`node ${name}`), id(`node ${name} 2`)],
  holders: [id(`holder ${name}`), id(`holder ${name} 2`)],
});

/** `open` makes an empty store; `clock` is the time of calls that carry none. */
export function conformance(
  name: string,
  open: (clock: () => number, rowsPerToken?: number) => Promise<Store>,
): void {
  describe(`${name}: conformance`, () => {
    let store: Store;
    let now = NOW;
    const clock = (): number => now;
    beforeEach(async () => {
      now = NOW;
      store = await open(clock);
    });
    afterEach(() => store.close());
    const spend = (n: string, amount: number, limit: number): ReturnType<Store['budgets']['reserve']> =>
      store.budgets.reserve(charges([counter(n, amount, limit)]), NOW);

    test('S1 two hundred calls of 50 against a sum of 10,000: the next is refused', async () => {
      for (let i = 0; i < 200; i++) expect((await spend('s1', 50, 10_000)).ok).toBe(true);
      expect(await spend('s1', 50, 10_000)).toEqual({
        ok: false,
        code: 'budget_exceeded',
        caveat: -1,
        left: 0,
      });
      expect((await spend('s1', 1, 10_000)).ok).toBe(false);
    });

    test('S2 three calls of 9,000 under a sum of 10,000: the second is refused', async () => {
      expect((await spend('s2', 9000, 10_000)).ok).toBe(true);
      expect(await spend('s2', 9000, 10_000)).toMatchObject({ code: 'budget_exceeded', left: 1000 });
      expect(await spend('s2', 9000, 10_000)).toMatchObject({ code: 'budget_exceeded', left: 1000 });
      expect((await spend('s2', 1000, 10_000)).ok).toBe(true);
    });

    test("S3 a hundred siblings with budgets of their own, against the parent's", async () => {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          store.budgets.reserve(
            charges([counter('parent', 30, 1000), counter(`child ${i}`, 30, 50, { caveat: 1 })]),
            NOW,
          ),
        ),
      );
      expect(answers.filter((a) => a.ok).length).toBe(33);
      // A refused call left nothing behind in its own counter.
      const refused = answers.findIndex((a) => !a.ok);
      expect(await store.budgets.left(id('root'), [counter(`child ${refused}`, 0, 50)], NOW)).toEqual([50]);
    });

    test('S5 a counter is not reset by a session, by another path to it, or by the clock', async () => {
      const w = (start: number, amount: number): ReturnType<Store['budgets']['reserve']> =>
        store.budgets.reserve(
          charges([
            counter('windowed', amount, 100, { window: 60, windowStart: start, expires: start + 60 }),
          ]),
          start + 1,
        );
      const first = NOW - (NOW % 60);
      expect((await w(first + 60, 100)).ok).toBe(true);
      // The clock goes back into the window before: it is charged to the later one, which is full.
      expect(await w(first, 1)).toMatchObject({ code: 'budget_exceeded', left: 0 });
      expect(await w(first + 60, 1)).toMatchObject({ code: 'budget_exceeded' });
      expect((await w(first + 120, 100)).ok).toBe(true);
      expect(await w(first + 60, 1)).toMatchObject({ code: 'budget_exceeded' });
    });

    test.each([-1, 0.5, NaN, Infinity, 2 ** 53, 1e300])(
      'S6 amount %s is refused and nothing is charged',
      async (amount) => {
        const answer = await store.budgets.reserve(
          charges([counter('s6 first', 1, 10), counter('s6', amount, 10, { caveat: 3 })]),
          NOW,
        );
        expect(answer).toEqual({ ok: false, code: 'budget_amount', caveat: 3 });
        expect(
          await store.budgets.left(id('root'), [counter('s6 first', 0, 10), counter('s6', 0, 10)], NOW),
        ).toEqual([10, 10]);
      },
    );

    test('S6 the largest amounts are counted exactly', async () => {
      const max = Number.MAX_SAFE_INTEGER;
      expect((await spend('huge', max - 1, max)).ok).toBe(true);
      expect(await store.budgets.left(id('root'), [counter('huge', 0, max)], NOW)).toEqual([1]);
      expect(await spend('huge', max, max)).toMatchObject({ code: 'budget_exceeded', left: 1 });
      expect(await spend('huge', 2, max)).toMatchObject({ code: 'budget_exceeded', left: 1 });
      expect((await spend('huge', 1, max)).ok).toBe(true);
      expect(await spend('huge', 1, max)).toMatchObject({ code: 'budget_exceeded', left: 0 });
      expect((await spend('huge', 0, max)).ok).toBe(true);
      expect(await spend('none', 1, 0)).toMatchObject({ code: 'budget_exceeded', left: 0 });
    });

    test('all or nothing: whichever part refuses, no other part was applied', async () => {
      await store.budgets.reserve(
        charges([], { once: [claim('once used', 2)], replay: claim('nonce used') }),
        NOW,
      );
      await spend('full', 10, 10);
      const parts = charges([counter('free', 1, 10), counter('free 2', 1, 10, { caveat: 2 })], {
        once: [claim('once free', 1)],
        replay: claim('nonce free'),
      });
      const cases = [
        [
          { ...parts, replay: claim('nonce used') },
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
        expect(await store.budgets.reserve(each, NOW)).toMatchObject(expected);
      expect(await store.budgets.left(id('root'), parts.counters, NOW)).toEqual([10, 10]);
      expect((await store.budgets.reserve(parts, NOW)).ok).toBe(true);
      expect(await store.budgets.left(id('root'), parts.counters, NOW)).toEqual([9, 9]);
      expect(await store.budgets.reserve(parts, NOW)).toMatchObject({ code: 'replayed' });
      expect(await store.budgets.reserve({ ...parts, replay: claim('another') }, NOW)).toMatchObject({
        code: 'once_used',
      });
    });

    test('P3 the same proof, twice at once: one is accepted', async () => {
      const c = charges([], { replay: claim('twice') });
      const answers = await Promise.all(Array.from({ length: 20 }, () => store.budgets.reserve(c, NOW)));
      expect(answers.filter((a) => a.ok).length).toBe(1);
      expect(answers.filter((a) => !a.ok && a.code === 'replayed').length).toBe(19);
    });

    test('P3 a nonce is no fresher under another expiry', async () => {
      expect((await store.budgets.reserve(charges([], { replay: claim('n', -1, NOW + 60) }), NOW)).ok).toBe(
        true,
      );
      for (const expires of [NOW + 61, NOW + 90, NOW + 300])
        expect(
          await store.budgets.reserve(charges([], { replay: claim('n', -1, expires) }), NOW),
        ).toMatchObject({ code: 'replayed' });
    });

    test('settling gives back what was not used, once, and never more than was reserved', async () => {
      const c = [counter('bytes', 100, 1000, { unit: 'bytes' }), counter('calls', 1, 10, { unit: 'calls' })];
      const left = (): Promise<readonly number[]> => store.budgets.left(id('root'), c, NOW);
      const take = async (): Promise<Parameters<Store['budgets']['settle']>[0]> => {
        const answer = await store.budgets.reserve(charges(c), NOW);
        if (!answer.ok) throw new Error(answer.code);
        return answer.reservation;
      };
      const one = await take();
      expect(await left()).toEqual([900, 9]);
      expect(await store.budgets.settle(one, [101, 1])).toBe(false);
      expect(await store.budgets.settle(one, [-1, 1])).toBe(false);
      expect(await store.budgets.settle(one, [0.5, 1])).toBe(false);
      expect(await store.budgets.settle(one, [1])).toBe(false);
      expect(await store.budgets.settle(one, [40, 1])).toBe(true);
      expect(await left()).toEqual([960, 9]);
      expect(await store.budgets.settle(one, [0, 0])).toBe(false);
      expect(await store.budgets.release(one)).toBe(false);
      expect(await store.budgets.settle({ ...one }, [0, 0])).toBe(false);
      const two = await take();
      const both = await Promise.all([store.budgets.release(two), store.budgets.settle(two, [0, 0])]);
      expect(both.filter(Boolean).length).toBe(1);
      expect(await left()).toEqual([960, 9]);
      const exact = await take();
      expect(await store.budgets.settle(exact, [100, 1])).toBe(true);
      expect(await left()).toEqual([860, 8]);
      // Nobody settles: it stays spent.
      await take();
      expect(await left()).toEqual([760, 7]);
    });

    test('a refund goes to the window it was taken from, and no other', async () => {
      const at = (start: number, amount: number): ReturnType<typeof counter> =>
        counter('refund', amount, 100, { window: 60, windowStart: start, expires: start + 60 });
      const start = NOW - (NOW % 60);
      const first = await store.budgets.reserve(charges([at(start, 80)]), start);
      await store.budgets.reserve(charges([at(start + 60, 80)]), start + 60);
      if (!first.ok) throw new Error(first.code);
      await store.budgets.settle(first.reservation, [0]);
      expect(await store.budgets.left(id('root'), [at(start + 60, 0)], start + 60)).toEqual([20]);
    });

    test('released claims stay claimed', async () => {
      const c = charges([counter('r', 1, 1)], { once: [claim('r once', 0)], replay: claim('r nonce') });
      const answer = await store.budgets.reserve(c, NOW);
      if (!answer.ok) throw new Error(answer.code);
      expect(await store.budgets.release(answer.reservation)).toBe(true);
      expect(await store.budgets.left(id('root'), c.counters, NOW)).toEqual([1]);
      expect(await store.budgets.reserve(c, NOW)).toMatchObject({ code: 'replayed' });
    });

    test('a share takes that part of what is left, at least the amount, and never more than is left', async () => {
      const c = charges([counter('shared', 1, 1000)]);
      const slices: number[] = [];
      for (let i = 0; i < 40; i++) {
        const answer = await store.budgets.reserve(c, NOW, 0.25);
        if (answer.ok) slices.push(answer.reservation.amounts[0]!);
      }
      expect(slices.slice(0, 3)).toEqual([250, 187, 140]);
      expect(slices.reduce((a, b) => a + b)).toBeLessThanOrEqual(1000);
      expect(slices.at(-1)).toBe(1);
    });

    test('rows die with their expiry, and what expired is refused rather than counted afresh', async () => {
      const c = (expires: number): ReturnType<typeof charges> =>
        charges([counter('mortal', 10, 10, { expires })], { replay: claim('mortal', -1, expires) });
      expect((await store.budgets.reserve(c(NOW + 10), NOW)).ok).toBe(true);
      // Still remembered within the grace, whoever's clock it is.
      expect(await store.budgets.reserve(c(NOW + 10), NOW + 30)).toMatchObject({ code: 'replayed' });
      now = NOW + 1000;
      await store.budgets.reserve(charges([counter('other', 1, 10)]), now);
      await store.budgets.reserve(charges([counter('other', 1, 10)]), now + 10);
      expect(await store.budgets.reserve(c(NOW + 10), NOW)).toMatchObject({ ok: false });
      expect(
        await store.budgets.reserve(charges([counter('mortal', 10, 10, { expires: NOW + 10 })]), NOW),
      ).toMatchObject({
        code: 'budget_exceeded',
      });
    });

    test("S12 endless fresh budgets: a token's holders may append so many rows and no more", async () => {
      const small = await open(clock, 20);
      try {
        const append = (i: number, root = 'root'): ReturnType<Store['budgets']['reserve']> =>
          small.budgets.reserve(
            charges([counter('granted', 1, 1000), counter(`appended ${i}`, 1, 5, { caveat: 2 })], {
              root: id(root),
              place: id(root),
              once: i % 2 === 0 ? [claim(`once ${i}`, 3)] : [],
            }),
            NOW,
          );
        let ok = 0;
        for (let i = 0; i < 40; i++) if ((await append(i)).ok) ok++;
        // Twelve counters and eight claims or so, whatever order they came in; refused ones left nothing.
        expect(ok).toBeGreaterThanOrEqual(13);
        expect(ok).toBeLessThanOrEqual(14);
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
        charges([], { replay: { id: '', expires: NOW, caveat: -1 } }),
      ];
      for (const c of bad) await expect(store.budgets.reserve(c, NOW)).rejects.toThrow(TypeError);
      await expect(store.budgets.reserve(charges([]), NOW * 1000)).rejects.toThrow(RangeError);
    });

    test('any mixture of concurrent spends keeps every limit, and what was granted is what is gone', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 }), fc.nat(40)), {
            maxLength: 60,
          }),
          async (calls) => {
            const run = fresh();
            const one = (n: number, amount: number, caveat: number): ReturnType<typeof counter> =>
              counter(`${run} ${n}`, amount, 100, { caveat });
            const granted = [0, 0, 0, 0, 0];
            const answers = await Promise.all(
              calls.map(([a, b, amount]) =>
                store.budgets.reserve(
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
            const left = await store.budgets.left(
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

    test('Replay: a claim once; a window accepts each number once, and 1024 behind', async () => {
      const { replay } = store;
      expect(await replay.claim(id('c'), LATER)).toEqual({ ok: true });
      expect(await replay.claim(id('c'), LATER)).toEqual({ ok: false, code: 'replayed' });
      const s = id('session');
      expect(await replay.advance(s, 1, LATER)).toEqual({ ok: false, code: 'session_unknown' });
      expect(await replay.openWindow(s, LATER)).toEqual({ ok: true });
      const at = async (n: number): Promise<boolean> => (await replay.advance(s, n, LATER)).ok;
      expect(await at(0)).toBe(true);
      expect(await at(0)).toBe(false);
      expect(await at(2)).toBe(true);
      expect(await at(1)).toBe(true);
      expect(await at(1)).toBe(false);
      // Another replica registers the same session: nothing is forgotten.
      expect(await replay.openWindow(s, LATER)).toEqual({ ok: true });
      expect(await at(2)).toBe(false);
      expect(await at(1026)).toBe(true);
      expect(await at(2)).toBe(false);
      expect(await at(3)).toBe(true);
      expect(await at(1026 + 1024)).toBe(true);
      expect(await at(1027)).toBe(true);
      expect(await at(1026)).toBe(false);
      expect(await at(5000)).toBe(true);
      expect(await at(5000 - 1024)).toBe(false);
      expect(await at(5000 - 1023)).toBe(true);
      expect(await at(5000 - 1023)).toBe(false);
      expect(await at(Number.MAX_SAFE_INTEGER)).toBe(true);
      expect(await at(Number.MAX_SAFE_INTEGER)).toBe(false);
      expect(await at(Number.MAX_SAFE_INTEGER - 1023)).toBe(true);
      expect(await at(Number.MAX_SAFE_INTEGER - 1024)).toBe(false);
      for (const n of [-1, 0.5, NaN, 2 ** 53, Infinity]) expect(await at(n)).toBe(false);
      expect(await replay.epoch()).toMatch(/^[0-9a-f]{32}$/);
      expect(await replay.epoch()).toBe(await replay.epoch());
    });

    test('P6 a shared window, in any order of numbers, accepts each once and exactly the window', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.oneof(fc.nat(3000), fc.integer({ min: 1000, max: 1100 })), { maxLength: 40 }),
          async (numbers) => {
            const session = fresh();
            let highest = -1;
            const used = new Set<number>();
            for (const n of numbers) {
              const expected = n > highest - 1024 && !used.has(n);
              const answer = await store.budgets.reserve(
                charges([], { sequence: { session, sequence: n, expires: LATER } }),
                NOW,
              );
              expect(answer.ok).toBe(expected);
              if (expected) {
                used.add(n);
                highest = Math.max(highest, n);
              }
            }
          },
        ),
        { numRuns: 30 },
      );
    });

    test("a session's number is claimed in the same step as the budgets", async () => {
      const session = id('s');
      const c = charges([counter('seq', 1, 2)], { sequence: { session, sequence: 0, expires: LATER } });
      await store.replay.epoch();
      expect((await store.budgets.reserve(c, NOW)).ok).toBe(true);
      expect(await store.budgets.reserve(c, NOW)).toMatchObject({ ok: false, code: 'replayed' });
      expect(await store.budgets.left(id('root'), c.counters, NOW)).toEqual([1]);
    });

    test('S7 each kind of revocation refuses the tokens it names and no others', async () => {
      const { revocations } = store;
      const kinds = [
        ['token', hex('token a'), 'acme'],
        ['key', 'k1', 'acme'],
        ['operator', 'operator a', 'acme'],
        ['session', 'session a', 'acme'],
        ['user', 'user a', 'acme'],
        ['model', id('model a'), undefined],
        ['node', id('node a 2'), undefined],
        ['holder', id('holder a 2'), undefined],
      ] as const;
      for (const [kind, value, issuer] of kinds) {
        const each = await open(clock);
        try {
          expect(each.revocations.isRevoked(subject('a'))).toEqual({ ok: true });
          const entry = await each.revocations.add(
            { kind, value, reason: 'stolen', ...(issuer === undefined ? {} : { issuer }) },
            NOW,
          );
          expect(entry).toMatchObject({ kind, value, reason: 'stolen', time: NOW });
          await expect
            .poll(() => each.revocations.isRevoked(subject('a')))
            .toMatchObject({ code: 'revoked', entry: { kind, value } });
          if (kind !== 'key') expect(each.revocations.isRevoked(subject('b'))).toEqual({ ok: true });
          // A name is its issuer's: another's token of the same name lives.
          const other = {
            ...subject('b'),
            issuer: 'other',
            token: hex('token a'),
            key: 'k1',
            operator: 'operator a',
            session: 'session a',
            user: 'user a',
          };
          if (issuer !== undefined) expect(each.revocations.isRevoked(other)).toEqual({ ok: true });
        } finally {
          await each.close();
        }
      }
      expect(revocations.isRevoked(subject('a'))).toEqual({ ok: true });
    });

    test('a feed: cursors, order, watchers; bad entries are refused', async () => {
      const { revocations } = store;
      const seen: string[] = [];
      const stop = revocations.watch((entry) => seen.push(entry.value));
      for (const value of ['u1', 'u2', 'u3'])
        await revocations.add({ kind: 'user', issuer: 'acme', value, reason: '' }, NOW);
      await expect.poll(() => seen).toEqual(['u1', 'u2', 'u3']);
      stop();
      const all = await revocations.since(0);
      expect(all.entries.map((e) => e.value)).toEqual(['u1', 'u2', 'u3']);
      const rest = await revocations.since(all.entries[0]!.seq);
      expect(rest.entries.map((e) => e.value)).toEqual(['u2', 'u3']);
      expect((await revocations.since(rest.cursor)).entries).toEqual([]);
      await revocations.add({ kind: 'user', issuer: 'acme', value: 'u4', reason: '' }, NOW);
      expect((await revocations.since(rest.cursor)).entries.map((e) => e.value)).toEqual(['u4']);
      const bad = [
        { kind: 'user', value: 'x', reason: '' },
        { kind: 'holder', issuer: 'acme', value: 'x', reason: '' },
        { kind: 'user', issuer: 'acme', value: 'a\0b', reason: '' },
        { kind: 'token', issuer: 'acme', value: id('x'), reason: '' },
        { kind: 'model', value: '00'.repeat(32), reason: '' },
        { kind: 'all', issuer: 'acme', value: 'x', reason: '' },
      ] as unknown as Parameters<typeof revocations.add>[0][];
      for (const entry of bad)
        await expect(revocations.add(entry, NOW)).rejects.toMatchObject({ code: 'input_invalid' });
    });

    test('I4 sessions: unknown, closed and expired ones deny; closing revokes; ids are used once', async () => {
      const { sessions } = store;
      const input = { issuer: 'acme', id: 'session a', operator: 'op', user: 'u', expires: NOW + 100 };
      expect(await sessions.check('acme', 'session a', NOW)).toEqual({
        ok: false,
        code: 'session_not_found',
      });
      const opened = await sessions.open(input, NOW);
      expect(opened).toMatchObject({ ...input, opened: NOW, touched: NOW, closed: null });
      expect(await sessions.check('acme', 'session a', NOW)).toMatchObject({ ok: true });
      expect(await sessions.check('other', 'session a', NOW)).toMatchObject({ code: 'session_not_found' });
      expect(await sessions.check('acme', 'session a', NOW + 100)).toMatchObject({ code: 'session_closed' });
      expect(await sessions.touch('acme', 'session a', NOW + 7)).toMatchObject({
        ok: true,
        session: { touched: NOW + 7 },
      });
      expect(await sessions.get('acme', 'session a')).toMatchObject({ touched: NOW + 7 });
      await expect(sessions.open(input, NOW)).rejects.toMatchObject({ code: 'input_invalid' });
      expect(store.revocations.isRevoked(subject('a'))).toEqual({ ok: true });
      expect(await sessions.close('acme', 'session a', 'done', NOW + 8)).toMatchObject({
        closed: NOW + 8,
        reason: 'done',
      });
      expect(await sessions.close('acme', 'session a', 'again', NOW + 9)).toMatchObject({
        closed: NOW + 8,
        reason: 'done',
      });
      expect(await sessions.check('acme', 'session a', NOW + 8)).toMatchObject({ code: 'session_closed' });
      expect(await sessions.touch('acme', 'session a', NOW + 8)).toMatchObject({ code: 'session_closed' });
      await expect.poll(() => store.revocations.isRevoked(subject('a'))).toMatchObject({ code: 'revoked' });
      await expect(sessions.open(input, NOW + 9)).rejects.toMatchObject({ code: 'input_invalid' });
      await expect(sessions.close('acme', 'nobody', '', NOW)).rejects.toMatchObject({
        code: 'session_not_found',
      });
      await expect(sessions.open({ ...input, id: 'late', expires: NOW }, NOW)).rejects.toMatchObject({
        code: 'input_invalid',
      });
      await sessions.open({ issuer: 'acme', id: 'no user', operator: 'op', expires: NOW + 100 }, NOW + 1);
      expect((await sessions.list()).map((s) => [s.id, s.user])).toEqual([
        ['no user', null],
        ['session a', 'u'],
      ]);
    });
  });
}
