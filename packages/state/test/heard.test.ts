// The view of a pushed list, with a list in this test's hands: what is read when something was said, and what denies.
import { describe, expect, test } from 'vitest';
import { HeardList, type Part } from '../src/heard.ts';
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

/** A list that answers when it is told to, in pages of `page`. */
function world(staleAfter = 60_000, page = 1000) {
  const entries: Revocation[] = [];
  const w = {
    entries,
    ended: 0,
    reads: 0,
    /** Answers that wait until they are let go; null: they don't. */
    held: null as (() => void)[] | null,
    fails: false,
    last: () => entries.at(-1)?.seq ?? 0,
    list: new HeardList(async (cursor): Promise<Part | null> => {
      w.reads++;
      const found = entries.filter(({ seq }) => seq > cursor).slice(0, page);
      const last = w.last();
      if (w.held !== null) await new Promise<void>((resolve) => w.held!.push(resolve));
      if (w.fails) throw new Error('away');
      return { last, entries: found, more: found.length === page, ended: w.ended };
    }, staleAfter),
    code: (user: string) => {
      const answer = w.list.isRevoked(subject(user));
      return answer.ok ? 'ok' : answer.code;
    },
  };
  return w;
}
const steps = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

describe('a list that is heard', () => {
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
});
