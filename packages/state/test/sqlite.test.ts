// The SQLite back end: the common laws, then what a file can suffer.
import { closeSync, openSync, renameSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Store } from '../src/index.ts';
import { openSqlite } from '../src/sqlite.ts';
import { resetFile } from '../src/sqlite/operate.ts';
import { Connection } from '../src/sqlite/binding.ts';
import { conformance } from '../src/testing.ts';
import { NOW, charges, claim, counter, fresh, id, proofClaim, numbered } from '../src/testing/make.ts';
import { stateFiles } from './state-files.ts';

const { folder, path } = stateFiles();
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);

const paths = new WeakMap<Store, string>();
conformance(
  'sqlite',
  async (options) => {
    const file = path();
    const store = openSqlite(file, options);
    paths.set(store, file);
    return store;
  },
  async (store) => resetFile(paths.get(store)!, NOW),
);

test('S12 calls that share a transaction share the bound: a hundred fresh budgets at once', async () => {
  const store = openSqlite(path(), { rowsPerToken: 20 });
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      store.budgets.reserve(
        charges([counter(`appended ${i}`, 1, 5, { caveat: 2 })], {
          root: id('root'),
          partitionKey: id('root'),
        }),
        NOW,
      ),
    ),
  );
  expect(answers.filter((answer) => answer.ok).length).toBe(20);
  await store.close();
});

test('L10 what is left is of one moment: another connection that charges in the middle is in all of it or in none', async () => {
  const file = path();
  const store = openSqlite(file);
  const other = openSqlite(file);
  const chain = charges([counter('parent', 3, 20), counter('child', 3, 12, { caveat: 0 })]);
  let charged = 0;
  const [parent, child] = chain.counters;
  // The second row is asked for after the first was read.
  const meanwhile = {
    ...child!,
    get id(): string {
      if (charged++ === 0) expect(other.ledger.apply(chain, NOW)).toMatchObject({ ok: true });
      return child!.id;
    },
  };
  expect(await store.budgets.left(id('root'), [parent!, meanwhile], NOW)).toEqual([20, 12]);
  expect(charged).toBeGreaterThan(0);
  expect(await store.budgets.left(id('root'), [parent!, child!], NOW)).toEqual([17, 9]);
  await Promise.all([store.close(), other.close()]);
});

test("what was acknowledged is there after closing and opening, in another object at once, and its owner's alone", async () => {
  const file = path();
  const a = openSqlite(file);
  const b = openSqlite(file);
  const c = charges([counter('c', 4, 10)], {
    replay: proofClaim('n'),
    sequence: await numbered(a, 's', 9, NOW + 9),
  });
  expect(code(await a.budgets.reserve(c, NOW))).toBe('ok');
  expect(code(await b.budgets.reserve(c, NOW))).toBe('replayed');
  expect(await b.budgets.left('', c.counters, NOW)).toEqual([6]);
  const epoch = await a.replay.epoch();
  await a.sessions.open({ issuer: 'acme', id: 's', operator: 'o', expires: NOW + 10 }, NOW);
  await a.close();
  await b.close();
  const again = openSqlite(file);
  expect(code(await again.budgets.reserve(c, NOW))).toBe('replayed');
  for (const [sequence, answer] of [
    [9, 'replayed'],
    [10, 'ok'],
  ] as const) {
    const next = charges([], { sequence: await numbered(again, 's', sequence, NOW + 9) });
    expect(code(await again.budgets.reserve(next, NOW))).toBe(answer);
  }
  expect(await again.replay.epoch()).toBe(epoch);
  expect(await again.sessions.check('acme', 's', NOW)).toMatchObject({ ok: true });
  await again.close();
  expect(statSync(file).mode & 0o077).toBe(0);
});

test('P3 nonces taken through one connection are known to the other, in turn, and after opening again', async () => {
  const file = path();
  const [a, b] = [openSqlite(file), openSqlite(file)];
  const take = async (store: typeof a, name: string): Promise<string> =>
    code(await store.budgets.reserve(charges([], { replay: proofClaim(name, NOW + 60) }), NOW));
  for (let i = 0; i < 5; i++) {
    expect(await take(a, `a${i}`)).toBe('ok');
    expect(await take(b, `b${i}`)).toBe('ok');
    expect(await take(b, `a${i}`)).toBe('replayed');
    expect(await take(a, `b${i}`)).toBe('replayed');
  }
  await a.close();
  await b.close();
  const again = openSqlite(file);
  for (const name of ['a0', 'b0', 'a4', 'b4']) expect(await take(again, name)).toBe('replayed');
  expect(await take(again, 'c')).toBe('ok');
  await again.close();
});

describe('S8', () => {
  test('a file that is something else, or damaged: store_corrupt', async () => {
    const other = path();
    writeFileSync(other, 'This is not a database. '.repeat(1000));
    expect(() => openSqlite(other)).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
    const foreign = path();
    const db = new Connection(foreign);
    db.exec("create table meta(key text primary key, value text); insert into meta values ('version', '99')");
    db.close();
    expect(() => openSqlite(foreign)).toThrow(expect.objectContaining({ code: 'store_corrupt' }));

    const file = path();
    const store = openSqlite(file);
    for (let i = 0; i < 300; i++)
      await store.budgets.reserve(charges([counter(`c${i}`, 1, 10)], { once: [claim(`o${i}`)] }), NOW);
    await store.close();
    const copier = new Connection(file);
    copier.exec('pragma wal_checkpoint(truncate)');
    copier.close();
    const damaged = openSync(file, 'r+');
    const rubbish = Buffer.alloc(4096, 0xa5);
    for (let page = 1; page < statSync(file).size / 4096; page++)
      writeSync(damaged, rubbish, 0, 4096, page * 4096);
    closeSync(damaged);
    const codes = new Set<string>();
    try {
      const opened = openSqlite(file);
      for (let i = 0; i < 20; i++)
        codes.add(code(await opened.budgets.reserve(charges([counter(`c${i}`, 1, 10)]), NOW)));
      await opened.close();
    } catch (error) {
      codes.add((error as { code: string }).code);
    }
    expect([...codes]).toEqual(['store_corrupt']);
  });

  test('W4 a full file: store_full, nothing half done, and it goes on when there is room', async () => {
    const file = path();
    const store = openSqlite(file, { maxBytes: 256 * 1024 });
    let last = 'ok';
    let granted = 0;
    for (let i = 0; i < 20_000 && last === 'ok'; i += 100) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, j) =>
          store.budgets.reserve(
            charges([counter('total', 1, 1e6)], {
              replay: proofClaim(fresh(), NOW + 90),
              once: [claim(`${i + j}`)],
            }),
            NOW,
          ),
        ),
      );
      granted += answers.filter((answer) => answer.ok).length;
      last = code(answers.at(-1)!);
    }
    expect(last).toBe('store_full');
    expect(1e6 - (await store.budgets.left('', [counter('total', 0, 1e6)], NOW))[0]!).toBe(granted);
    await store.close();
    const roomy = openSqlite(file);
    expect(code(await roomy.budgets.reserve(charges([counter('total', 1, 1e6)]), NOW))).toBe('ok');
    await roomy.close();
  });

  test('W3 another process holds the lock for too long: store_unavailable, then it goes on', async () => {
    const file = path();
    const store = openSqlite(file, { timeout: 150 });
    const blocker = new Connection(file);
    blocker.exec('begin immediate');
    const c = charges([counter('c', 1, 10)]);
    expect(code(await store.budgets.reserve(c, NOW))).toBe('store_unavailable');
    expect(store.ledger.apply(c, NOW)).toMatchObject({ code: 'store_unavailable' });
    await expect(
      store.revocations.add({ kind: 'holder', value: id('x'), reason: '' }, NOW),
    ).rejects.toMatchObject({ code: 'store_unavailable' });
    const waiting = store.budgets.reserve(c, NOW);
    setTimeout(() => blocker.exec('rollback'), 30);
    expect(code(await waiting)).toBe('ok');
    expect(await store.budgets.left('', c.counters, NOW)).toEqual([9]);
    blocker.close();
    await store.close();
    expect(code(await store.budgets.reserve(c, NOW))).toBe('store_unavailable');
  });

  test('a file that is moved away while it is open: store_corrupt, not a second truth', async () => {
    const file = path();
    const store = openSqlite(file);
    const c = charges([counter('c', 1, 10)]);
    expect(code(await store.budgets.reserve(c, NOW))).toBe('ok');
    renameSync(file, `${file}.moved`);
    await expect
      .poll(async () => code(await store.budgets.reserve(c, NOW)), { timeout: 30_000 })
      .toBe('store_corrupt');
    await store.close();
  });

  test('a folder that is not there: store_unavailable', () => {
    expect(() => openSqlite(join(folder, 'nowhere', 'x.db'))).toThrow(
      expect.objectContaining({ code: 'store_unavailable' }),
    );
  });
});

test('S12 rows are dropped when they have expired: the file does not grow for ever', async () => {
  const file = path();
  let time = NOW;
  const store = openSqlite(file, { nowSeconds: () => time });
  const sizes: number[] = [];
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 10; i++) {
      time += 10;
      await Promise.all(
        Array.from({ length: 100 }, (_, j) => {
          const name = `${round} ${i} ${j}`;
          const expires = time + 60;
          return store.budgets.reserve(
            charges([counter(name, 1, 5, { expires })], {
              replay: proofClaim(name, expires),
              once: [claim(`o ${name}`, -1, expires)],
            }),
            time,
          );
        }),
      );
    }
    const db = new Connection(file);
    const [count] = db
      .prepare(
        'select (select count(*) from counters) + (select count(*) from claims) + (select count(*) from nonces)',
      )

      .get() as [number];
    sizes.push(count);
    db.close();
  }
  expect(Math.max(...sizes.slice(2))).toBeLessThan(3500);
  await store.close();
});

test('the log is copied into the file and starts again: it does not grow for ever', async () => {
  const file = path();
  const store = openSqlite(file, { durable: 'normal' });
  let most = 0;
  for (let round = 0; round < 400; round++) {
    await Promise.all(
      Array.from({ length: 100 }, () =>
        store.budgets.reserve(charges([{ ...counter('x', 1, 1e9), id: fresh() }]), NOW),
      ),
    );
    most = Math.max(most, statSync(`${file}-wal`).size);
  }
  expect(most).toBeLessThan(40 * 1024 * 1024);
  expect(statSync(`${file}-wal`).size).toBeLessThan(most);
  const db = new Connection(file);
  expect(db.prepare('pragma integrity_check').get()).toEqual(['ok']);
  db.close();
  await store.close();
});
