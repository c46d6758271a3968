// The revocation list of a state file that several processes have open: what was there before, what others add, and
// who is told of it.
import { describe, expect, test, vi } from 'vitest';
import type { Revocation, RevocationInput, SyncStore } from '../src/index.ts';
import { openSqlite } from '../src/sqlite.ts';
import { Connection } from '../src/sqlite/binding.ts';
import { sumOf } from '../src/sqlite/sums.ts';
import { NOW, hex, id } from '../src/testing/make.ts';
import { stateFiles } from './state-files.ts';

const { path } = stateFiles();
const bare = { issuer: 'acme', token: hex('t'), key: 'k', nodes: [], holders: [] };
const user = (value: string, more: Partial<RevocationInput> = {}): RevocationInput => ({
  ...{ kind: 'user', issuer: 'acme', value, reason: '' },
  ...more,
});
/** In a turn of its own, so that the file is asked again. */
const isRevoked = async (store: SyncStore, name: string): Promise<unknown> => {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  const answer = store.revocations.isRevoked({ ...bare, user: name });
  return answer.ok ? 'ok' : answer.code === 'revoked' ? answer.entry.seq : answer.code;
};
async function withTwo(
  job: (mine: SyncStore, other: SyncStore, file: string) => Promise<void>,
  before: readonly RevocationInput[] = [],
): Promise<void> {
  const file = path();
  const open = (): SyncStore => openSqlite(file, { nowSeconds: () => NOW });
  const other = open();
  for (const input of before) await other.revocations.add(input, NOW);
  const mine = open();
  try {
    await job(mine, other, file);
  } finally {
    await mine.close();
    await other.close();
  }
}

test('what was there before is found by its name, what others add as well, each once asked in a later turn', () =>
  withTwo(
    async (mine, other) => {
      const asked = (): Promise<unknown[]> =>
        Promise.all(['before', 'later', 'nobody'].map((name) => isRevoked(mine, name)));
      expect(await asked()).toEqual([2, 'ok', 'ok']);
      await other.revocations.add(user('later'), NOW);
      expect(await asked()).toEqual([2, 3, 'ok']);
      // What this process adds is found at once.
      await mine.revocations.add(user('mine'), NOW);
      const subject = { ...bare, user: 'mine' };
      for (let i = 0; i < 2; i++)
        expect(mine.revocations.isRevoked(subject)).toMatchObject({ entry: { seq: 4 } });
    },
    [user('other', { issuer: 'other' }), user('before')],
  ));

test('of several entries that name a token, the one told is the first by kind, and of a name the one that ends last', () =>
  withTwo(
    async (mine) => {
      const subject = { ...bare, user: 'a', holders: [id('h')] };
      expect(mine.revocations.isRevoked(subject)).toMatchObject({ entry: { kind: 'token', seq: 3 } });
      expect(mine.revocations.isRevoked({ ...bare, token: hex('u'), user: 'a' })).toMatchObject({
        entry: { seq: 5 },
      });
    },
    [
      { kind: 'holder', value: id('h'), reason: '' },
      user('a', { expires: NOW + 500 }),
      { kind: 'token', issuer: 'acme', value: hex('t'), reason: '' },
      user('a', { expires: NOW + 400 }),
      user('a', { expires: NOW + 900 }),
    ],
  ));

test('S7 a revocation list that went back in time is stale', () =>
  withTwo(async (mine, _, file) => {
    await mine.revocations.add(user('a'), NOW);
    await mine.revocations.add(user('b'), NOW);
    expect(await isRevoked(mine, 'nobody')).toBe('ok');
    const db = new Connection(file);
    const last = (seq: number): void =>
      db.exec(`update sqlite_sequence set seq = ${seq} where name = 'revocations'`);
    last(1);
    expect(await isRevoked(mine, 'nobody')).toBe('revocations_stale');
    expect(await isRevoked(mine, 'a')).toBe('revocations_stale');
    expect(mine.revocations.isRevoked(bare)).toEqual({ ok: false, code: 'revocations_stale' });
    last(2);
    expect(await isRevoked(mine, 'a')).toBe(1);
    db.exec('delete from sqlite_sequence');
    expect(await isRevoked(mine, 'a')).toBe('revocations_stale');
    // A number that was given, though its entry is gone.
    db.exec("insert into sqlite_sequence values ('revocations', 7)");
    expect(await isRevoked(mine, 'nobody')).toBe('ok');
    db.close();
  }));

test('finding S15 more entries than are held at once are all found, and all are told', () =>
  withTwo(async (mine, _, file) => {
    expect(await isRevoked(mine, 'u0')).toBe('ok');
    const told: number[] = [];
    mine.revocations.watch((entry) => told.push(entry.seq));
    const db = new Connection(file);
    const put = db.prepare(
      'insert into revocations(kind, issuer, value, reason, time, expires, sum) values (?, ?, ?, ?, ?, ?, ?)',
    );
    db.exec('begin');
    for (let i = 0; i < 4100; i++) {
      const row = ['user', 'acme', `u${i}`, '', NOW, null];
      put.run(...row, sumOf(row));
    }
    db.exec('commit');
    db.close();
    for (const i of [0, 999, 1000, 4095, 4099]) expect(await isRevoked(mine, `u${i}`)).toBe(i + 1);
    expect(await isRevoked(mine, 'u4100')).toBe('ok');
    expect(told).toEqual(Array.from({ length: 4100 }, (__, i) => i + 1));
  }));

describe('a watcher', () => {
  /** The timers that are running, by their callbacks. */
  function timers(): { readonly running: Map<unknown, () => void>; readonly restore: () => void } {
    const running = new Map<unknown, () => void>();
    const { setInterval, clearInterval } = globalThis;
    // Timers of others, who runs the test among them, are theirs.
    const start = vi.spyOn(globalThis, 'setInterval').mockImplementation((callback, ms) => {
      if (ms !== 25) return setInterval(callback, ms);
      const timer = { unref: () => timer };
      running.set(timer, callback);
      return timer as unknown as NodeJS.Timeout;
    });
    const stop = vi.spyOn(globalThis, 'clearInterval').mockImplementation((timer) => {
      if (!running.delete(timer)) clearInterval(timer);
    });
    const restore = (): void => {
      start.mockRestore();
      stop.mockRestore();
    };
    return { running, restore };
  }
  const withTimers = async (
    job: (tick: () => void, count: () => number, mine: SyncStore, other: SyncStore) => Promise<void>,
    before: readonly RevocationInput[] = [],
  ): Promise<void> => {
    const { running, restore } = timers();
    const tick = (): void => {
      for (const callback of running.values()) callback();
    };
    try {
      await withTwo((mine, other) => job(tick, () => running.size, mine, other), before);
      expect(running.size).toBe(0);
    } finally {
      restore();
    }
  };

  test.each([
    ['an empty list', []],
    ['one with entries', [user('before')]],
  ])('is told by a timer of what others add, and not of what was there before: %s', (_, before) =>
    withTimers(async (tick, count, mine, other) => {
      const seen: Revocation[] = [];
      mine.revocations.watch((entry) => seen.push(entry));
      tick();
      expect(seen).toEqual([]);
      const added: Revocation[] = [];
      for (const name of ['a', 'b']) {
        added.push(await other.revocations.add(user(name), NOW));
        tick();
        expect(seen).toEqual(added);
      }
      tick();
      expect(seen).toEqual(added);
      expect(count()).toBe(1);
    }, before),
  );

  test('shares one timer with the others, which the last to stop stops', () =>
    withTimers(async (tick, count, mine, other) => {
      const seen: string[] = [];
      expect(count()).toBe(0);
      const stops = ['a', 'b'].map((name) => mine.revocations.watch(() => seen.push(name)));
      expect(count()).toBe(1);
      stops[0]!();
      stops[0]!();
      expect(count()).toBe(1);
      await other.revocations.add(user('x'), NOW);
      tick();
      expect(seen).toEqual(['b']);
      stops[1]!();
      expect(count()).toBe(0);
      stops[1]!();
      mine.revocations.watch(() => seen.push('c'));
      expect(count()).toBe(1);
      await other.revocations.add(user('y'), NOW);
      tick();
      expect(seen).toEqual(['b', 'c']);
    }));

  test('outlives a file that cannot be read, and hears no more when the store is closed', async () => {
    const { running, restore } = timers();
    try {
      const store = openSqlite(path());
      store.revocations.watch(() => undefined);
      const [look] = running.values();
      await store.close();
      expect(running.size).toBe(0);
      expect(look).not.toThrow();
    } finally {
      restore();
    }
  });
});
