// The writer of a state file: what shares a transaction, what becomes of it when one fails, who waits for the lock and for
// how long, and when the log is copied.
import { AmbitError } from '@ambit/core';
import { describe, expect, test, vi } from 'vitest';
import { Connection, type Statement } from '../src/sqlite/binding.ts';
import type { OpenFile } from '../src/sqlite/file.ts';
import { Writer } from '../src/sqlite/writer.ts';
import { stateFiles } from './state-files.ts';

const { path } = stateFiles();
const raised = (code: string): unknown => expect.objectContaining({ name: 'AmbitError', code });
const turnOver = async (): Promise<void> => {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
};

const MIB = 1024 * 1024;

/** A connection that notes checkpoints, and answers them as a test says. */
class Noted extends Connection {
  copies = 0;
  copied: [number, number, number] | Error = [0, 10, 10];
  rollback: Error | null = null;
  override prepare(sql: string): Statement {
    if (!sql.includes('wal_checkpoint')) return super.prepare(sql);
    const get = (): unknown => {
      this.copies++;
      if (this.copied instanceof Error) throw this.copied;
      return this.copied;
    };
    return { get } as unknown as Statement;
  }
  override exec(sql: string): void {
    if (sql === 'rollback' && this.rollback !== null) throw this.rollback;
    super.exec(sql);
  }
}

interface Bench {
  readonly db: Noted;
  readonly writer: Writer;
  readonly file: { log: number; broken: AmbitError | null; changed: boolean };
  /** What the hooks were called for. */
  readonly hooks: string[];
  readonly another: Connection;
  /** Values in the table, in order. */
  readonly rows: () => unknown[];
  readonly add: (n: number) => void;
}

async function withWriter(
  job: (bench: Bench) => Promise<void>,
  { timeout = 30_000, maxLog }: { timeout?: number; maxLog?: number } = {},
): Promise<void> {
  const at = path();
  const db = new Noted(at);
  db.exec('pragma journal_mode = wal; create table t(n)');
  const file = {
    ...{ log: 0, changed: false, broken: null as AmbitError | null },
    check: () => {
      if (file.changed) throw file.breaks(new AmbitError('store_corrupt'));
    },
    breaks: (error: AmbitError) => (file.broken ??= error),
    logSize: () => file.log,
  };
  const hooks: string[] = [];
  const note = (what: string) => () => void hooks.push(what);
  const writer = new Writer(
    db,
    file as unknown as OpenFile,
    timeout,
    { begin: note('begin'), end: note('end'), committed: note('committed') },
    maxLog,
  );
  const another = new Connection(at);
  try {
    await job({
      ...{ db, writer, file, hooks, another },
      rows: () => (another.prepare('select n from t order by rowid').all() as [number][]).map(([n]) => n),
      add: (n) => void db.prepare('insert into t values (?)').run(n),
    });
  } finally {
    another.close();
    await writer.close();
    db.close();
  }
}

describe('the writer', () => {
  test('puts what is asked for in one turn into one transaction, 512 at most', () =>
    withWriter(async ({ writer, hooks, rows, add }) => {
      const all = Array.from({ length: 513 }, (_, i) => i);
      const values = await Promise.all(
        all.map((n) =>
          writer.submit(() => {
            add(n);
            return 2 * n;
          }),
        ),
      );
      expect(values).toEqual(all.map((n) => 2 * n));
      expect(rows()).toEqual(all);
      expect(hooks).toEqual(['begin', 'end', 'committed', 'begin', 'end', 'committed']);
      expect(await writer.submit(() => 'later')).toBe('later');
      expect(writer.now(() => 'now')).toBe('now');
      expect(hooks).toHaveLength(12);
    }));

  test('takes back all of a transaction in which one failed, and goes on', () =>
    withWriter(async ({ writer, hooks, rows, add }) => {
      const broken = (): never => {
        throw Object.assign(new Error('x'), { errcode: 13 });
      };
      const [first, second] = await Promise.allSettled([writer.submit(() => add(1)), writer.submit(broken)]);
      for (const each of [first, second]) expect(each).toMatchObject({ reason: { code: 'store_full' } });
      expect(hooks).toEqual(['begin']);
      expect(() => writer.now(broken)).toThrow(raised('store_full'));
      await writer.submit(() => add(2));
      writer.now(() => add(3));
      expect(rows()).toEqual([2, 3]);
      // Misuse is passed on as it is to who waits for it.
      for (const Misuse of [TypeError, RangeError])
        expect(() =>
          writer.now(() => {
            add(4);
            throw new Misuse('x');
          }),
        ).toThrow(Misuse);
      expect(rows()).toEqual([2, 3]);
    }));

  test('goes on with the rest of its queue when a transaction has failed', () =>
    withWriter(async ({ writer, rows, add }) => {
      const all = Array.from({ length: 600 }, (_, n) =>
        writer.submit(() => {
          if (n === 3) throw new Error('x');
          add(n);
        }),
      );
      const settled = await Promise.allSettled(all);
      expect(settled.map((each) => each.status === 'fulfilled')).toEqual(all.map((_, n) => n >= 512));
      expect(rows()).toHaveLength(88);
    }));

  test('refuses what has waited for the lock until its deadline, and what comes later waits on', () => {
    let now = 1000;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    return withWriter(
      async ({ writer, rows, add, another }) => {
        another.exec('begin immediate');
        const early = writer.submit(() => add(1));
        now += 60;
        const late = writer.submit(() => add(2));
        now += 40;
        await expect(early).rejects.toThrow(raised('store_unavailable'));
        another.exec('rollback');
        await late;
        expect(rows()).toEqual([2]);
        another.exec('begin immediate');
        const alone = writer.submit(() => add(3));
        now += 100;
        await expect(alone).rejects.toThrow(raised('store_unavailable'));
        const waits = writer.submit(() => add(4));
        await turnOver();
        another.exec('rollback');
        await waits;
        expect(rows()).toEqual([2, 4]);
      },
      { timeout: 100 },
    ).finally(() => clock.mockRestore());
  });

  test('waits for the lock itself where the answer is wanted at once, until the deadline', () => {
    let now = 1000;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 10));
    return withWriter(
      async ({ writer, rows, add, another }) => {
        another.exec('begin immediate');
        expect(() => writer.now(() => add(1))).toThrow(raised('store_unavailable'));
        expect(now).toBeGreaterThan(1110);
        expect(now).toBeLessThan(1200);
        another.exec('rollback');
        writer.now(() => add(2));
        expect(rows()).toEqual([2]);
      },
      { timeout: 100 },
    ).finally(() => clock.mockRestore());
  });

  test('writes nothing to a file that is another, and nothing more afterwards', () =>
    withWriter(async ({ writer, file, rows, add, hooks }) => {
      file.changed = true;
      await expect(writer.submit(() => add(1))).rejects.toThrow(raised('store_corrupt'));
      file.changed = false;
      await expect(writer.submit(() => add(2))).rejects.toThrow(file.broken!);
      expect(() => writer.now(() => add(3))).toThrow(file.broken!);
      expect([rows(), hooks]).toEqual([[], []]);
    }));

  test('says so when its connection fails before a transaction has begun', () =>
    withWriter(async ({ db, writer, hooks, add }) => {
      db.close();
      const all = [writer.submit(() => add(1)), writer.submit(() => add(2))];
      for (const each of all) await expect(each).rejects.toThrow(raised('store_unavailable'));
      expect(() => writer.now(() => add(3))).toThrow(raised('store_unavailable'));
      expect(hooks).toEqual([]);
    }));

  test('breaks with a file on which a transaction cannot be taken back', () =>
    withWriter(async ({ db, writer, file, add }) => {
      db.rollback = Object.assign(new Error('x'), { errcode: 11 });
      await expect(
        writer.submit(() => {
          add(1);
          throw new Error('x');
        }),
      ).rejects.toThrow(raised('store_unavailable'));
      expect(file.broken).toMatchObject({ code: 'store_corrupt' });
      await expect(writer.submit(() => add(2))).rejects.toThrow(file.broken!);
      db.rollback = null;
    }));

  test('copies the log each 32 transactions when it is above its bound, and when it closes', () =>
    withWriter(async ({ db, writer, file, add }) => {
      const write = (n: number): void => {
        for (let i = 0; i < n; i++) writer.now(() => add(i));
      };
      file.log = 16 * MIB;
      write(32);
      expect(db.copies).toBe(0);
      file.log++;
      write(31);
      expect(db.copies).toBe(0);
      write(1);
      expect(db.copies).toBe(1);
      db.copied = new Error('busy');
      write(32);
      expect(db.copies).toBe(2);
      file.log = MIB + 1;
      await writer.close();
      expect(db.copies).toBe(3);
      await writer.close();
      expect(db.copies).toBe(3);
    }));

  test('leaves a small log, and that of a file that is another, when it closes', async () => {
    await withWriter(async ({ db, writer, file }) => {
      file.log = MIB;
      await writer.close();
      expect(db.copies).toBe(0);
    });
    await withWriter(async ({ db, writer, file }) => {
      file.log = 99 * MIB;
      file.broken = new AmbitError('store_corrupt');
      await writer.close();
      expect(db.copies).toBe(0);
    });
  });

  test('is full while a reader keeps the log above the last bound, and asks again with each call', () =>
    withWriter(
      async ({ db, writer, file, rows, add, hooks }) => {
        const write = (): void => {
          for (let i = 0; i < 32; i++) writer.now(() => add(i));
        };
        db.copied = [0, 10, 5];
        file.log = 20 * MIB;
        write();
        writer.now(() => undefined);
        // Above the bound, but copied whole.
        file.log++;
        db.copied = [0, 10, 10];
        for (let i = 1; i < 32; i++) writer.now(() => undefined);
        expect(db.copies).toBe(2);
        writer.now(() => undefined);
        db.copied = [0, 10, 9];
        for (let i = 1; i < 32; i++) writer.now(() => undefined);
        expect(db.copies).toBe(3);
        hooks.length = 0;
        await expect(writer.submit(() => add(1))).rejects.toThrow(
          expect.objectContaining({
            code: 'store_full',
            message: expect.stringContaining('The log') as string,
          }),
        );
        expect(() => writer.now(() => add(1))).toThrow(raised('store_full'));
        expect([db.copies, hooks, rows().length]).toEqual([5, [], 32]);
        db.copied = [0, 10, 10];
        expect(() => writer.now(() => add(1))).toThrow(raised('store_full'));
        writer.now(() => add(77));
        expect(rows().at(-1)).toBe(77);
      },
      { maxLog: 20 * MIB },
    ));

  test('has a bound of 512 MiB unless another is given', () =>
    withWriter(async ({ db, writer, file }) => {
      db.copied = [0, 10, 5];
      for (const log of [512 * MIB, 512 * MIB + 1]) {
        file.log = log;
        for (let i = 0; i < 32; i++) writer.now(() => undefined);
      }
      expect(() => writer.now(() => undefined)).toThrow(raised('store_full'));
    }));

  test('does what is queued before it closes, and nothing after it', () =>
    withWriter(async ({ writer, rows, add }) => {
      const queued = writer.submit(() => add(1));
      await writer.close();
      await queued;
      expect(rows()).toEqual([1]);
      const closed = expect.objectContaining({
        code: 'store_unavailable',
        message: 'The state store was closed.',
      }) as unknown;
      await expect(writer.submit(() => add(2))).rejects.toThrow(closed);
      expect(() => writer.now(() => add(3))).toThrow(closed);
    }));
});
