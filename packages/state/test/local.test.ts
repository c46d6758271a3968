// Sessions and revocations of the back ends that answer at once, memory and SQLite: each answer is exact, and there
// without waiting. What all back ends have in common is in `src/testing`, which waits for what servers push.
import { describe, expect, test } from 'vitest';
import { GRACE } from '../src/budgets.ts';
import { memoryStore, type Revocation, type RevocationKind, type SyncStore } from '../src/index.ts';
import { openSqlite } from '../src/sqlite.ts';
import { NOW, hex, id } from '../src/testing/make.ts';
import { stateFiles } from './state-files.ts';

const { path } = stateFiles();
const nowSeconds = (): number => NOW;
const STORES: readonly [string, () => SyncStore][] = [
  ['memory', () => memoryStore({ nowSeconds })],
  ['sqlite', () => openSqlite(path(), { nowSeconds })],
];
const raised = (code: string): unknown => expect.objectContaining({ name: 'AmbitError', code });

describe.each(STORES)('%s', (_, fresh) => {
  const withStore = async (job: (store: SyncStore) => Promise<void>): Promise<void> => {
    const store = fresh();
    try {
      await job(store);
    } finally {
      await store.close();
    }
  };
  const input = { issuer: 'acme', id: 's', operator: 'o', user: 'u', expires: NOW + 100 };
  const opened = { ...input, opened: NOW, closed: null, reason: null };
  const bare = { issuer: 'acme', token: hex('t'), key: 'k', nodes: [], holders: [] };

  test('I4 a session is what was opened, until it is closed, once, which revokes it for as long as it would have lived', () =>
    withStore(async ({ sessions, revocations }) => {
      const check: typeof sessions.check = (issuer, name, now) => sessions.check(issuer, name, now);
      expect(await check('acme', 's', NOW)).toEqual({ ok: false, code: 'session_not_found' });
      expect(await sessions.get('acme', 's')).toBeNull();
      expect(await sessions.open(input, NOW)).toEqual(opened);
      expect(await sessions.get('acme', 's')).toEqual(opened);
      expect(await check('acme', 's', NOW + 99)).toEqual({ ok: true, session: opened });
      expect(await check('acme', 's', NOW + 100)).toEqual({ ok: false, code: 'session_closed' });
      expect(await check('acme', 't', NOW)).toEqual({ ok: false, code: 'session_not_found' });
      expect(await check('other', 's', NOW)).toEqual({ ok: false, code: 'session_not_found' });
      await expect(sessions.open({ ...input, operator: 'p' }, NOW)).rejects.toThrow(raised('input_invalid'));
      await expect(sessions.open({ ...input, id: '' }, NOW)).rejects.toThrow(raised('input_invalid'));
      expect(revocations.isRevoked({ ...bare, session: 's' })).toEqual({ ok: true });
      const closed = { ...opened, closed: NOW + 5, reason: 'done' };
      expect(await sessions.close('acme', 's', 'done', NOW + 5)).toEqual(closed);
      const { entries } = await revocations.since(0);
      const entry = { kind: 'session', issuer: 'acme', value: 's', reason: 'done', time: NOW + 5, seq: 1 };
      expect(entries).toEqual([{ ...entry, expires: NOW + 100 }]);
      expect(revocations.isRevoked({ ...bare, session: 's' })).toEqual({
        ok: false,
        code: 'revoked',
        entry: entries[0],
      });
      expect(await check('acme', 's', NOW + 6)).toEqual({ ok: false, code: 'session_closed' });
      expect(await sessions.get('acme', 's')).toEqual(closed);
      expect(await sessions.close('acme', 's', 'again', NOW + 9)).toEqual(closed);
      expect((await revocations.since(0)).entries).toHaveLength(1);
      await expect(sessions.close('acme', 't', '', NOW)).rejects.toThrow(raised('session_not_found'));
      await expect(sessions.close('acme', 't', '', NOW * 1000)).rejects.toThrow();
      await expect(sessions.open(input, NOW + 9)).rejects.toThrow(raised('input_invalid'));
    }));

  test('finding S15 the list of sessions is the newest thousand, those that ended before rows may be gone behind the rest', () =>
    withStore(async ({ sessions }) => {
      const open = (name: string, at: number, expires: number): Promise<unknown> =>
        sessions.open({ issuer: 'acme', id: name, operator: 'o', expires }, at);
      await open('second', NOW - 500, NOW - GRACE + 1);
      await open('ended later', NOW - 200, NOW - GRACE);
      await open('ended', NOW - 300, NOW - GRACE);
      await open('first', NOW - 400, NOW + 100);
      const names = async (): Promise<string[]> => (await sessions.list()).map((s) => s.id);
      expect(await names()).toEqual(['first', 'second', 'ended later', 'ended']);
      await Promise.all(Array.from({ length: 997 }, (_, i) => open(`${i}`, NOW - 450, NOW + 10)));
      const all = await names();
      expect([all.length, all[0], all[998], all[999]]).toEqual([1000, 'first', 'second', 'ended later']);
    }));

  test('finding S15 open sessions come in pages of a thousand', () =>
    withStore(async ({ sessions }) => {
      await Promise.all(
        Array.from({ length: 1001 }, (_, i) => sessions.open({ ...input, id: `s${i}` }, NOW)),
      );
      await sessions.close('acme', 's7', '', NOW);
      const first = await sessions.page(null, NOW);
      expect(first.sessions).toHaveLength(1000);
      expect(new Set(first.sessions.map((s) => s.id)).size).toBe(1000);
      expect(first.cursor).not.toBeNull();
      expect(await sessions.page(first.cursor, NOW)).toEqual({ sessions: [], cursor: null });
      await sessions.open({ ...input, id: 't' }, NOW);
      const second = await sessions.page(first.cursor, NOW);
      expect(second).toEqual({ sessions: [{ ...opened, id: 't' }], cursor: null });
      expect(await sessions.page(null, NOW + 100)).toEqual({ sessions: [], cursor: null });
      for (const cursor of ['', 'x', 'x1', '1x', 'a\0b\0c'])
        await expect(sessions.page(cursor, NOW)).rejects.toThrow(TypeError);
      await expect(sessions.page(null, NOW * 1000)).rejects.toThrow(RangeError);
    }));

  test('S7 each kind of entry is found by what it names, of its issuer, and by nothing else', () =>
    withStore(async ({ revocations }) => {
      const subject = {
        ...{
          issuer: 'acme',
          token: hex('a'),
          key: 'k',
          operator: 'o',
          model: id('m'),
          session: 's',
          user: 'u',
        },
        ...{ nodes: [id('n'), id('n 2')], holders: [id('h'), id('h 2')] },
      };
      const kinds: [RevocationKind, string, boolean][] = [
        ['token', hex('a'), true],
        ['key', 'k', true],
        ['operator', 'o', true],
        ['session', 's', true],
        ['user', 'u', true],
        ['model', id('m'), false],
        ['node', id('n 2'), false],
        ['holder', id('h 2'), false],
      ];
      for (const [i, [kind, value, issued]] of kinds.entries())
        await withStore(async ({ revocations: each }) => {
          expect(each.isRevoked(subject)).toEqual({ ok: true });
          const more = issued ? { issuer: 'acme' } : {};
          const entry = await each.add({ kind, value, reason: 'stolen', ...more }, NOW + i);
          expect(entry).toEqual({ kind, value, reason: 'stolen', ...more, seq: 1, time: NOW + i });
          expect(Object.isFrozen(entry)).toBe(true);
          expect(each.isRevoked(subject)).toEqual({ ok: false, code: 'revoked', entry });
          expect(each.isRevoked(bare)).toEqual(
            kind === 'key' ? { ok: false, code: 'revoked', entry } : { ok: true },
          );
          const other = { ...subject, issuer: 'other', model: id('x'), nodes: [id('n')], holders: [id('h')] };
          expect(each.isRevoked(other)).toEqual({ ok: true });
        });
      expect(revocations.isRevoked(subject)).toEqual({ ok: true });
      await expect(revocations.add({ kind: 'user', value: 'x', reason: '' }, NOW)).rejects.toThrow(
        raised('input_invalid'),
      );
      await expect(
        revocations.add({ kind: 'holder', value: id('x'), reason: '' }, NOW * 1000),
      ).rejects.toThrow(RangeError);
      expect((await revocations.since(0)).entries).toEqual([]);
    }));

  test('a feed of entries by number, a thousand at a time; a watcher is told each once, until it stops', () =>
    withStore(async ({ revocations }) => {
      const add = (value: string): Promise<Revocation> =>
        revocations.add({ kind: 'user', issuer: 'acme', value, reason: '' }, NOW);
      // What this store has found, its watchers have been told.
      const look = (): unknown => revocations.isRevoked({ ...bare, user: 'nobody' });
      await add('before');
      expect(look()).toEqual({ ok: true });
      const [one, two]: [Revocation[], Revocation[]] = [[], []];
      const stopOne = revocations.watch((entry) => {
        one.push(entry);
        if (one.length === 2) stopOne();
      });
      const stopTwo = revocations.watch((entry) => two.push(entry));
      const added: Revocation[] = [];
      for (const value of ['a', 'b', 'c']) {
        added.push(await add(value));
        look();
      }
      expect(added.map((entry) => entry.seq)).toEqual([2, 3, 4]);
      expect(one).toEqual(added.slice(0, 2));
      expect(two).toEqual(added);
      stopTwo();
      stopOne();
      await add('d');
      look();
      expect(two).toEqual(added);
      expect(await revocations.since(1)).toEqual({
        entries: [...added, expect.objectContaining({ value: 'd' })],
        cursor: 5,
      });
      expect(await revocations.since(4)).toEqual({
        entries: [expect.objectContaining({ value: 'd' })],
        cursor: 5,
      });
      expect(await revocations.since(5)).toEqual({ entries: [], cursor: 5 });
      expect(await revocations.since(9)).toEqual({ entries: [], cursor: 9 });
      await Promise.all(Array.from({ length: 996 }, (_, i) => add(`u${i}`)));
      const all = await revocations.since(0);
      expect([all.entries.length, all.entries[0]?.seq, all.cursor]).toEqual([1000, 1, 1000]);
      expect(all.entries.map((entry) => entry.seq)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
      expect(await revocations.since(1000)).toMatchObject({ entries: [{ seq: 1001 }], cursor: 1001 });
    }));
});
