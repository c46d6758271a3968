// One setting for every back end (`open.ts`), and what an operator does with it (`operator.ts`): a file in this
// process, and servers that are not there. What is done to servers is tested on real ones (`redis`, `postgres`, the
// command line's `state`).
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AmbitError } from '@ambit/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openStore, withPeer } from '../src/open.ts';
import { operatorOf } from '../src/operator.ts';
import { Connection } from '../src/sqlite/binding.ts';
import { SCHEMA_VERSION } from '../src/sqlite/schema.ts';
import { charges, counter } from '../src/testing/make.ts';

// Drivers are loaded when they are asked for, which takes longer than all that is tested here.
beforeAll(async () => {
  await import('../src/sqlite/operate.ts');
  await import('../src/redis/connect.ts');
  await import('../src/postgres.ts');
});

/** No server listens there. */
const GONE = '127.0.0.1:1';
const now = Math.floor(Date.now() / 1000);
const spend = async (store: Awaited<ReturnType<typeof openStore>>, name: string): Promise<string> => {
  const answer = await store.budgets.reserve(charges([counter(name, 1, 5, { expires: now + 600 })]), now);
  return answer.ok ? 'ok' : answer.code;
};
const problem = async (promise: Promise<unknown>): Promise<AmbitError> => {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AmbitError)) throw new Error(`expected an AmbitError, got ${String(error)}`);
  return error;
};
/** Runs with a fresh folder. */
const inFolder = async (job: (path: string, folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'ambit-open-'));
  try {
    await job(join(folder, 's.db'), folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

describe('a store is opened', () => {
  test.each(['memory', 'sqlite'])('of %s with the options of all back ends, or without', async (backend) => {
    await inFolder(async (path) => {
      const url = backend === 'memory' ? 'memory:' : `file:${path}`;
      const store = await openStore(url, { rowsPerToken: 1 });
      expect((await store.stats()).backend).toBe(backend);
      const appended = async (name: string): Promise<string> => {
        const c = charges([counter(name, 1, 5, { caveat: 0, expires: now + 600 })]);
        const answer = await store.budgets.reserve(c, now);
        return answer.ok ? 'ok' : answer.code;
      };
      expect([await appended('a'), await appended('b')]).toEqual(['ok', 'budget_exceeded']);
      await store.close();
      const plain = await openStore(url);
      expect(await spend(plain, 'd')).toBe('ok');
      await plain.close();
    });
  });

  test('or not, where the URL is none', async () => {
    const error = await problem(openStore('x:'));
    expect([error.code, error.message.startsWith('x:')]).toEqual(['input_invalid', false]);
  });

  test.each(['redis', 'postgres'])(
    'or not, on %s, which says where, without the password',
    async (scheme) => {
      const error = await problem(openStore(`${scheme}://u:secret@${GONE}`, { timeout: 500 }));
      expect(error).toMatchObject({ code: 'store_unavailable', cause: expect.any(AmbitError) as unknown });
      expect(error.message).toMatch(new RegExp(`^${scheme}://u@${GONE}: .`));
    },
  );

  test('or not, from a file that is none, which says which', async () => {
    await inFolder(async (path) => {
      writeFileSync(path, 'no database');
      const error = await problem(openStore(`file:${path}`));
      expect(error.code).toBe('store_corrupt');
      expect(error.message.startsWith(`file:${path}: `)).toBe(true);
    });
  });

  test('with an error of another kind left as it is: a certificate that is not there', async () => {
    const url = `rediss://${GONE}?ca=/not/there.pem`;
    for (const job of [() => openStore(url), () => operatorOf(url).status()]) {
      await expect(job()).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(job()).rejects.not.toBeInstanceOf(AmbitError);
    }
  });

  test('by a driver, which is named when it is missing; other errors are left as they are', async () => {
    expect(await withPeer('pg', async () => 5)).toBe(5);
    const missing = (code: unknown, text: string): Error => Object.assign(new Error(text), { code });
    const gone = missing('ERR_MODULE_NOT_FOUND', "Cannot find package 'pg' imported from x");
    const error = await problem(withPeer('pg', () => Promise.reject(gone)));
    expect(error).toMatchObject({ code: 'store_unavailable', cause: gone });
    expect(error.message).toContain('npm install pg');
    for (const other of [
      missing('ERR_MODULE_NOT_FOUND', "Cannot find package 'pg-types' imported from x"),
      missing('ECONNREFUSED', "'pg'"),
      new Error("'pg'"),
      { code: 'ERR_MODULE_NOT_FOUND', message: "'pg'" },
      null,
    ])
      await expect(withPeer('pg', () => Promise.reject(other as Error))).rejects.toBe(other);
  });
});

describe('an operator', () => {
  test('has nothing to do with a store in memory', () => {
    expect(() => operatorOf('memory:')).toThrow(expect.objectContaining({ code: 'input_invalid' }));
    expect(() => operatorOf('memory:')).toThrow('nothing to operate');
    expect(() => operatorOf('x:')).toThrow(expect.objectContaining({ code: 'input_invalid' }));
  });

  test('makes a file, looks at it, copies it, puts the copy back, and begins an epoch', async () => {
    await inFolder(async (path, folder) => {
      const url = `file:${path}`;
      const operator = operatorOf(url);
      await operator.init();
      const again = await problem(operator.init());
      expect([again.code, again.message.includes(path)]).toEqual(['file_exists', true]);
      expect(await operator.status()).toMatchObject({
        backend: 'sqlite',
        version: SCHEMA_VERSION,
        stats: { backend: 'sqlite', fault: null },
        problem: null,
      });
      expect([await operator.check(), await operator.repair()]).toEqual([[], false]);
      expect(await operator.migrate()).toBe(SCHEMA_VERSION);
      const epoch = async (): Promise<string> => {
        const store = await openStore(url);
        const named = await store.replay.epoch();
        await store.close();
        return named;
      };
      const first = await epoch();
      expect(await epoch()).toBe(first);
      await operator.reset();
      const second = await epoch();
      expect(second).not.toBe(first);
      const copy = join(folder, 'copy.db');
      await operator.backup(copy);
      expect(existsSync(copy)).toBe(true);
      rmSync(path);
      rmSync(`${path}-wal`, { force: true });
      rmSync(`${path}-shm`, { force: true });
      await operator.restore(copy);
      expect(await operator.check()).toEqual([]);
    });
  });

  test('is told what is wrong with a file: there is none, or it is none', async () => {
    await inFolder(async (path) => {
      const operator = operatorOf(`file:${path}`);
      expect((await problem(operator.check())).code).toBe('file_missing');
      const status = await operator.status();
      expect(status).toMatchObject({ backend: 'sqlite', stats: null, problem: { code: 'file_missing' } });
      writeFileSync(path, 'no database');
      const found = await operator.status();
      expect(found).toMatchObject({ version: null, stats: null, problem: { code: 'store_corrupt' } });
      expect(await operator.check()).not.toEqual([]);
    });
  });

  test('is told what a look at the rows finds, and else why the file cannot be opened', async () => {
    await inFolder(async (path) => {
      const operator = operatorOf(`file:${path}`);
      await operator.init();
      const put = (key: string, value: string): void => {
        const db = new Connection(path);
        db.prepare('insert or replace into meta values (?, ?)').run(key, value);
        db.close();
      };
      put('time', String(now + 86_400 * 365));
      expect(await operator.check()).toEqual([expect.stringMatching(/clock that was \d+ s ahead/)]);
      expect(await operator.repair()).toBe(true);
      expect(await operator.check()).toEqual([]);
      put('version', '1');
      expect(await operator.status()).toMatchObject({
        version: 1,
        stats: null,
        problem: { code: 'store_corrupt' },
      });
      expect(await operator.check()).toEqual([expect.stringContaining('version 1')]);
    });
  });

  test('of a server that does not answer is told so, and closes what it has opened', async () => {
    for (const [url, backend] of [
      [`redis://u:secret@${GONE}`, 'redis'],
      [`postgres://u:secret@${GONE}/d`, 'postgres'],
    ] as const) {
      const operator = operatorOf(url);
      const status = await operator.status();
      expect(status).toMatchObject({
        backend,
        version: null,
        stats: null,
        problem: { code: 'store_unavailable' },
      });
      expect(status.problem!.message).not.toContain('secret');
      expect((await problem(operator.init())).code).toBe('store_unavailable');
      expect((await problem(operator.reset())).code).toBe('store_unavailable');
    }
    const { problem: why } = await operatorOf(`redis://${GONE}`).status();
    expect(await operatorOf(`redis://${GONE}`).check()).toEqual([`${why!.message} [store_unavailable]`]);
    expect((await problem(operatorOf(`postgres://${GONE}/d`).check())).code).toBe('store_unavailable');
    expect((await problem(operatorOf(`postgres://${GONE}/d`).migrate())).code).toBe('store_unavailable');
  });

  test("leaves to a server's own tools what is theirs, and names them", async () => {
    for (const [url, tools] of [
      [`redis://${GONE}`, ['BGSAVE', 'data directory']],
      [`postgres://${GONE}/d`, ['pg_basebackup', 'pg_restore']],
    ] as const) {
      const operator = operatorOf(url);
      for (const [i, job] of [operator.backup('x'), operator.restore('x')].entries()) {
        const error = await problem(job);
        expect(error.code).toBe('input_invalid');
        expect(error.message).toContain(tools[i]);
        expect(error.message).toContain('ambit state reset');
      }
      expect(await operator.repair()).toBe(false);
    }
    const none = await problem(operatorOf(`redis://${GONE}`).migrate());
    expect([none.code, none.message.includes('nothing to migrate')]).toEqual(['input_invalid', true]);
  });
});
