// What becomes of a state file while it is open (attack catalogue W2 and W4, findings S2, S8, S9, S11): whatever
// can be noticed denies at once, and nothing in a file ends the process.
import {
  copyFileSync,
  linkSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AmbitError } from '@ambit/core';
import type { SyncStore } from '../src/index.ts';
import { openSqlite } from '../src/sqlite.ts';
import { Connection } from '../src/sqlite/binding.ts';
import { NOW, charges, claim, counter, fresh, id, proofClaim, numbered } from '../src/testing/make.ts';
import { stateFiles } from './state-files.ts';

const { folder, path } = stateFiles();
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);
const subject = { issuer: 'acme', token: 't', key: 'k', user: 'u', nodes: [], holders: [] };
const spend = async (store: SyncStore, limit = 10): Promise<string> =>
  code(await store.budgets.reserve(charges([counter('c', 1, limit)]), NOW));
const rejected = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'ok',
    (error: unknown) => (error as AmbitError).code,
  );

/** Every question a verifier asks, and its answer. */
async function answers(store: SyncStore): Promise<Record<string, string>> {
  // A question in the same turn of the event loop has the same answer.
  await new Promise((resolve) => setImmediate(resolve));
  return {
    revoked: code(store.revocations.isRevoked(subject)),
    session: code(await store.sessions.check('acme', 's', NOW)),
    budget: await spend(store),
    ledger: code(store.ledger.apply(charges([counter('c', 1, 10)]), NOW)),
    left: await rejected(store.budgets.left(id('root'), [counter('c', 0, 10)], NOW)),
    since: await rejected(store.revocations.since(0)),
    epoch: await rejected(store.replay.epoch()),
    list: await rejected(store.sessions.list()),
  };
}

async function opened(file: string): Promise<SyncStore> {
  const store = openSqlite(file);
  await store.sessions.open({ issuer: 'acme', id: 's', operator: 'o', expires: NOW + 1000 }, NOW);
  expect(new Set(Object.values(await answers(store)))).toEqual(new Set(['ok']));
  return store;
}

describe('W2 (findings S2, S8) the file under an open store', () => {
  test.each([
    ['moved away', (file: string) => renameSync(file, `${file}.moved`)],
    ['removed', (file: string) => rmSync(file)],
    [
      'removed with its companions',
      (file: string) => ['', '-wal', '-shm'].forEach((part) => rmSync(file + part)),
    ],
    [
      'replaced by a copy',
      (file: string) => {
        copyFileSync(file, `${file}.copy`);
        renameSync(`${file}.copy`, file);
      },
    ],
    ['robbed of its log', (file: string) => rmSync(`${file}-wal`)],
    ['given a second name', (file: string) => linkSync(file, `${file}.link`)],
  ])('%s: every question is answered store_corrupt, at once', async (_, change) => {
    const file = path();
    const store = await opened(file);
    change(file);
    expect(new Set(Object.values(await answers(store)))).toEqual(new Set(['store_corrupt']));
    await store.close();
  });

  test('a second name is refused from the start, a symbolic link is not', async () => {
    const file = path();
    await openSqlite(file).close();
    linkSync(file, `${file}.link`);
    for (const name of [file, `${file}.link`])
      expect(() => openSqlite(name)).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
  });

  test('once broken it stays broken, though the file comes back', async () => {
    const file = path();
    const store = await opened(file);
    renameSync(file, `${file}.moved`);
    expect(await spend(store)).toBe('store_corrupt');
    renameSync(`${file}.moved`, file);
    expect(new Set(Object.values(await answers(store)))).toEqual(new Set(['store_corrupt']));
    await store.close();
    const again = openSqlite(file);
    expect(await spend(again)).toBe('ok');
    await again.close();
  });
});

describe('finding S9 nothing in a file ends the process', () => {
  test('text that is not UTF-8 in every column of text', async () => {
    for (const table of ['counters', 'claims', 'nonces', 'sessions', 'revocations', 'windows']) {
      const file = path();
      const store = await opened(file);
      const c = charges([counter('c', 1, 10)], {
        once: [claim('o')],
        replay: proofClaim('n'),
        sequence: await numbered(store, 'q', 1, NOW + 100),
      });
      await store.budgets.reserve(c, NOW);
      await store.revocations.add({ kind: 'user', issuer: 'acme', value: 'v', reason: '' }, NOW);
      const admin = new Connection(file);
      const columns = (admin.prepare(`pragma table_info(${table})`).all() as unknown[][])
        .filter((column) => column[2] === 'TEXT')
        .map((column) => String(column[1]));
      expect(columns.length).toBeGreaterThan(0);
      for (const column of columns) admin.exec(`update ${table} set ${column} = cast(x'c3ff41' as text)`);
      admin.close();
      for (const answer of Object.values(await answers(store))) expect(answer).toMatch(/^[a-z_]+$/);
      await store.budgets.reserve(c, NOW);
      await store.close();
      const again = openSqlite(file);
      for (const answer of Object.values(await answers(again))) expect(answer).toMatch(/^[a-z_]+$/);
      await again.close();
    }
  });

  test('80 files with one damaged page each: answers are codes, and a code of the store where it is noticed', async () => {
    const whole = path();
    const store = await opened(whole);
    for (let i = 0; i < 40; i++)
      await store.budgets.reserve(
        charges([counter(`c${i}`, 1, 10, { caveat: 1 })], {
          once: [claim(`o${i}`, 2)],
          replay: proofClaim(`n${i}`),
        }),
        NOW,
      );
    await store.revocations.add({ kind: 'user', issuer: 'acme', value: 'v', reason: '' }, NOW);
    await store.close();
    const bytes = readFileSync(whole);
    const pages = bytes.length / 4096;
    const seen = new Set<string>();
    for (let round = 0; round < 80; round++) {
      const file = path();
      const damaged = Buffer.from(bytes);
      const page = round % pages;
      // A run of one byte at a place that differs from round to round.
      const at = page * 4096 + ((round * 613) % 4000);
      damaged.fill((round * 37 + 1) & 0xff, at, at + 16 + (round % 64));
      writeFileSync(file, damaged);
      let open: SyncStore | null = null;
      try {
        open = openSqlite(file);
        for (const answer of Object.values(await answers(open))) seen.add(answer);
      } catch (error) {
        expect(error).toBeInstanceOf(AmbitError);
        seen.add((error as AmbitError).code);
      }
      await open?.close();
    }
    for (const answer of seen) expect(answer).toMatch(/^[a-z_]+$/);
    expect(seen).toContain('store_corrupt');
  });
});

describe('finding S11 the log and the descriptors', () => {
  // Of this file alone: the test runner opens and closes others meanwhile (seen on Node 24).
  const descriptors = (file: string): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(file);
      } catch {
        return false;
      }
    }).length;
  test.skipIf(process.platform !== 'linux')('closing closes: no descriptor is left', async () => {
    const file = path();
    for (let i = 0; i < 50; i++) {
      const store = openSqlite(file);
      expect(await spend(store, 1000)).toBe('ok');
      expect(descriptors(file)).toBeGreaterThan(0);
      await store.close();
    }
    expect(descriptors(file)).toBe(0);
  });

  test('the last one to close leaves one file that has everything', async () => {
    const file = path();
    const store = openSqlite(file);
    for (let i = 0; i < 50; i++) expect(await spend(store, 100)).toBe('ok');
    await store.close();
    expect(readdirSync(folder).filter((name) => name.startsWith(file.slice(folder.length + 1)))).toEqual([
      file.slice(folder.length + 1),
    ]);
    const copy = path();
    copyFileSync(file, copy);
    const restored = openSqlite(copy);
    expect(await restored.budgets.left(id('root'), [counter('c', 0, 100)], NOW)).toEqual([50]);
    await restored.close();
  });

  const write = async (store: SyncStore, rows: number): Promise<string> => {
    const all = await Promise.all(
      Array.from({ length: rows }, () =>
        store.budgets.reserve(charges([{ ...counter('x', 1, 1e9), id: fresh() }]), NOW),
      ),
    );
    return code(all.find((answer) => !answer.ok) ?? { ok: true });
  };

  test('short-lived writers beside an idle store: the log does not grow without bound', async () => {
    const file = path();
    const idle = await opened(file);
    let most = 0;
    for (let i = 0; i < 60; i++) {
      const store = openSqlite(file, { durable: 'normal' });
      for (let j = 0; j < 3; j++) expect(await write(store, 100)).toBe('ok');
      await store.close();
      most = Math.max(most, statSync(`${file}-wal`).size);
    }
    expect(most).toBeLessThan(3 * 1024 * 1024);
    await idle.close();
  });

  test('a reader that keeps a transaction open: writing denies above the bound, and goes on when it has gone', async () => {
    const file = path();
    const store = openSqlite(file, { durable: 'normal', maxLogBytes: 20 * 1024 * 1024 });
    await write(store, 100);
    const reader = new Connection(file);
    reader.exec('begin');
    reader.value('select count(*) from counters');
    let answer = 'ok';
    for (let i = 0; i < 2000 && answer === 'ok'; i++) answer = await write(store, 100);
    expect(answer).toBe('store_full');
    expect(statSync(`${file}-wal`).size).toBeLessThan(40 * 1024 * 1024);
    reader.exec('rollback');
    reader.close();
    await write(store, 1);
    expect(await write(store, 1)).toBe('ok');
    await store.close();
  });
});
