// What a transaction on a state file reads, keeps and drops, part by part: the facts about the file, nonces, sums,
// sweeps, counters and claims.
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { CounterRow } from '../src/apply.ts';
import { GRACE } from '../src/budgets.ts';
import { LEAP } from '../src/clock.ts';
import { openSqlite } from '../src/sqlite.ts';
import { Connection } from '../src/sqlite/binding.ts';
import { Meta } from '../src/sqlite/meta.ts';
import { Nonces } from '../src/sqlite/nonces.ts';
import { SqliteRows } from '../src/sqlite/rows.ts';
import { checked, sumOf } from '../src/sqlite/sums.ts';
import { Sweeper } from '../src/sqlite/sweeper.ts';
import { NOW, id } from '../src/testing/make.ts';
import { stateFiles } from './state-files.ts';

const { path } = stateFiles();
const corrupt = expect.objectContaining({ name: 'AmbitError', code: 'store_corrupt' }) as unknown;

/** An empty state file, and a connection to it for one test. */
async function withFile(job: (db: Connection, file: string) => void): Promise<void> {
  const file = path();
  await openSqlite(file).close();
  const db = new Connection(file);
  try {
    job(db, file);
  } finally {
    db.close();
  }
}
const put = (db: Connection, key: string, value: string | number): void =>
  void db.prepare('insert or replace into meta values (?, ?)').run(key, String(value));
const fact = (db: Connection, key: string): unknown => db.value('select value from meta where key = ?', key);

describe('the facts about a file', () => {
  test('are an epoch and whole seconds, or the file is damaged', () =>
    withFile((db) => {
      const meta = new Meta(db);
      const epoch = String(fact(db, 'epoch'));
      meta.begin();
      expect([meta.era, meta.horizon, meta.began]).toEqual([epoch, { time: 0, leap: 0 }, 0]);
      for (const key of ['time', 'leap', 'began']) {
        for (const value of [-1, 0.5, 'x', 2 ** 53]) {
          put(db, key, value);
          expect(() => meta.begin(), `${key} ${value}`).toThrow(corrupt);
        }
        put(db, key, NOW);
        expect(() => meta.begin()).not.toThrow();
      }
      expect([meta.horizon, meta.began]).toEqual([{ time: NOW, leap: NOW }, NOW]);
      expect(meta.epoch()).toBe(epoch);
      for (const wrong of ['', `${epoch}a`, `a${epoch}`, epoch.slice(1), 'x'.repeat(32)]) {
        put(db, 'epoch', wrong);
        expect(() => meta.epoch()).toThrow(corrupt);
        expect(() => meta.begin()).toThrow(corrupt);
      }
      db.exec("delete from meta where key = 'epoch'");
      expect(() => meta.epoch()).toThrow(corrupt);
      expect(() => meta.begin()).toThrow(corrupt);
    }));

  test('are kept: time, leap, and the epoch that a reset begins', () =>
    withFile((db) => {
      const meta = new Meta(db);
      meta.begin();
      for (const horizon of [
        { time: 5, leap: 0 },
        { time: 5, leap: 9 },
        { time: 7, leap: 9 },
        { time: 7, leap: 0 },
      ]) {
        meta.keep(horizon);
        expect(meta.horizon).toEqual(horizon);
        const other = new Meta(db);
        other.begin();
        expect(other.horizon).toEqual(horizon);
      }
      meta.reset('ab'.repeat(16), 12);
      meta.begin();
      expect([meta.era, meta.began]).toEqual(['ab'.repeat(16), 12]);
    }));
});

test('a sum is over all fields in their order, bytes before text, and nothing is another thing than empty', () => {
  const bytes = new Uint8Array([1, 2, 3]);
  expect(sumOf(['a', null, 5])).toBe(crc32('a\u0000\u00015\u0000'));
  expect(sumOf([bytes, 'a'])).toBe(crc32('a\u0000', crc32(bytes)));
  expect(sumOf(['a', bytes])).toBe(sumOf([bytes, 'a']));
  expect(new Set([[''], [null], ['null'], [0], ['', ''], [null, null]].map(sumOf)).size).toBe(6);
  expect(checked(['a', 1, sumOf(['a', 1])])).toEqual(['a', 1]);
  for (const row of [['a', 1, sumOf(['a', 2])], ['a', 1], []]) expect(() => checked(row)).toThrow(corrupt);
});

describe('nonces', () => {
  const key = (name: string): string => id(name).slice(0, 22);
  const T = 32_000;

  test('are taken once, and given back by what was refused or not committed', () =>
    withFile((db) => {
      const nonces = new Nonces(db);
      nonces.begin();
      expect([nonces.take(key('a'), T), nonces.take(key('a'), T), nonces.take(key('a'), T + 500)]).toEqual([
        true,
        false,
        false,
      ]);
      nonces.take(key('b'), T + 500);
      nonces.drop(key('b'));
      nonces.drop(key('never taken'));
      expect([nonces.size, nonces.take(key('b'), T)]).toEqual([1, true]);
      // Not committed.
      nonces.begin();
      expect([nonces.size, nonces.take(key('a'), T)]).toEqual([0, true]);
      // What was forgotten meanwhile can be given back as well.
      nonces.forget(T + 1000);
      nonces.drop(key('a'));
      nonces.take(key('c'), T);
      nonces.forget(T + 1000);
      nonces.begin();
      expect(nonces.size).toBe(0);
    }));

  test('of one time are one row, which ends with the last of them; each connection reads it once', () =>
    withFile((db) => {
      const [mine, other] = [new Nonces(db), new Nonces(db)];
      mine.begin();
      const taken = [
        ['a', T + 5],
        ['b', T + 31],
        ['c', T],
        ['d', T + 32],
      ] as const;
      for (const [name, expires] of taken) mine.take(key(name), expires);
      mine.end();
      mine.committed();
      const row = (expires: number, ...names: readonly string[]): unknown[] => {
        const ids = names.map(key).join('');
        return [expires, ids, sumOf([expires, ids])];
      };
      expect(db.prepare('select expires, ids, sum from nonces order by seq').all()).toEqual([
        row(T + 31, 'a', 'b', 'c'),
        row(T + 32, 'd'),
      ]);
      other.begin();
      expect([mine.size, other.size]).toEqual([4, 4]);
      for (const [name, expires] of taken) expect(other.take(key(name), expires)).toBe(false);
      // Nothing is read again, also when nothing was appended.
      for (const each of [mine, other]) {
        each.forget(T + 64);
        for (let i = 0; i < 3; i++) {
          each.begin();
          each.end();
          each.committed();
          expect(each.size).toBe(0);
        }
      }
      expect(db.value('select count(*) from nonces')).toBe(2);
    }));

  test('are forgotten when all of their time has ended', () =>
    withFile((db) => {
      const nonces = new Nonces(db);
      nonces.begin();
      nonces.take(key('a'), T);
      nonces.take(key('b'), T + 31);
      nonces.take(key('c'), T + 32);
      const sizes = [T + 31, T + 32, T + 63, T + 64].map((to) => {
        nonces.forget(to);
        return nonces.size;
      });
      expect(sizes).toEqual([3, 1, 1, 0]);
    }));

  test('that others appended are read to the last, in pages', () =>
    withFile((db) => {
      const append = db.prepare('insert into nonces(expires, ids, sum) values (?, ?, ?)');
      db.exec('begin');
      for (let i = 0; i < 2001; i++) append.run(T, key(`${i}`), sumOf([T, key(`${i}`)]));
      db.exec('commit');
      const nonces = new Nonces(db);
      nonces.begin();
      expect(nonces.size).toBe(2001);
      db.exec('update nonces set sum = sum + 1 where seq = 2001');
      expect(() => new Nonces(db).begin()).toThrow(corrupt);
    }));
});

describe('a sweep', () => {
  /** So many claims, by number; one of them with a sum that is wrong. */
  const fill = (db: Connection, n: number, expires: number, rotten = -1): void => {
    const add = db.prepare('insert into claims(id, expires, root, sum) values (?, ?, null, ?)');
    db.exec('begin');
    for (let i = 0; i < n; i++) {
      const name = String(i).padStart(5, '0');
      add.run(name, expires, sumOf([name, expires, null]) + (i === rotten ? 1 : 0));
    }
    db.exec('commit');
  };
  const rows = (db: Connection): unknown => db.value('select count(*) from claims');

  test('drops what has ended, to the second, 1,024 rows of a table at most, and says when there may be more', () =>
    withFile((db) => {
      const sweeper = new Sweeper(db);
      fill(db, 2048, NOW);
      expect([sweeper.sweep(NOW - 1), rows(db)]).toEqual([false, 2048]);
      expect([sweeper.sweep(NOW), rows(db)]).toEqual([true, 1024]);
      expect([sweeper.sweep(NOW), rows(db)]).toEqual([true, 0]);
      expect([sweeper.sweep(NOW), rows(db)]).toEqual([false, 0]);
      fill(db, 1023, NOW);
      expect([sweeper.sweep(NOW), rows(db)]).toEqual([false, 0]);
      fill(db, 3, NOW, 1);
      expect(() => sweeper.sweep(NOW)).toThrow(corrupt);
    }));

  test('W2 (finding S18) reads on in each table, 256 rows at a time, to its end, and begins again', () =>
    withFile((db) => {
      const sweeper = new Sweeper(db);
      fill(db, 513, NOW, 512);
      for (let i = 0; i < 2; i++) expect(() => sweeper.scrub()).not.toThrow();
      expect(() => sweeper.scrub()).toThrow(corrupt);
      db.exec("update claims set sum = sum - 1 where id = '00512'");
      sweeper.scrub();
      db.exec("update claims set sum = sum + 1 where id = '00000'");
      expect(() => sweeper.scrub()).toThrow(corrupt);
    }));
});

describe('rows', () => {
  const KEY = (name: string): string => id(name);
  const row = (more: Partial<CounterRow> = {}): CounterRow => ({
    ...{ start: 0, used: 1, expires: NOW + 900, steps: null },
    ...more,
  });
  interface Open {
    readonly rows: SqliteRows;
    readonly db: Connection;
    /** A transaction at a time that a caller gave. */
    readonly turn: <T>(now: number, job: (rows: SqliteRows) => T) => T;
  }
  const withRows = (job: (open: Open, clock: { now: number }) => void, perToken = 1024): Promise<void> =>
    withFile((db) => {
      const clock = { now: NOW };
      const rows = new SqliteRows(db, perToken, () => clock.now);
      const turn: Open['turn'] = (now, inside) => {
        db.exec('begin immediate');
        rows.begin();
        rows.at(now);
        const value = inside(rows);
        rows.end();
        db.exec('commit');
        rows.committed();
        return value;
      };
      job({ rows, db, turn }, clock);
    });
  const nothing = (): void => undefined;

  test('S12 are counted for their token once each, whether they are new, read or written again', () =>
    withRows(({ turn }) => {
      const counts = (rows: SqliteRows): number[] =>
        ['root', 'other', 'third'].map((r) => rows.rowsOf(KEY(r)));
      turn(NOW, (rows) => {
        expect(counts(rows)).toEqual([0, 0, 0]);
        rows.putCounter(KEY('a'), row(), KEY('root'));
        rows.putCounter(KEY('b'), row(), KEY('other'));
        rows.putCounter(KEY('c'), row(), null);
        expect(counts(rows)).toEqual([1, 1, 0]);
        rows.putCounter(KEY('a'), row({ used: 2 }), KEY('root'));
        expect(counts(rows)).toEqual([1, 1, 0]);
        expect([rows.claim(KEY('o'), NOW + 9, KEY('root')), rows.claim(KEY('o'), NOW + 9, null)]).toEqual([
          true,
          false,
        ]);
        expect(counts(rows)).toEqual([2, 1, 0]);
        rows.claim(KEY('p'), NOW + 9, KEY('root'));
        expect(counts(rows)).toEqual([3, 1, 0]);
        rows.unclaim(KEY('p'));
        expect(counts(rows)).toEqual([2, 1, 0]);
      });
      turn(NOW, (rows) => {
        expect(rows.counter(KEY('a'))).toEqual(row({ used: 2 }));
        expect(counts(rows)).toEqual([2, 1, 0]);
        rows.putCounter(KEY('b'), row({ used: 3 }), KEY('other'));
        expect(counts(rows)).toEqual([2, 1, 0]);
        rows.putCounter(KEY('d'), row(), KEY('root'));
        expect(counts(rows)).toEqual([3, 1, 0]);
        expect(rows.counter(KEY('nobody'))).toBeUndefined();
      });
      turn(NOW, (rows) => {
        expect(rows.counter(KEY('b'))).toEqual(row({ used: 3 }));
        expect(counts(rows)).toEqual([3, 1, 0]);
      });
    }));

  test('keep what a sliding window has charged, step by step, and a total without steps', () =>
    withRows(({ turn, db }) => {
      const kept = { total: null, empty: [], sliding: [NOW, 3, NOW + 1, 4] };
      turn(NOW, (rows) => {
        for (const [name, steps] of Object.entries(kept)) rows.putCounter(KEY(name), row({ steps }), null);
      });
      turn(NOW, (rows) => {
        for (const [name, steps] of Object.entries(kept))
          expect(rows.counter(KEY(name))?.steps).toEqual(steps);
      });
      db.exec("update counters set steps = '1 1' where steps <> ''");
      expect(() => turn(NOW, (rows) => rows.counter(KEY('sliding')))).toThrow(corrupt);
    }));

  test('are seen by the calls of one transaction as those before them left them', () =>
    withRows(({ turn }) => {
      for (const used of [3, 7])
        turn(NOW, (rows) => {
          rows.putCounter(KEY('a'), row({ used }), null);
          expect(rows.counter(KEY('a'))).toEqual(row({ used }));
          rows.putCounter(KEY('a'), row({ used: used + 1 }), null);
          expect(rows.counter(KEY('a'))).toEqual(row({ used: used + 1 }));
          expect([rows.takeNonce(KEY('n'), NOW + 90), rows.takeNonce(KEY('n'), NOW + 90)]).toEqual([
            true,
            false,
          ]);
          rows.dropNonce(KEY('n'));
        });
      turn(NOW, (rows) => expect(rows.counter(KEY('a'))).toEqual(row({ used: 8 })));
    }));

  test("keep a session's window, and its latest end", () =>
    withRows(({ turn, db }) => {
      const claim = (sequence: number, expires: number): boolean =>
        turn(NOW, (rows) => rows.advance({ session: KEY('s'), sequence, expires, epoch: rows.era }));
      expect([claim(3, NOW + 50), claim(3, NOW + 50), claim(2, NOW + 900), claim(4, NOW + 50)]).toEqual([
        true,
        false,
        true,
        true,
      ]);
      expect(db.value('select expires from windows')).toBe(NOW + 900);
      turn(NOW, (rows) => {
        for (const [sequence, free] of [
          [5, true],
          [5, false],
          [2, false],
          [1, true],
        ] as const)
          expect(rows.advance({ session: KEY('s'), sequence, expires: NOW, epoch: rows.era })).toBe(free);
      });
    }));

  test('know the time by the latest that was given and the clock, and note it each five seconds', () =>
    withRows(({ turn, rows, db }, clock) => {
      const time = (now: number, given: number): unknown[] => {
        clock.now = now;
        turn(given, nothing);
        return [fact(db, 'time'), rows.now];
      };
      expect(time(NOW, NOW)).toEqual([`${NOW}`, NOW]);
      expect(time(NOW + 4, NOW + 4)).toEqual([`${NOW}`, NOW + 4]);
      expect(time(NOW + 50, NOW + 5)).toEqual([`${NOW + 5}`, NOW + 50]);
      expect(time(NOW + 20, NOW + 90)).toEqual([`${NOW + 20}`, NOW + 20]);
      // A later call of a time before.
      expect(time(NOW + 80, NOW)).toEqual([`${NOW + 80}`, NOW + 80]);
      turn(NOW, (inside) => expect(inside.sweptTo).toBe(NOW + 80 - GRACE));
    }));

  test('note a leap of the clock at once, and that it was contradicted', () =>
    withRows(({ turn, db }, clock) => {
      turn(NOW, nothing);
      const leap = NOW + LEAP + 1;
      clock.now = leap;
      turn(leap, nothing);
      expect([fact(db, 'time'), fact(db, 'leap')]).toEqual([`${NOW}`, `${leap}`]);
      clock.now = NOW + 1;
      turn(NOW + 1, nothing);
      expect(fact(db, 'leap')).toBe('0');
    }));

  test('that have ended are dropped over as many transactions as it takes', () =>
    withRows(({ turn, db }, clock) => {
      turn(NOW, (rows) => {
        for (let i = 0; i < 1500; i++) rows.claim(KEY(`${i}`), NOW + 1, null);
        rows.claim(KEY('lives'), NOW + 500, null);
      });
      const left = (): unknown => db.value('select count(*) from claims');
      clock.now = NOW + 1 + GRACE;
      turn(NOW + 1 + GRACE, nothing);
      expect(left()).toBe(477);
      turn(NOW + 1 + GRACE, nothing);
      expect(left()).toBe(1);
      // Nothing more to drop: the next look is in five seconds.
      db.prepare('insert into claims(id, expires, root, sum) values (?, 0, null, ?)').run(
        'x',
        sumOf(['x', 0, null]),
      );
      turn(NOW + 1 + GRACE, nothing);
      expect(left()).toBe(2);
      clock.now += 5;
      turn(NOW + 6 + GRACE, nothing);
      expect(left()).toBe(1);
    }));
});
