// A state file and what time does to it: rotted rows, a clock that was ahead, a backup
// (attack catalogue W1 and W2, findings S1, S10, S18).
import type { SequenceClaim } from '@ambit/core';
import { describe, expect, test } from 'vitest';
import type { SyncStore } from '../src/index.ts';
import { openSqlite } from '../src/sqlite.ts';
import { backupFile, checkFile, repairFile } from '../src/sqlite/operate.ts';
import { Connection } from '../src/sqlite/binding.ts';
import { SqliteRows } from '../src/sqlite/rows.ts';
import { NOW, charges, claim, counter, fresh, proofClaim, numbered } from '../src/testing/make.ts';
import { stateFiles } from './state-files.ts';

const { path } = stateFiles();
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);
const nowSeconds = (): number => NOW;
const user = { issuer: 'acme', token: 't', key: 'k', user: 'u', nodes: [], holders: [] };
const c = charges([counter('c', 4, 5)], { once: [claim('o', 0)], replay: proofClaim('n', NOW + 90) });
const third = (store: SyncStore): Promise<SequenceClaim> => numbered(store, 'q', 3, NOW + 900);

async function used(file: string): Promise<void> {
  const store = openSqlite(file, { nowSeconds });
  expect(code(await store.budgets.reserve({ ...c, sequence: await third(store) }, NOW))).toBe('ok');
  await store.sessions.open({ issuer: 'acme', id: 's', operator: 'o', expires: NOW + 900 }, NOW);
  await store.revocations.add({ kind: 'user', issuer: 'acme', value: 'u', reason: '' }, NOW);
  await store.close();
}
async function withFile<T>(
  file: string,
  job: (store: SyncStore) => Promise<T>,
  now: () => number = nowSeconds,
): Promise<T> {
  const store = openSqlite(file, { nowSeconds: now });
  try {
    return await job(store);
  } finally {
    await store.close();
  }
}
function change(file: string, sql: string): void {
  const admin = new Connection(file);
  admin.exec(sql);
  admin.close();
}
const ask = (what: Partial<typeof c>) => (store: SyncStore) =>
  store.budgets.reserve(charges([], what), NOW).then(code);

describe('W2 (finding S18) a row that rotted denies', () => {
  test.each([
    ['spent budget', 'update counters set used = 0', ask({ counters: [counter('c', 4, 5)] })],
    ['start of a window', 'update counters set start = start - 60', ask({ counters: [counter('c', 4, 5)] })],
    [
      'used nonces',
      "update nonces set ids = 'A' || substr(ids, 2)",
      ask({ replay: proofClaim('n', NOW + 90) }),
    ],
    [
      'window of a session',
      'update windows set highest = 9',
      async (store: SyncStore) => ask({ sequence: await third(store) })(store),
    ],
    [
      'closed session',
      "update sessions set operator = 'p'",
      async (store: SyncStore) => code(await store.sessions.check('acme', 's', NOW)),
    ],
    [
      'revocation',
      "update revocations set reason = 'x'",
      async (store: SyncStore) => code(store.revocations.isRevoked(user)),
    ],
  ])('%s', async (_, sql, question) => {
    const file = path();
    await used(file);
    change(file, sql);
    expect(await withFile(file, question)).toBe('store_corrupt');
    expect(checkFile(file, NOW)).toEqual([expect.stringContaining('are damaged')]);
  });

  test.each([
    ['counters', "update counters set id = 'x' || substr(id, 2)"],
    ['claims', "update claims set id = 'x' || substr(id, 2)"],
    ['revocations', "update revocations set value = 'x'"],
    ['the end of a claim', 'update claims set expires = 7'],
  ])('%s: a key that nobody asks for is found by the next sweep', async (_, sql) => {
    const file = path();
    await used(file);
    change(file, sql);
    let now = NOW;
    const answer = await withFile(
      file,
      async (store) => {
        now = NOW + 10;
        return code(await store.budgets.reserve(charges([counter('d', 1, 5)]), now));
      },
      () => now,
    );
    expect(answer).toBe('store_corrupt');
  });
});

describe('W1 (finding S1) a file that was swept ahead of the clock', () => {
  const ahead = async (file: string): Promise<void> => {
    await used(file);
    change(file, `update meta set value = '${NOW + 400}' where key = 'time'`);
  };

  test('says so, and can be repaired', async () => {
    const file = path();
    await ahead(file);
    await withFile(file, async (store) => {
      expect(code(await store.budgets.reserve(charges([counter('d', 1, 5)]), NOW))).toBe('store_corrupt');
      await expect(
        store.sessions.open({ issuer: 'a', id: 'x', operator: 'o', expires: NOW + 9 }, NOW),
      ).rejects.toMatchObject({ message: expect.stringContaining('340 s ahead') });
    });
    expect(checkFile(file, NOW)).toEqual([expect.stringContaining('340 s ahead')]);
    const before = await withFile(file, (store) => store.replay.epoch());
    expect(repairFile(file, NOW)).toBe(true);
    expect(repairFile(file, NOW)).toBe(false);
    expect(checkFile(file, NOW)).toEqual([]);
    await withFile(file, async (store) => {
      expect(await store.replay.epoch()).not.toBe(before);
      // What is there counts, and a proof from before is not good again.
      expect(code(await store.budgets.reserve(charges([counter('c', 2, 5)]), NOW))).toBe('budget_exceeded');
      expect(code(await store.budgets.reserve(charges([counter('c', 1, 5)]), NOW))).toBe('ok');
      expect(await ask({ replay: proofClaim('n', NOW + 90) })(store)).toBe('store_unavailable');
    });
  });

  test('a process whose clock is right again writes without a repair, once the time has come', async () => {
    const file = path();
    await ahead(file);
    const answer = await withFile(
      file,
      (store) => store.budgets.reserve(charges([counter('d', 1, 5)]), NOW + 300).then(code),
      () => NOW + 300,
    );
    expect(answer).toBe('ok');
  });
});

test('finding S10 a process that never sweeps forgets nonces that have ended, whoever swept', async () => {
  const file = path();
  await openSqlite(file).close();
  let now = NOW;
  const [fast, slow] = [0, 0].map(() => {
    const db = new Connection(file);
    const rows = new SqliteRows(db, 1024, () => now);
    const turn = (job: () => void): void => {
      db.exec('begin immediate');
      rows.begin();
      rows.at(now);
      job();
      rows.end();
      db.exec('commit');
      rows.committed();
    };
    return { rows, turn, db };
  }) as [
    { rows: SqliteRows; turn: (job: () => void) => void; db: Connection },
    { rows: SqliteRows; turn: (job: () => void) => void; db: Connection },
  ];
  let most = 0;
  for (let i = 0; i < 100; i++) {
    now += 10;
    fast.turn(() => {
      for (let j = 0; j < 20; j++) fast.rows.takeNonce(fresh(), now + 90);
    });
    slow.turn(() => undefined);
    most = Math.max(most, slow.rows.remembered);
  }
  expect(most).toBeGreaterThan(100);
  // Twenty each ten seconds for at most 90 + 60 + 32 s or so.
  expect(most).toBeLessThan(500);
  fast.db.close();
  slow.db.close();
});

test('S4 (mutant) rows that calls of one transaction append are counted among each other', async () => {
  const file = path();
  const store = openSqlite(file, { rowsPerToken: 20 });
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      store.budgets.reserve(charges([counter(`a${i}`, 1, 5, { caveat: 1 })]), NOW),
    ),
  );
  expect(answers.filter((answer) => answer.ok).length).toBe(20);
  await store.close();
});

test('a backup of a file in use is whole, and does not replace a file', async () => {
  const file = path();
  const store = openSqlite(file, { nowSeconds });
  await store.budgets.reserve(c, NOW);
  const to = path();
  backupFile(file, to);
  await store.budgets.reserve(charges([counter('c', 1, 5)]), NOW);
  expect(() => backupFile(file, to)).toThrow(expect.objectContaining({ code: 'file_exists' }));
  await store.close();
  await withFile(to, async (copy) =>
    expect(await copy.budgets.left('', [counter('c', 0, 5)], NOW)).toEqual([1]),
  );
});
