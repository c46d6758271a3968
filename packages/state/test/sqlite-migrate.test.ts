// State files of earlier versions: migrated, they have what they had, and what their facts say of lost rows still holds.
import { expect, test } from 'vitest';
import { GRACE } from '../src/budgets.ts';
import { RESET_MARGIN } from '../src/clock.ts';
import type { SyncStore } from '../src/index.ts';
import { openSqlite } from '../src/sqlite.ts';
import { migrateFile } from '../src/sqlite/operate.ts';
import { Connection } from '../src/sqlite/binding.ts';
import { NOW, charges, claim, counter, id, proofClaim } from '../src/testing/make.ts';
import { stateFiles } from './state-files.ts';

const { path } = stateFiles();
const key = (name: string): string => id(name).slice(0, 22);
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);
const user = { issuer: 'acme', token: 't', key: 'k', user: 'u', nodes: [], holders: [] };
const EPOCH = 'ab'.repeat(16);

/** A file as versions 1 and 2 made it, with facts about itself beside its epoch. */
function old(version: 1 | 2, facts: Readonly<Record<string, number>>): string {
  const file = path();
  const db = new Connection(file);
  db.exec(`
    create table meta(key text primary key, value text not null) strict, without rowid;
    create table counters(id text primary key, start integer not null, used integer not null, expires integer not null, root text) strict, without rowid;
    create index counters_expires on counters(expires);
    create table claims(id text primary key, expires integer not null, root text) strict, without rowid;
    create table nonces(seq integer primary key autoincrement, expires integer not null, ids text not null) strict;
    create table windows(id text primary key, highest integer not null, bits blob not null, expires integer not null) strict, without rowid;
    create table sessions(issuer text not null, id text not null, operator text not null, user text, opened integer not null,
      touched integer not null, expires integer not null, closed integer, reason text, primary key (issuer, id)) strict, without rowid;
    create table revocations(seq integer primary key autoincrement, kind text not null, issuer text, value text not null,
      reason text not null, time integer not null, expires integer) strict;
    insert into meta values ('version', '${version}'), ('epoch', '${EPOCH}');
  `);
  const put = db.prepare('insert into meta values (?, ?)');
  for (const [fact, value] of Object.entries(facts)) put.run(fact, String(value));
  db.close();
  return file;
}

function change(file: string, sql: string): void {
  const db = new Connection(file);
  db.exec(sql);
  db.close();
}

async function withFile(file: string, job: (store: SyncStore) => Promise<void>): Promise<void> {
  const store = openSqlite(file, { nowSeconds: () => NOW });
  try {
    await job(store);
  } finally {
    await store.close();
  }
}

const ask =
  (store: SyncStore) =>
  (what: Parameters<typeof charges>[1]): Promise<string> =>
    store.budgets.reserve(charges([], what), NOW).then(code);

/** What a migrated file says of itself, without version and epoch. */
function factsOf(file: string): Record<string, string> {
  const db = new Connection(file);
  const rows = db.prepare("select key, value from meta where key not in ('version', 'epoch')").all();
  db.close();
  return Object.fromEntries(rows as [string, string][]);
}

test('a file of the first version is refused until it is migrated, and then has what it had', async () => {
  const file = old(1, { swept: NOW - 70 });
  change(
    file,
    `insert into counters values ('${key('c')}', 0, 4, ${NOW + 900}, null);
    insert into claims values ('${key('o')}', ${NOW + 900}, null);
    insert into nonces(expires, ids) values (${NOW + 90}, '${key('n')}');
    insert into sessions values ('acme', 's', 'o', null, ${NOW}, ${NOW}, ${NOW + 900}, null, null);
    insert into revocations(kind, issuer, value, reason, time) values ('user', 'acme', 'u', 'left', ${NOW}), ('user', 'acme', 'x', '', ${NOW});
    delete from revocations where value = 'x';`,
  );
  expect(() => openSqlite(file)).toThrow(expect.objectContaining({ code: 'store_corrupt' }));
  expect(migrateFile(file)).toBe(1);
  expect(migrateFile(file)).toBe(4);
  await withFile(file, async (store) => {
    expect(await store.replay.epoch()).toBe(EPOCH);
    expect(await store.budgets.left('', [counter('c', 0, 5)], NOW)).toEqual([1]);
    expect(await ask(store)({ once: [claim('o')] })).toBe('once_used');
    expect(await ask(store)({ replay: proofClaim('n', NOW + 90) })).toBe('replayed');
    expect(code(await store.sessions.check('acme', 's', NOW))).toBe('ok');
    expect(code(store.revocations.isRevoked(user))).toBe('revoked');
    // The numbers go on behind the last that was given, although its entry is gone.
    const { seq } = await store.revocations.add(
      { kind: 'user', issuer: 'acme', value: 'y', reason: '' },
      NOW,
    );
    expect(seq).toBe(3);
  });
});

test('W1 what a file dropped before it was migrated is refused after it, to the second', async () => {
  // Less than the grace behind this clock, so that only the file itself tells what it dropped.
  const swept = NOW - 20;
  const file = old(1, { swept });
  migrateFile(file);
  expect(factsOf(file)).toEqual({ time: String(swept + GRACE) });
  await withFile(file, async (store) => {
    for (const [ended, codes] of [
      [swept, ['once_used', 'replayed', 'budget_exceeded']],
      [swept + 1, ['ok', 'ok', 'ok']],
    ] as const) {
      const proof = proofClaim(`p${ended}`, ended, ended - 60);
      const budget = charges([counter(`c${ended}`, 1, 9, { expires: ended })]);
      expect([
        await ask(store)({ once: [claim(`o${ended}`, -1, ended)] }),
        await ask(store)({ replay: proof }),
        code(await store.budgets.reserve(budget, NOW)),
      ]).toEqual(codes);
    }
  });
});

test('W1 a file that was swept far ahead of the clock says so after it was migrated', async () => {
  const file = old(2, { swept: NOW + 1000 });
  migrateFile(file);
  await withFile(file, async (store) => expect(await ask(store)({})).toBe('store_corrupt'));
});

test.each([
  ['lately', NOW - 50, NOW - 170],
  ['in the first minutes of time', 60, 1],
])(
  'W5 a proof of before a reset is refused by a file that was reset %s and migrated since',
  async (_, floor, began) => {
    const file = old(2, { floor });
    migrateFile(file);
    // Version 2 kept until when proofs of before could live: two minutes at most.
    expect(factsOf(file)).toEqual({ began: String(began) });
    await withFile(file, async (store) => {
      expect(await store.replay.epoch()).toBe(EPOCH);
      const proof = (from: number): ReturnType<typeof proofClaim> => proofClaim(`${from}`, NOW + 90, from);
      expect(await ask(store)({ replay: proof(began + RESET_MARGIN) })).toBe('store_unavailable');
      expect(await ask(store)({ replay: proof(began + RESET_MARGIN + 1) })).toBe('ok');
    });
  },
);

test('a file that was never swept and never reset refuses nothing for it after it was migrated', async () => {
  const file = old(2, { swept: 0, floor: 0 });
  migrateFile(file);
  expect(factsOf(file)).toEqual({});
  await withFile(file, async (store) => {
    expect(await ask(store)({ replay: proofClaim('p', NOW - 50, 0), once: [claim('o', -1, NOW - 50)] })).toBe(
      'ok',
    );
  });
});
