// A state file as a store: how it is opened and what is refused, what is given back, the ledger and the figures.
import { existsSync, renameSync, statSync } from 'node:fs';
import type { AmbitError } from '@ambit/core';
import { describe, expect, test, vi } from 'vitest';
import type { SyncStore } from '../src/index.ts';
import { openSqlite } from '../src/sqlite.ts';
import { Connection } from '../src/sqlite/binding.ts';
import { resetFile } from '../src/sqlite/operate.ts';
import { NOW, charges, counter, hex, id, proofClaim } from '../src/testing/make.ts';
import { stateFiles } from './state-files.ts';

const { path } = stateFiles();
const raised = (code: string): unknown => expect.objectContaining({ name: 'AmbitError', code });
const nowSeconds = (): number => NOW;
const turnOver = async (): Promise<void> => {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('the store', () => {
  const sql = async (options: Parameters<typeof openSqlite>[1]): Promise<string> => {
    const exec = vi.spyOn(Connection.prototype, 'exec');
    try {
      await openSqlite(path(), options).close();
      return exec.mock.calls.map(([text]) => text).join('\n');
    } finally {
      exec.mockRestore();
    }
  };
  const user = { issuer: 'acme', token: hex('t'), key: 'k', user: 'u', nodes: [], holders: [] };
  const withStore = async (job: (store: SyncStore, file: string) => Promise<void>): Promise<void> => {
    const file = path();
    const store = openSqlite(file, { nowSeconds });
    try {
      await job(store, file);
    } finally {
      await store.close();
    }
  };

  test('is durable unless it is told otherwise, and has bounds where they are given', async () => {
    for (const options of [{}, { durable: 'full' }] as const) {
      const text = await sql(options);
      expect(text).toContain('pragma synchronous = full');
      expect(text).not.toContain('max_page_count');
    }
    const bounded = await sql({ durable: 'normal', maxBytes: 80 * 4096 + 1 });
    expect(bounded).toContain('pragma synchronous = normal');
    expect(bounded).toContain('pragma max_page_count = 81');
  });

  test('is made for its owner alone, once, with an epoch of its own', async () => {
    const [file, other] = [path(), path()];
    const epochs: string[] = [];
    for (const name of [file, file, other]) {
      const store = openSqlite(name);
      epochs.push(await store.replay.epoch());
      expect(store.budgets.era()).toBe(epochs.at(-1));
      await store.close();
      expect(statSync(name).mode & 0o777).toBe(0o600);
    }
    expect(epochs[0]).toMatch(/^[0-9a-f]{32}$/);
    expect([epochs[1] === epochs[0], epochs[2] === epochs[0]]).toEqual([true, false]);
  });

  test('is refused for another version, older ones with what to do, and for a file without an epoch', async () => {
    const said = async (change: string): Promise<string> => {
      const file = path();
      await openSqlite(file).close();
      const db = new Connection(file);
      db.exec(change);
      db.close();
      try {
        openSqlite(file);
      } catch (error) {
        expect(error).toMatchObject({ code: 'store_corrupt' });
        return (error as AmbitError).message;
      }
      return 'opened';
    };
    const version = (text: string): string => `update meta set value = '${text}' where key = 'version'`;
    expect(await said(version('4'))).toBe('opened');
    expect(await said(version('3'))).toContain('is of version 3; bring it');
    for (const change of [
      version('5'),
      version('x'),
      "delete from meta where key = 'version'",
      "delete from meta where key = 'epoch'",
    ])
      expect(await said(change)).toContain('not an Ambit state file of this version');
  });

  test('is out of reach in a folder that is not there', () => {
    expect(() => openSqlite(`${path()}/nowhere/x.db`)).toThrow(
      expect.objectContaining({
        code: 'store_unavailable',
        cause: expect.objectContaining({ code: 'ENOENT' }) as unknown,
      }),
    );
  });

  test('takes back what it has made of a file that cannot be prepared', () => {
    const file = path();
    const db = new Connection(file);
    db.exec('create table counters(x)');
    db.close();
    expect(() => openSqlite(file)).toThrow(raised('store_unavailable'));
    const after = new Connection(file);
    expect(after.value("select count(*) from sqlite_master where name = 'meta'")).toBe(0);
    after.close();
    expect(existsSync(`${file}-wal`)).toBe(false);
  });

  test('waits for who prepares the file at the same time, until its deadline', () => {
    const file = path();
    const db = new Connection(file);
    db.exec('pragma journal_mode = wal; begin immediate');
    expect(() => openSqlite(file, { timeout: -1 })).toThrow(raised('store_unavailable'));
    db.exec('rollback');
    db.close();
  });

  test('gives back what was reserved here, once, in this life of the file; and asks nobody when there is nothing to give', () =>
    withStore(async (store, file) => {
      const { budgets } = store;
      const take = async (): Promise<Parameters<typeof budgets.settle>[0]> => {
        const answer = await budgets.reserve(charges([counter('c', 4, 100), counter('d', 2, 100)]), NOW);
        if (!answer.ok) throw new Error(answer.code);
        return answer.reservation;
      };
      const left = (): Promise<readonly number[]> =>
        budgets.left('', [counter('c', 0, 100), counter('d', 0, 100)], NOW);
      const [one, two, three, four, five] = [
        await take(),
        await take(),
        await take(),
        await take(),
        await take(),
      ];
      expect(await left()).toEqual([80, 90]);
      expect(await budgets.settle(one, [5, 2])).toBe(false);
      expect(await budgets.settle(one, [1, 2])).toBe(true);
      expect(await left()).toEqual([83, 90]);
      expect(await budgets.settle(one, [0, 0])).toBe(false);
      expect(await budgets.release(two)).toBe(true);
      expect(await left()).toEqual([87, 92]);
      resetFile(file, NOW);
      expect(await budgets.settle(three, [0, 0])).toBe(false);
      expect(await left()).toEqual([87, 92]);
      await store.close();
      expect(await budgets.settle(four, [4, 2])).toBe(true);
      expect(await budgets.release(five)).toBe(false);
      expect(budgets.era()).toBeNull();
    }));

  test('has a ledger that answers at once, as the budgets do', () =>
    withStore(async (store) => {
      const c = charges([counter('c', 6, 10)], { replay: proofClaim('n') });
      expect(store.ledger.apply(c, NOW)).toEqual({ ok: true });
      expect(store.ledger.apply(c, NOW)).toEqual({ ok: false, code: 'replayed', caveat: -1 });
      const next = charges([counter('c', 6, 10)]);
      const refused = { ok: false, code: 'budget_exceeded', caveat: -1, left: 4 };
      expect(store.ledger.apply(next, NOW)).toEqual(refused);
      expect(await store.budgets.reserve(next, NOW)).toEqual(refused);
      const half = charges([counter('c', 0.5, 10, { caveat: 2 })]);
      const wrong = { ok: false, code: 'budget_amount', caveat: 2 };
      expect([store.ledger.apply(half, NOW), await store.budgets.reserve(half, NOW)]).toEqual([wrong, wrong]);
      expect(() => store.ledger.apply(next, NOW * 1000)).toThrow(RangeError);
      await expect(store.budgets.reserve(next, NOW * 1000)).rejects.toThrow(RangeError);
      await expect(store.budgets.left('', [], NOW * 1000)).rejects.toThrow(RangeError);
      expect(await store.budgets.reserve(charges([counter('s', 1, 100)]), NOW, 0.5)).toMatchObject({
        reservation: { amounts: [50] },
      });
    }));

  test('counts what is in the file, and says why when it cannot', () =>
    withStore(async (store, file) => {
      const c = charges([counter('c', 1, 10)], { replay: proofClaim('n') });
      expect((await store.budgets.reserve(c, NOW)).ok).toBe(true);
      await store.sessions.open({ issuer: 'acme', id: 's', operator: 'o', expires: NOW + 9 }, NOW);
      await store.revocations.add({ kind: 'holder', value: id('h'), reason: '' }, NOW);
      const figures = await store.stats();
      expect(figures).toMatchObject({
        backend: 'sqlite',
        rows: { counters: 1, claims: 0, nonces: 1, windows: 0, sessions: 1, revocations: 1 },
        ...{ revocationsAge: null, pushesMissed: 0 },
      });
      expect(figures.bytes! % 4096).toBe(0);
      expect(figures.bytes).toBeGreaterThan(40_000);
      expect(figures.logBytes).toBe(statSync(`${file}-wal`).size);
      renameSync(file, `${file}.moved`);
      await turnOver();
      const failed = { ok: false, code: 'store_corrupt' };
      expect(await store.stats()).toMatchObject({ rows: {}, bytes: null, fault: { code: 'store_corrupt' } });
      expect(await store.budgets.reserve(c, NOW)).toEqual({ ...failed, caveat: -1 });
      expect(store.ledger.apply(c, NOW)).toEqual({ ...failed, caveat: -1 });
      expect(store.revocations.isRevoked(user)).toEqual(failed);
      expect(await store.sessions.check('acme', 's', NOW)).toEqual(failed);
      expect(store.budgets.era()).toBeNull();
      for (const asked of [store.replay.epoch(), store.budgets.left('', [], NOW), store.sessions.list()])
        await expect(asked).rejects.toThrow(raised('store_corrupt'));
    }));
});
