// The parts that an open state file is made of, each by itself: the codes of faults, the connection, the file's identity,
// what is read in one turn of the event loop.
import fs, { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { AmbitError } from '@ambit/core';
import { describe, expect, test, vi } from 'vitest';
import { Connection, faultOf, isBusy } from '../src/sqlite/binding.ts';
import { OpenFile } from '../src/sqlite/file.ts';
import { Turn } from '../src/sqlite/turn.ts';
import { stateFiles } from './state-files.ts';

const { path } = stateFiles();
const raised = (code: string): unknown => expect.objectContaining({ name: 'AmbitError', code });
const turnOver = async (): Promise<void> => {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('faults', () => {
  const failed = (errcode: unknown): Error => Object.assign(new Error('x'), { errcode });
  test('have codes by what SQLite says', () => {
    for (const [error, code] of [
      [failed(11), 'store_corrupt'],
      [failed(11 + 256), 'store_corrupt'],
      [failed(26), 'store_corrupt'],
      [Object.assign(new Error('x'), { code: 'ERR_OUT_OF_RANGE' }), 'store_corrupt'],
      [failed(13), 'store_full'],
      [failed(5), 'store_unavailable'],
      [failed(-245), 'store_unavailable'],
      [failed(-1), 'store_unavailable'],
      [Object.assign(new Error('x'), { code: 'ERR_OTHER' }), 'store_unavailable'],
      [new Error('x'), 'store_unavailable'],
      [{ errcode: 11 }, 'store_unavailable'],
      [{ code: 'ERR_OUT_OF_RANGE' }, 'store_unavailable'],
      [null, 'store_unavailable'],
      [new AmbitError('store_corrupt'), 'store_corrupt'],
      [new AmbitError('store_full'), 'store_full'],
      [new AmbitError('store_unavailable'), 'store_unavailable'],
      [new AmbitError('input_invalid'), 'store_unavailable'],
      [Object.assign(new Error('x'), { code: 'store_full' }), 'store_unavailable'],
    ] as const)
      expect([error, faultOf(error)]).toEqual([error, code]);
    expect([5, 6, 5 + 256, 6 + 512, 11, 0, -251].map((n) => isBusy(failed(n)))).toEqual([
      ...[true, true, true, true],
      ...[false, false, false],
    ]);
    expect([isBusy(new Error('x')), isBusy({ errcode: 5 })]).toEqual([false, false]);
  });

  test('a connection reads rows as lists, one moment at a time, and can be closed twice', () => {
    const db = new Connection(path());
    db.exec('create table t(a, b); insert into t values (1, 2), (3, 4)');
    expect(db.prepare('select a, b from t order by a').all()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect([db.value('select b from t where a = ?', 3), db.value('select b from t where a = 9')]).toEqual([
      4,
      undefined,
    ]);
    expect(db.snapshot(() => db.inTransaction)).toBe(true);
    expect(db.inTransaction).toBe(false);
    expect(() =>
      db.snapshot(() => {
        throw new SyntaxError('x');
      }),
    ).toThrow(SyntaxError);
    expect(db.inTransaction).toBe(false);
    db.close();
    db.close();
    expect(db.inTransaction).toBe(false);
  });
});

describe('the file as it was opened', () => {
  const created = (): string => {
    const file = path();
    writeFileSync(file, '');
    return file;
  };
  test('is the same until it is moved, whatever comes in its place', () => {
    const file = created();
    const open = new OpenFile(file);
    expect(() => open.check()).not.toThrow();
    expect([open.broken, open.logSize()]).toEqual([null, 0]);
    renameSync(file, `${file}.moved`);
    expect(() => open.check()).toThrow(raised('store_corrupt'));
    const { broken } = open;
    expect(broken).toMatchObject({
      code: 'store_corrupt',
      message: expect.stringContaining('moved') as string,
    });
    renameSync(`${file}.moved`, file);
    expect(() => open.check()).toThrow(broken!);
    // What was wrong first is what is said.
    expect(open.breaks(new AmbitError('store_full'))).toBe(broken);
  });

  test('is not another in its place, and its log is not another either', () => {
    const file = created();
    const open = new OpenFile(file);
    const [first, second] = [new OpenFile(file), created()];
    writeFileSync(`${file}-wal`, 'log');
    first.check();
    renameSync(`${file}-wal`, `${file}-old`);
    writeFileSync(`${file}-wal`, 'log');
    expect(() => first.check()).toThrow(raised('store_corrupt'));
    expect(() => open.check()).not.toThrow();
    renameSync(file, `${file}.moved`);
    renameSync(second, file);
    expect(() => open.check()).toThrow(raised('store_corrupt'));
  });

  test('has one name, from the start and later', () => {
    const file = created();
    const open = new OpenFile(file);
    linkSync(file, `${file}.link`);
    expect(() => open.check()).toThrow(
      expect.objectContaining({ message: expect.stringContaining('while it was open') as string }),
    );
    expect(() => new OpenFile(file)).toThrow(raised('store_corrupt'));
  });

  test('has the log that was there first, once there was one', () => {
    const file = created();
    const open = new OpenFile(file);
    open.check();
    writeFileSync(`${file}-wal`, 'four');
    for (let i = 0; i < 2; i++) expect(() => open.check()).not.toThrow();
    expect(open.logSize()).toBe(4);
    rmSync(`${file}-wal`);
    expect(() => open.check()).toThrow(raised('store_corrupt'));
    expect(open.logSize()).toBe(0);
  });

  test('is on a disk of this machine', () => {
    const file = created();
    const real = fs.statfsSync;
    try {
      for (const [type, remote] of [
        [0x6969, true],
        [0xff534d42, true],
        [0xef53, false],
      ] as const) {
        fs.statfsSync = (() => ({ type })) as unknown as typeof real;
        syncBuiltinESMExports();
        if (remote) expect(() => new OpenFile(file)).toThrow(raised('store_unavailable'));
        else expect(() => new OpenFile(file)).not.toThrow();
      }
    } finally {
      fs.statfsSync = real;
      syncBuiltinESMExports();
    }
  });
});

describe('a turn', () => {
  function watched(): { readonly turn: Turn; readonly looks: () => number; fails: boolean } {
    const state = { looks: 0, fails: false };
    const check = (): void => {
      state.looks++;
      if (state.fails) throw new AmbitError('store_corrupt');
    };
    const turn = new Turn({ check } as OpenFile);
    return {
      turn,
      looks: () => state.looks,
      get fails() {
        return state.fails;
      },
      set fails(fails) {
        state.fails = fails;
      },
    };
  }
  const atTime = async (job: (at: (ms: number) => void) => Promise<void>): Promise<void> => {
    let now = 1000;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    try {
      await job((ms) => (now = 1000 + ms));
    } finally {
      clock.mockRestore();
    }
  };

  test('asks each question once, and looks at the file once', () =>
    atTime(async () => {
      const { turn, looks } = watched();
      let n = 0;
      const ask = (question: string): number => turn.once(question, () => ++n);
      expect(['a', 'b', 'a', 'b'].map(ask)).toEqual([1, 2, 1, 2]);
      turn.look();
      expect(looks()).toBe(1);
      await turnOver();
      expect([ask('b'), ask('b'), looks()]).toEqual([3, 3, 2]);
      await turnOver();
      turn.look();
      expect(looks()).toBe(3);
      // What is undefined was answered too.
      const nothing = (): undefined => void n++;
      turn.once('c', nothing);
      turn.once('c', nothing);
      expect(n).toBe(4);
    }));

  test('is over when this process has written, and after five milliseconds', () =>
    atTime(async (at) => {
      const { turn, looks } = watched();
      let n = 0;
      const ask = (): number => turn.once('a', () => ++n);
      expect([ask(), ask()]).toEqual([1, 1]);
      turn.end();
      expect([ask(), looks()]).toEqual([2, 2]);
      at(5);
      expect([ask(), looks()]).toEqual([2, 2]);
      at(6);
      expect([ask(), looks()]).toEqual([3, 3]);
      at(11);
      expect(ask()).toBe(3);
      at(12);
      expect(ask()).toBe(4);
      await turnOver();
      expect(ask()).toBe(5);
    }));

  test('answers nothing of a file that is another', () =>
    atTime(async () => {
      const each = watched();
      expect(each.turn.once('a', () => 1)).toBe(1);
      each.fails = true;
      expect(each.turn.once('a', () => 2)).toBe(1);
      each.turn.end();
      for (let i = 0; i < 2; i++) expect(() => each.turn.once('a', () => 2)).toThrow(raised('store_corrupt'));
      expect(() => each.turn.look()).toThrow(raised('store_corrupt'));
      expect(each.looks()).toBe(4);
    }));
});
