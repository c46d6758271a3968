// The view of a pushed list, with a list in this test's hands: what is read when something was said, and what denies.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { HeardList, heardRevocations, type ListServer, type Part } from '../src/heard.ts';
import type { Named } from '../src/named.ts';
import { Remembered } from '../src/remembered.ts';
import type { Revocation } from '../src/index.ts';
import { newSession } from '../src/sessions.ts';
import { NOW } from '../src/testing/make.ts';

const subject = (user: string) => ({ issuer: 'acme', token: 't', key: 'k', user, nodes: [], holders: [] });
const entry = (seq: number, more: Partial<Revocation> = {}): Revocation => ({
  seq,
  kind: 'user',
  issuer: 'acme',
  value: `user ${seq}`,
  reason: '',
  time: NOW,
  ...more,
});

/** A list that answers when it is told to, in pages of `page`; with `byName` it can be asked by name, as far as `named`. */
function world(staleAfter = 60_000, page = 1000, byName = false) {
  const entries: Revocation[] = [];
  const w = {
    entries,
    ended: 0,
    reads: 0,
    /** Answers that wait until they are let go; null: they don't. */
    held: null as (() => void)[] | null,
    fails: false,
    /** Questions by name, and the number up to which they are answered; Infinity: the last. */
    asked: [] as string[][],
    named: Infinity,
    /** Whether who begins is told that the list is long. */
    long: false,
    last: (): number => entries.at(-1)?.seq ?? 0,
    list: new HeardList(
      async (cursor, first): Promise<Part | null> => {
        w.reads++;
        if (first && w.long)
          return { last: w.last(), entries: [], more: false, ended: 0, named: w.last(), long: true };
        const found = entries.filter(({ seq }) => seq > cursor).slice(0, page);
        const last = w.last();
        if (w.held !== null) await new Promise<void>((resolve) => w.held!.push(resolve));
        if (w.fails) throw new Error('away');
        const named = Math.min(w.named, last);
        return { last, entries: found, more: found.length === page, ended: w.ended, named };
      },
      staleAfter,
      byName
        ? async (names): Promise<Named> => {
            w.asked.push(names.map(([, , value]) => value));
            const upto = Math.min(w.named, w.last());
            const found = entries.filter(
              ({ seq, kind, value }) =>
                seq <= upto && names.some((name) => name[0] === kind && name[2] === value),
            );
            if (w.held !== null) await new Promise<void>((resolve) => w.held!.push(resolve));
            if (w.fails) throw new Error('away');
            return { upto, entries: found };
          }
        : null,
    ),
    code: (user: string): string => {
      const answer = w.list.isRevoked(subject(user));
      return answer.ok ? 'ok' : answer.code;
    },
  };
  return w;
}
/** Adds entries up to a number. */
const grow = (w: ReturnType<typeof world>, to: number, more: Partial<Revocation> = {}): void => {
  for (let seq = w.last() + 1; seq <= to; seq++) w.entries.push(entry(seq, more));
};
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);
const steps = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

afterEach(() => vi.restoreAllMocks());
/** The monotonic clock from here on, in the test's hands. */
function clock(): { now: number } {
  const at = { now: 1000 };
  vi.spyOn(performance, 'now').mockImplementation(() => at.now);
  return at;
}

describe('a list that is heard', () => {
  test('L9 is fresh up to its age, counted from before the question', async () => {
    const at = clock();
    const w = world(30);
    expect(w.list.age).toBe(Infinity);
    w.held = [];
    const reading = w.list.sync();
    at.now = 1010;
    w.held[0]!();
    await reading;
    expect([w.list.age, w.list.fresh, w.code('a')]).toEqual([10, true, 'ok']);
    at.now = 1030;
    expect([w.list.age, w.list.fresh, w.code('a')]).toEqual([30, true, 'ok']);
    at.now = 1031;
    expect([w.list.fresh, w.code('a')]).toEqual([false, 'revocations_stale']);
  });

  test('S7 L14 is not confirmed by numbers that went back, nor by what is not to be believed', async () => {
    const at = clock();
    const w = world(30);
    grow(w, 3);
    await w.list.sync();
    at.now += 20;
    w.entries.length = 1;
    await w.list.sync();
    expect(w.list.age).toBe(20);
    // The same number is no step back.
    grow(w, 3);
    await w.list.sync();
    expect([w.list.age, w.list.missed]).toEqual([0, 0]);
    let calls = 0;
    const doubtful = new HeardList(async () => (calls++, null), 30);
    await doubtful.sync();
    expect([calls, doubtful.fresh, doubtful.age]).toEqual([1, false, Infinity]);
  });

  test('is held, however long, where it cannot be asked by name', async () => {
    const w = world();
    grow(w, 5000);
    await w.list.sync();
    expect([w.list.whole, w.list.size, w.code('user 1'), w.code('nobody')]).toEqual([
      true,
      5000,
      'revoked',
      'ok',
    ]);
  });

  test('finding S3 is read by who asks between two readings, and by one more for all who ask after', async () => {
    const w = world();
    w.held = [];
    const first = w.list.sync();
    const between = first.then(() => void w.list.sync());
    const second = w.list.sync();
    w.held.shift()!();
    await between;
    await steps();
    expect(w.reads).toBe(3);
    // The one that began between has ended; the other goes on, so the next waits for it.
    w.held.shift()!();
    await steps();
    const third = w.list.sync();
    await steps();
    expect(w.reads).toBe(3);
    w.held.shift()!();
    await second;
    await steps();
    expect(w.reads).toBe(4);
    w.held.shift()!();
    await third;
  });

  test('L9 is stale until it was read, and when it was not confirmed for too long', async () => {
    const w = world(30);
    expect(w.code('user 1')).toBe('revocations_stale');
    await w.list.sync();
    // The age counts from when the question was asked, and a test may stop for as long as the age here.
    await expect.poll(() => w.code('user 1'), { interval: 5 }).toBe('revocations_stale');
    w.list.take([entry(1)]);
    expect(w.code('user 1')).toBe('revoked');
  });

  test('S7 what was said is read, page by page, and told to who watches', async () => {
    const w = world(60_000, 2);
    await w.list.sync();
    const told: number[] = [];
    const stop = w.list.watch(({ seq }) => told.push(seq));
    for (let seq = 1; seq <= 5; seq++) w.entries.push(entry(seq));
    w.list.hear();
    await w.list.unread();
    expect(told).toEqual([1, 2, 3, 4, 5]);
    expect(['user 1', 'user 5', 'user 6'].map(w.code)).toEqual(['revoked', 'revoked', 'ok']);
    stop();
    w.entries.push(entry(6));
    await w.list.sync();
    expect(told.length).toBe(5);
    expect([w.list.size, w.list.missed]).toEqual([6, 5]);
  });

  test('finding S3 what is said while a reading is under way is read by another one, and counts as unread till then', async () => {
    const w = world();
    await w.list.sync();
    expect(w.list.unread()).toBe(null);
    w.held = [];
    w.list.hear();
    w.entries.push(entry(1));
    w.list.hear();
    w.list.hear();
    let read = false;
    void w.list.unread()!.then(() => (read = true));
    // The first reading began before the entry was there.
    w.held.shift()!();
    await steps();
    expect([read, w.code('user 1'), w.reads]).toEqual([false, 'ok', 3]);
    expect(w.list.unread()).not.toBe(null);
    w.held.shift()!();
    await steps();
    expect([read, w.code('user 1'), w.reads]).toEqual([true, 'revoked', 3]);
    expect([w.held, w.list.unread()]).toEqual([[], null]);
  });

  test('finding S3 L9 a list that something was said of, and that could not be read, is stale until it is read', async () => {
    const w = world();
    await w.list.sync();
    w.fails = true;
    await expect(w.list.sync()).rejects.toThrow('away');
    // A look that fails leaves the age to decide; a message that can't be followed does not.
    expect(w.code('user 1')).toBe('ok');
    w.list.hear();
    expect(w.code('user 1')).toBe('ok');
    await w.list.unread();
    expect(w.code('user 1')).toBe('revocations_stale');
    await expect(w.list.sync()).rejects.toThrow('away');
    expect(w.code('user 1')).toBe('revocations_stale');
    w.fails = false;
    await w.list.sync();
    expect(w.code('user 1')).toBe('ok');
  });

  test('S7 L14 numbers that went back confirm nothing, and what is known stays known', async () => {
    const w = world(30);
    for (let seq = 1; seq <= 3; seq++) w.entries.push(entry(seq));
    await w.list.sync();
    w.entries.length = 1;
    await expect
      .poll(async () => (await w.list.sync(), w.code('user 9')), { interval: 5 })
      .toBe('revocations_stale');
    expect(w.code('user 3')).toBe('revoked');
  });

  test('finding S15 entries that have ended are not held', async () => {
    const w = world();
    w.entries.push(entry(1, { expires: NOW + 10 }), entry(2, { expires: NOW + 11 }), entry(3));
    w.ended = NOW + 9;
    await w.list.sync();
    expect(w.list.size).toBe(3);
    w.ended = NOW + 10;
    await w.list.sync();
    expect([w.list.size, w.code('user 1'), w.code('user 2')]).toEqual([2, 'ok', 'revoked']);
  });

  test('finding S15 nor are they while the rest of a long list is read', async () => {
    const w = world(60_000, 10);
    w.ended = NOW;
    for (let seq = 1; seq <= 200; seq++) w.entries.push(entry(seq, seq % 20 === 0 ? {} : { expires: NOW }));
    let most = 0;
    const reading = w.list.sync();
    for (let at = 0; at < 100; at++) {
      await Promise.resolve();
      most = Math.max(most, w.list.size);
    }
    await reading;
    expect([most, w.list.size, w.reads]).toEqual([10, 10, 21]);
    expect(['user 19', 'user 20', 'user 200'].map(w.code)).toEqual(['ok', 'revoked', 'revoked']);
  });

  test('finding S13 entries are missed when no message has brought them, from the second reading on', async () => {
    const w = world();
    w.entries.push(entry(1));
    await w.list.sync();
    expect(w.list.missed).toBe(0);
    w.entries.push(entry(2), entry(3));
    w.list.hear();
    await w.list.unread();
    expect(w.list.missed).toBe(1);
    w.entries.push(entry(4));
    await w.list.sync();
    expect(w.list.missed).toBe(2);
    w.list.take([entry(5)]);
    w.entries.push(entry(5));
    await w.list.sync();
    expect(w.list.missed).toBe(2);
  });
});

describe('a list that is too long to be held', () => {
  const long = (): ReturnType<typeof world> => world(60_000, 1000, true);

  test('finding S15 is not read to its end by who begins; up to 4,096 entries are held', async () => {
    const w = long();
    grow(w, 4096);
    await w.list.sync();
    expect([w.list.whole, w.list.size, w.list.ask(subject('user 9'))]).toEqual([true, 4096, null]);
    const v = long();
    grow(v, 50_000);
    await v.list.sync();
    expect([v.list.whole, v.list.size, v.reads, v.list.missed]).toEqual([false, 0, 6, 0]);
    // Nobody was told of a list that was there before.
    expect(v.code('user 1')).toBe('revocations_stale');
    const u = long();
    grow(u, 5000);
    u.long = true;
    await u.list.sync();
    expect([u.list.whole, u.list.size, u.reads]).toEqual([false, 0, 1]);
    expect(u.code('user 1')).toBe('revocations_stale');
    grow(u, 5001);
    await u.list.sync();
    expect(u.code('user 5001')).toBe('revoked');
  });

  test('finding S15 is let go when it grows, told of one by one, and again each time 4,096 more are held', async () => {
    const w = long();
    grow(w, 4000);
    await w.list.sync();
    const told: number[] = [];
    w.list.watch(({ seq }) => told.push(seq));
    expect(w.code('user 1')).toBe('revoked');
    for (const [to, size] of [
      [4096, 4096],
      [4097, 0],
      [8193, 4096],
      [8194, 0],
      // A burst is read page by page, and never held whole.
      [20_000, 11_806 - 2 * 5000],
    ] as const) {
      grow(w, to);
      w.list.hear();
      await w.list.unread();
      expect([to, w.list.size]).toEqual([to, size]);
    }
    expect([told.length, told.at(-1), w.list.whole]).toEqual([16_000, 20_000, false]);
    expect(w.code('user 20000')).toBe('revoked');
    expect(w.code('user 1')).toBe('revocations_stale');
  });

  test('S7 is asked about each token once, with what others ask in the same turn, and again when it was let go', async () => {
    const w = long();
    grow(w, 5000);
    await w.list.sync();
    const [one, two, same] = [subject('user 1'), subject('nobody'), subject('nobody')];
    const answers = await Promise.all([one, two, same].map(async (each) => w.list.ask(each)));
    expect(answers).toMatchObject([{ code: 'revoked', entry: { seq: 1 } }, { ok: true }, { ok: true }]);
    expect(w.asked.map((names) => names.toSorted())).toEqual([['k', 'nobody', 't', 'user 1']]);
    expect([one, two, same].map((each) => w.list.ask(each))).toEqual([null, null, null]);
    expect([w.list.isRevoked(one).ok, w.list.isRevoked(two).ok]).toEqual([false, true]);
    // What was said comes on top of what was found.
    w.entries.push(entry(5001, { value: 'nobody' }));
    w.list.hear();
    await w.list.unread();
    expect([two, same].map((each) => w.list.isRevoked(each).ok)).toEqual([false, false]);
    grow(w, 9998);
    await w.list.sync();
    expect(w.list.isRevoked(two)).toMatchObject({ code: 'revocations_stale' });
    expect(await w.list.ask(two)).toMatchObject({ code: 'revoked', entry: { seq: 5001 } });
  });

  test('S7 L9 an answer that is older than what is held is not believed', async () => {
    const w = long();
    grow(w, 5000);
    await w.list.sync();
    w.held = [];
    const about = subject('user 5001');
    const asking = w.list.ask(about)!;
    await steps();
    grow(w, 9998);
    const reading = w.list.sync();
    // The list is read and let go; then the answer of before comes.
    for (let page = 0; page < 6; page++) {
      await steps();
      w.held.splice(1).forEach((go) => go());
    }
    await reading;
    expect(w.list.size).toBe(0);
    w.held.splice(0).forEach((go) => go());
    expect(await asking).toMatchObject({ code: 'revocations_stale' });
    w.held = null;
    expect(await w.list.ask(about)).toMatchObject({ code: 'revoked' });
  });

  test('S7 what this process has added is held also when the list is let go before it was read', async () => {
    const w = long();
    grow(w, 4000);
    await w.list.sync();
    const about = subject('mine');
    grow(w, 4990);
    w.held = [];
    const reading = w.list.sync();
    await steps();
    // Added after the page was read, and acknowledged before it arrives.
    w.entries.push(entry(4991, { value: 'mine' }));
    w.list.take([entry(4991, { value: 'mine' })]);
    w.held.splice(0).forEach((go) => go());
    w.held = null;
    await reading;
    expect([w.list.whole, w.list.size]).toEqual([false, 1]);
    expect(w.list.isRevoked(about)).toMatchObject({ code: 'revoked' });
    expect(w.list.isRevoked(subject('user 4990'))).toMatchObject({ code: 'revocations_stale' });
  });

  test('finding S15 is held as long as it cannot be asked by name so far', async () => {
    const w = long();
    w.named = 0;
    grow(w, 5000);
    await w.list.sync();
    expect([w.list.whole, w.list.size]).toEqual([true, 5000]);
    expect(['user 1', 'user 5001'].map(w.code)).toEqual(['revoked', 'ok']);
    w.named = 4999;
    grow(w, 5001);
    await w.list.sync();
    expect([w.list.whole, w.list.size]).toEqual([true, 5001]);
    w.named = 5002;
    grow(w, 5002);
    await w.list.sync();
    expect([w.list.whole, w.list.size]).toEqual([false, 0]);
    // Who begins goes on from where it can be asked.
    const v = long();
    v.named = 8000;
    grow(v, 9000);
    await v.list.sync();
    expect([v.list.whole, v.list.size, v.reads]).toEqual([false, 1000, 7]);
    expect(await v.list.ask(subject('user 8000'))).toMatchObject({ code: 'revoked' });
    expect(v.code('user 8001')).toBe('revoked');
    expect(await v.list.ask(subject('user 9001'))).toEqual({ ok: true });
  });

  test('finding S15 what was found counts until it has ended', async () => {
    const w = long();
    w.ended = NOW;
    grow(w, 5000, { expires: NOW + 10 });
    await w.list.sync();
    const about = subject('user 1');
    expect(await w.list.ask(about)).toMatchObject({ code: 'revoked' });
    w.ended = NOW + 9;
    await w.list.sync();
    expect(w.list.isRevoked(about)).toMatchObject({ code: 'revoked' });
    w.ended = NOW + 10;
    await w.list.sync();
    expect(w.list.isRevoked(about)).toMatchObject({ code: 'revocations_stale' });
    expect(await w.list.ask(about)).toEqual({ ok: true });
  });

  test('L9 a question that is not answered fails all who wait for it and behind it, and is asked again', async () => {
    const w = long();
    grow(w, 5000);
    await w.list.sync();
    w.held = [];
    w.fails = true;
    const first = w.list.ask(subject('user 1'))!;
    await steps();
    const behind = w.list.ask(subject('user 2'))!;
    const both = Promise.allSettled([first, behind]);
    w.held.splice(0).forEach((go) => go());
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(w.asked.length).toBe(1);
    w.held = null;
    w.fails = false;
    expect(w.code('user 1')).toBe('revocations_stale');
    expect(await w.list.ask(subject('user 1'))).toMatchObject({ code: 'revoked' });
  });

  test('finding S15 a burst of new tokens is a few questions of a thousand names', async () => {
    const w = long();
    grow(w, 5000);
    await w.list.sync();
    const burst = Array.from({ length: 2000 }, (_, i) => subject(`user ${i + 4001}`));
    const answers = await Promise.all(burst.map(async (each) => w.list.ask(each)));
    expect(answers.map((answer) => answer!.ok)).toEqual(burst.map((_, i) => i >= 1000));
    expect(w.asked.map(({ length }) => length)).toEqual([1000, 1000, 6]);
  });

  test('L9 is not asked while it is stale, nor where it is known that somebody is out', async () => {
    const w = world(60_000, 1000, true);
    expect(w.list.ask(subject('a'))).toBe(null);
    grow(w, 5000);
    await w.list.sync();
    w.list.take([entry(5001, { value: 'a' })]);
    expect(w.list.ask(subject('a'))).toBe(null);
    w.fails = true;
    w.list.hear();
    await w.list.unread();
    expect(w.list.ask(subject('b'))).toBe(null);
    expect([w.code('a'), w.code('b')]).toEqual(['revoked', 'revocations_stale']);
  });

  test('finding S3 nothing is stale in the moment between a reading and the one that follows it', async () => {
    const w = world();
    await w.list.sync();
    w.held = [];
    w.list.hear();
    w.list.hear();
    const codes = new Set<string>();
    w.held.splice(0).forEach((go) => go());
    for (let step = 0; step < 20; step++) {
      codes.add(w.code('a'));
      await Promise.resolve();
    }
    w.held.splice(0).forEach((go) => go());
    await w.list.unread();
    expect([[...codes], w.reads]).toEqual([['ok'], 3]);
  });
});

describe('revocations over a heard list', () => {
  function served(w: ReturnType<typeof world>, server: Partial<ListServer> = {}) {
    const failed: unknown[] = [];
    const revocations = heardRevocations(
      w.list,
      { add: async () => 7, since: async () => [], ...server },
      () => 'store_full',
      (error) => failed.push(error),
    );
    return { failed, revocations };
  }
  const input = { kind: 'user', issuer: 'acme', value: 'user 7', reason: 'left' } as const;

  test('S7 who adds an entry holds it at once, under the number that the server gave it', async () => {
    const w = world();
    await w.list.sync();
    const given: unknown[] = [];
    const told: unknown[] = [];
    const { revocations } = served(w, { add: async (each) => (given.push(each), 7) });
    const stop = revocations.watch((each) => told.push(each));
    const added = await revocations.add(input, NOW);
    expect(added).toEqual({ ...input, time: NOW, seq: 7 });
    expect(Object.isFrozen(added)).toBe(true);
    expect([given, told]).toEqual([[{ ...input, time: NOW }], [added]]);
    expect(revocations.isRevoked(subject('user 7'))).toEqual({ ok: false, code: 'revoked', entry: added });
    stop();
    expect(revocations.unread!()).toBe(null);
    w.held = [];
    w.list.hear();
    expect(revocations.unread!()).toBe(w.list.unread());
    w.held[0]!();
    await w.list.unread();
  });

  test('what is wrong, or not dated in Unix seconds, does not reach the server; its faults have their code', async () => {
    const w = world();
    const down = new Error('down');
    let asked = 0;
    const fails = async (): Promise<never> => {
      asked++;
      throw down;
    };
    const { revocations, failed } = served(w, { add: fails, since: fails });
    await expect(revocations.add({ ...input, value: '' }, NOW)).rejects.toMatchObject({
      code: 'input_invalid',
    });
    await expect(revocations.add(input, NOW * 1000)).rejects.toThrow(RangeError);
    expect(asked).toBe(0);
    await expect(revocations.add(input, NOW)).rejects.toMatchObject({ code: 'store_full', cause: down });
    await expect(revocations.since(0)).rejects.toMatchObject({ code: 'store_full', cause: down });
    expect([asked, w.list.size, failed]).toEqual([2, 0, []]);
  });

  test('give a page and the cursor behind it, the same where there is nothing more', async () => {
    const asked: number[] = [];
    const page = [entry(4), entry(6), entry(9)];
    const { revocations } = served(world(), { since: async (at) => (asked.push(at), at < 9 ? page : []) });
    expect(await revocations.since(3)).toEqual({ entries: page, cursor: 9 });
    expect(await revocations.since(9)).toEqual({ entries: [], cursor: 9 });
    expect(asked).toEqual([3, 9]);
  });

  test('S13 what was pushed while a question by name failed is out, and no fault that somebody may proceed on', async () => {
    const w = world(60_000, 1000, true);
    const { revocations } = served(w);
    grow(w, 5000);
    await w.list.sync();
    w.held = [];
    const asking = revocations.ask!(subject('late'));
    await vi.waitFor(() => expect(w.held).toHaveLength(1));
    w.list.take([entry(5001, { value: 'late' })]);
    w.fails = true;
    w.held[0]!();
    expect(await asking).toMatchObject({ code: 'revoked', entry: { seq: 5001 } });
  });

  test('L9 a question by name that fails is a fault, and is told of; what needs no question asks none', async () => {
    const w = world(60_000, 1000, true);
    const { revocations, failed } = served(w);
    expect(revocations.ask!(subject('a'))).toBe(null);
    grow(w, 5000);
    await w.list.sync();
    expect(await revocations.ask!(subject('a'))).toEqual({ ok: true });
    expect(await revocations.ask!(subject('user 1'))).toMatchObject({ code: 'revoked' });
    w.fails = true;
    expect(await revocations.ask!(subject('b'))).toEqual({ ok: false, code: 'store_full' });
    expect(failed).toEqual([new Error('away')]);
  });
});

describe('sessions remembered', () => {
  const session = (id: string) => newSession({ issuer: 'acme', id, operator: 'op', expires: NOW + 100 }, NOW);

  test('I4 count while they are open, their revocation was not heard, and the list is fresh', async () => {
    const w = world();
    const open = new Remembered(w.list);
    open.add(session('a'));
    expect(open.find('acme', 'a', NOW)).toBe(null);
    await w.list.sync();
    expect(open.find('acme', 'a', NOW + 99)).toMatchObject({ id: 'a' });
    expect(open.find('acme', 'a', NOW + 100)).toBe(null);
    expect(open.find('other', 'a', NOW)).toBe(null);
    w.list.take([entry(1, { value: 'a' })]);
    expect(open.find('acme', 'a', NOW)).not.toBe(null);
    w.list.take([entry(2, { kind: 'session', value: 'a' })]);
    expect(open.find('acme', 'a', NOW)).toBe(null);
  });

  test('I4 none is remembered before the list was read: its closing may be passed over', async () => {
    const w = world();
    const open = new Remembered(w.list);
    const get = async () => session('a');
    const fault = () => 'store_unavailable' as const;
    expect(await open.check(['acme', 'a', NOW], get, fault)).toMatchObject({ ok: true });
    await w.list.sync();
    expect(open.find('acme', 'a', NOW)).toBe(null);
    expect(await open.check(['acme', 'a', NOW], get, fault)).toMatchObject({ ok: true });
    expect(open.find('acme', 'a', NOW)).toMatchObject({ id: 'a' });
  });

  test('finding S19 are 4,096, and the one asked for longest ago goes', async () => {
    const w = world();
    await w.list.sync();
    const open = new Remembered(w.list);
    for (let i = 0; i < 4096; i++) open.add(session(`s${i}`));
    open.add(session('s0'));
    open.add(session('one more'));
    expect(['s0', 's1', 's2', 's4095', 'one more'].map((id) => open.find('acme', id, NOW) !== null)).toEqual([
      true,
      false,
      true,
      true,
      true,
    ]);
  });

  test('L9 a fault of the server denies, and what is known to be open does not ask it', async () => {
    const w = world();
    await w.list.sync();
    const open = new Remembered(w.list);
    const down = new Error('down');
    let asked = 0;
    const get = async (): Promise<never> => {
      asked++;
      throw down;
    };
    const fault = (error: unknown) => (error === down ? ('store_full' as const) : ('store_corrupt' as const));
    expect(await open.check(['acme', 'a', NOW], get, fault)).toEqual({ ok: false, code: 'store_full' });
    open.add(session('a'));
    expect(open.check(['acme', 'a', NOW], get, fault)).toEqual({ ok: true, session: session('a') });
    expect(asked).toBe(1);
    open.forget('other', 'a');
    expect(open.find('acme', 'a', NOW)).not.toBe(null);
    open.forget('acme', 'a');
    expect(open.find('acme', 'a', NOW)).toBe(null);
  });

  test('I4 one that is unknown, closed or over is not remembered', async () => {
    const w = world();
    await w.list.sync();
    const open = new Remembered(w.list);
    const check = async (found: ReturnType<typeof session> | null, now = NOW): Promise<string> =>
      code(
        await open.check(
          ['acme', 'a', now],
          async () => found,
          () => 'store_full',
        ),
      );
    expect(await check(null)).toBe('session_not_found');
    expect(await check({ ...session('a'), closed: NOW })).toBe('session_closed');
    expect(await check(session('a'), NOW + 100)).toBe('session_closed');
    expect(open.find('acme', 'a', NOW)).toBe(null);
    expect(await check(session('a'))).toBe('ok');
    expect(await check(null)).toBe('ok');
  });
});
