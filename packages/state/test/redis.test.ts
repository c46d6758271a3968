// The Redis back end against real servers: the common laws, then what only Redis can do wrong.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { initializeRedis, redisStore, resetRedis } from '../src/redis.ts';
import type { Store } from '../src/index.ts';
import { GRACE } from '../src/budgets.ts';
import { conformance } from '../src/testing.ts';
import { freePort, hasRedis, startRedis, stopAll, type Server } from './redis-server.ts';
import {
  LATER,
  NOW,
  charges,
  counter,
  id,
  serverSeconds,
  startAt,
  proofClaim,
  numbered,
} from '../src/testing/make.ts';

const SUBJECT = { issuer: 'acme', token: 't', key: 'k', user: 'u', nodes: [], holders: [] };
const one = (name: string, limit = 10): ReturnType<typeof charges> => charges([counter(name, 1, limit)]);
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);
const spend = async (store: Store, name = 'c', limit = 10): Promise<string> =>
  code(await store.budgets.reserve(one(name, limit), NOW));

describe.skipIf(!hasRedis)('with redis-server', () => {
  let server: Server;
  let n = 0;
  beforeAll(async () => {
    server = await startRedis();
  });
  // Rows of a server end by its clock, not by ours; and on a busy machine the last tests begin minutes after the first.
  beforeEach(() => startAt(serverSeconds()));
  afterAll(async () => {
    await server.stop();
    stopAll();
  });

  const connected = async (
    at: Server = server,
  ): ReturnType<typeof at.connect> extends infer R ? Promise<R> : never => {
    const client = at.connect();
    await client.connect();
    return client;
  };
  const open = async (
    at: Server,
    options: { prefix?: string; timeout?: number; poll?: number; staleAfter?: number; push?: boolean } = {},
  ): Promise<Store> => {
    const client = await connected(at);
    const { push, ...rest } = options;
    return redisStore({ client, ...(push === false ? {} : { subscriber: await connected(at) }), ...rest });
  };

  const prefixes = new WeakMap<Store, string>();
  conformance(
    'redis',
    async ({ rowsPerToken }) => {
      const prefix = `t${n++}:`;
      await initializeRedis(await connected(), { prefix });
      const more = rowsPerToken === undefined ? {} : { rowsPerToken };
      const store = await redisStore({
        client: await connected(),
        subscriber: await connected(),
        prefix,
        ...more,
      });
      prefixes.set(store, prefix);
      return store;
    },
    async (store) => void (await resetRedis(await connected(), { prefix: prefixes.get(store)!, quiet: 0 })),
    'own',
    undefined,
    async (store, at) => {
      const admin = await connected();
      for (const key of await admin.keys(`${prefixes.get(store)!}*`)) {
        const ends = await admin.pexpiretime(key);
        if (ends >= 0 && ends <= at * 1000) await admin.del(key);
        // A script looks at the time, and then drops these (`rowsOf`).
        else if (key.includes('}r:')) await admin.zremrangebyscore(key, '-inf', at - GRACE);
      }
    },
  );

  test('a Redis that nobody initialised is refused; it is initialised once', async () => {
    const prefix = `t${n++}:`;
    await expect(open(server, { prefix })).rejects.toMatchObject({ code: 'store_corrupt' });
    await initializeRedis(await connected(), { prefix });
    await expect(initializeRedis(await connected(), { prefix })).rejects.toMatchObject({
      code: 'file_exists',
    });
    const store = await open(server, { prefix });
    expect(await spend(store)).toBe('ok');
    await store.close();
  });

  test('a refund that travels twice is given once', async () => {
    const prefix = `t${n++}:`;
    await initializeRedis(await connected(), { prefix });
    const client = await connected();
    const twice = new Proxy(client, {
      get: (target, key) =>
        key === 'evalsha'
          ? async (...args: Parameters<typeof client.evalsha>) => {
              await client.evalsha(...args).catch(() => undefined);
              return client.evalsha(...args);
            }
          : Reflect.get(target, key),
    });
    const store = await redisStore({ client: twice, prefix });
    const plain = await open(server, { prefix });
    await plain.budgets.reserve(charges([counter('twice', 50, 100)]), NOW);
    const take = async (): Promise<Parameters<Store['budgets']['settle']>[0]> => {
      const answer = await store.budgets.reserve(charges([counter('twice', 10, 100)]), NOW);
      if (!answer.ok) throw new Error(answer.code);
      return answer.reservation;
    };
    // The first one makes the server know the script, which only then can run twice.
    await store.budgets.settle(await take(), [0]);
    const reservation = await take();
    const before = (await plain.budgets.left(id('root'), [counter('twice', 0, 100)], NOW))[0]!;
    await store.budgets.settle(reservation, [0]);
    expect(await plain.budgets.left(id('root'), [counter('twice', 0, 100)], NOW)).toEqual([before + 10]);
  });

  describe('S8 state that may have been lost denies until an operator resets', () => {
    test('FLUSHALL in the middle', async () => {
      const own = await startRedis();
      try {
        const admin = await connected(own);
        await initializeRedis(admin);
        const store = await open(own, { poll: 20, staleAfter: 200 });
        const epoch = await store.replay.epoch();
        const fifth = charges([], { sequence: await numbered(store, 's', 5) });
        // It ends by the server's clock, whatever ours says.
        const ends = Number((await admin.time())[0]) + 60;
        const nonce = charges([], { replay: proofClaim('before', ends) });
        expect(code(await store.budgets.reserve(fifth, NOW))).toBe('ok');
        expect(code(await store.budgets.reserve(nonce, NOW))).toBe('ok');
        for (let i = 0; i < 10; i++) expect(await spend(store)).toBe('ok');
        await admin.flushall();
        // Ten were spent; a fresh counter would grant again.
        expect(await spend(store)).toBe('store_corrupt');
        expect(await spend(store, 'another')).toBe('store_corrupt');
        expect(code(await store.budgets.reserve(fifth, NOW))).toBe('store_corrupt');
        expect(code(await store.budgets.reserve(charges([], { replay: proofClaim('x') }), NOW))).toBe(
          'store_corrupt',
        );
        expect(await store.sessions.check('acme', 's', NOW)).toEqual({ ok: false, code: 'store_corrupt' });
        await expect(store.replay.epoch()).rejects.toMatchObject({ code: 'store_corrupt' });
        await expect.poll(() => code(store.revocations.isRevoked(SUBJECT))).toBe('revocations_stale');
        await resetRedis(admin, { quiet: 0 });
        await spend(store);
        expect(await spend(store)).toBe('ok');
        // The windows are gone, and so their numbers are refused until the verifier is told the new epoch.
        expect(code(await store.budgets.reserve(fifth, NOW))).toBe('replayed');
        expect(await store.replay.epoch()).not.toBe(epoch);
        // A proof from before the flush is not good again.
        expect(code(await store.budgets.reserve(nonce, NOW))).toBe('store_unavailable');
        await expect.poll(() => code(store.revocations.isRevoked(SUBJECT))).toBe('ok');
        await store.close();
      } finally {
        await own.stop();
      }
    });

    test('a restart without persistence, and one that restored an old snapshot', async () => {
      const dir = mkdtempSync(join(tmpdir(), 'ambit-restart-'));
      const port = await freePort();
      const first = await startRedis(['--save', ''], { port, dir });
      const admin = await connected(first);
      await initializeRedis(admin);
      const store = await open(first, { timeout: 500, poll: 20, staleAfter: 300 });
      for (let i = 0; i < 5; i++) await spend(store);
      await admin.save();
      for (let i = 0; i < 5; i++) expect(await spend(store)).toBe('ok');
      first.child.kill('SIGKILL');
      await expect.poll(() => spend(store)).toBe('store_unavailable');
      await expect.poll(() => code(store.revocations.isRevoked(SUBJECT))).toBe('revocations_stale');
      // It comes back with five of the ten spends, under another run id.
      const second = await startRedis(['--save', ''], { port, dir });
      await expect.poll(() => spend(store)).toBe('store_corrupt');
      const late = await open(second).then(spend, (error: { code: string }) => error.code);
      expect(late).toBe('store_corrupt');
      await resetRedis(await connected(second), { quiet: 0 });
      await expect.poll(() => spend(store)).toBe('ok');
      await store.close();
      await first.stop();
      await second.stop();
      rmSync(dir, { recursive: true });
    });

    test('a failover to a replica that lagged behind', async () => {
      const primary = await startRedis(['--save', '', '--repl-diskless-sync-delay', '0']);
      const replica = await startRedis(['--save', '', '--replicaof', '127.0.0.1', String(primary.port)]);
      try {
        await initializeRedis(await connected(primary));
        const store = await open(primary);
        for (let i = 0; i < 5; i++) expect(await spend(store)).toBe('ok');
        const admin = await connected(replica);
        await expect.poll(() => admin.dbsize(), { timeout: 20_000 }).toBeGreaterThan(65);
        await admin.call('REPLICAOF', 'NO', 'ONE');
        for (let i = 0; i < 5; i++) expect(await spend(store)).toBe('ok');
        await store.close();
        // The counter says five here. The new primary must not be believed.
        const lag = await open(replica).then(spend, (error: { code: string }) => error.code);
        expect(lag).toBe('store_corrupt');
      } finally {
        await replica.stop();
        await primary.stop();
      }
    });

    test('a server that evicts rows', async () => {
      const own = await startRedis([
        '--save',
        '',
        '--maxmemory',
        '50mb',
        '--maxmemory-policy',
        'volatile-lru',
      ]);
      try {
        await initializeRedis(await connected(own));
        await expect(open(own)).rejects.toMatchObject({ code: 'store_corrupt' });
      } finally {
        await own.stop();
      }
    });
  });

  test('S8 W4 a full server: store_full', async () => {
    const own = await startRedis(['--save', '', '--maxmemory', '1mb', '--maxmemory-policy', 'noeviction']);
    try {
      const admin = await connected(own);
      await admin.config('SET', 'maxmemory', '100mb');
      await initializeRedis(admin);
      const store = await open(own, { poll: 10_000 });
      expect(await spend(store)).toBe('ok');
      await admin.config('SET', 'maxmemory', '1mb');
      expect(await spend(store)).toBe('store_full');
      await admin.config('SET', 'maxmemory', '100mb');
      expect(await spend(store)).toBe('ok');
      await store.close();
    } finally {
      await own.stop();
    }
  });

  test('S8 a slow server: store_unavailable, and the late answer changes nothing for the caller', async () => {
    const prefix = `t${n++}:`;
    const admin = await connected();
    await initializeRedis(admin, { prefix });
    const store = await open(server, { prefix, timeout: 100, staleAfter: 60_000 });
    expect(await spend(store)).toBe('ok');
    await admin.call('CLIENT', 'PAUSE', '400', 'WRITE');
    const left = (): Promise<number | null> =>
      store.budgets.left(id('root'), [counter('c', 0, 10)], NOW).then(
        ([n]) => n!,
        () => null,
      );
    const before = (await left()) ?? 9;
    expect(await spend(store)).toBe('store_unavailable');
    await new Promise((resolve) => setTimeout(resolve, 500));
    // It may have been charged, never credited. On a busy machine a quick server is slow as well, for a while.
    let after: number | null = null;
    await expect.poll(async () => (after = await left()), { timeout: 30_000 }).not.toBeNull();
    expect(after).toBeLessThanOrEqual(before);
    await expect.poll(() => spend(store, 'later', 10_000), { timeout: 30_000 }).toBe('ok');
    await store.close();
  });

  test('S4 S8 appendonly: killed in the middle and started again, a trusted server has every acknowledged spend', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'ambit-aof-'));
    const port = await freePort();
    const args = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'];
    let own = await startRedis(args, { port, dir });
    await initializeRedis(await connected(own), { restarts: 'trusted' });
    let acknowledged = 0;
    for (let round = 0; round < 3; round++) {
      const store = await open(own, { timeout: 1000 });
      const state = { running: true };
      const lane = async (): Promise<void> => {
        while (state.running) {
          if ((await spend(store, 'durable', 1e9)) !== 'ok') return;
          acknowledged++;
        }
      };
      const lanes = Array.from({ length: 8 }, lane);
      const before = acknowledged;
      await expect.poll(() => acknowledged - before, { timeout: 30_000, interval: 20 }).toBeGreaterThan(10);
      await own.stop();
      state.running = false;
      await Promise.all(lanes);
      await store.close();
      own = await startRedis(args, { port, dir });
    }
    const store = await open(own);
    const spent = 1e9 - (await store.budgets.left(id('root'), [counter('durable', 0, 1e9)], NOW))[0]!;
    expect(acknowledged).toBeGreaterThan(30);
    expect(spent).toBeGreaterThanOrEqual(acknowledged);
    expect(spent).toBeLessThanOrEqual(acknowledged + 3 * 8);
    await store.close();
    await own.stop();
    rmSync(dir, { recursive: true });
  });

  test('S7 a push that was missed arrives with the next look; a list that went back is stale', async () => {
    const prefix = `t${n++}:`;
    const admin = await connected();
    await initializeRedis(admin, { prefix });
    const deaf = await open(server, { prefix, push: false, poll: 30, staleAfter: 400 });
    const other = await open(server, { prefix });
    await other.revocations.add({ kind: 'user', issuer: 'acme', value: 'u', reason: 'lost' }, NOW);
    await expect.poll(() => code(deaf.revocations.isRevoked(SUBJECT))).toBe('revoked');
    expect(code(deaf.revocations.isRevoked({ ...SUBJECT, user: 'v' }))).toBe('ok');
    await admin.set(`${prefix}{rev}number`, '1');
    await expect
      .poll(() => code(deaf.revocations.isRevoked({ ...SUBJECT, user: 'v' })))
      .toBe('revocations_stale');
    expect(code(deaf.revocations.isRevoked(SUBJECT))).toBe('revoked');
    await deaf.close();
    await other.close();
  });

  test('a session closed elsewhere is refused here although it is remembered', async () => {
    const prefix = `t${n++}:`;
    await initializeRedis(await connected(), { prefix });
    const [a, b] = [await open(server, { prefix }), await open(server, { prefix })];
    await a.sessions.open({ issuer: 'acme', id: 's', operator: 'o', expires: NOW + 100 }, NOW);
    expect(await b.sessions.check('acme', 's', NOW)).toMatchObject({ ok: true });
    expect(b.sessions.check('acme', 's', NOW)).not.toBeInstanceOf(Promise);
    await a.sessions.close('acme', 's', 'done', NOW);
    await expect.poll(async () => code(await b.sessions.check('acme', 's', NOW))).toBe('session_closed');
    await a.close();
    await b.close();
  });

  test("P6 a session's window is one, whatever tokens use it", async () => {
    const prefix = `t${n++}:`;
    await initializeRedis(await connected(), { prefix });
    const store = await open(server, { prefix });
    const epoch = await store.replay.epoch();
    const use = (name: string, sequence: number): Promise<string> =>
      store.budgets
        .reserve(
          charges([counter(name, 1, 1e6)], {
            root: id(name),
            partitionKey: id(name),
            sequence: { session: id('one'), sequence, expires: LATER, epoch },
          }),
          NOW,
        )
        .then(code);
    const once = await Promise.all(Array.from({ length: 300 }, (_, i) => use(`t ${i % 40}`, i)));
    expect(once.every((each) => each === 'ok')).toBe(true);
    const again = await Promise.all(Array.from({ length: 300 }, (_, i) => use(`t ${(i + 7) % 40}`, i)));
    expect(again.every((each) => each === 'replayed')).toBe(true);
    // What was refused has charged nothing.
    const counted = Array.from({ length: 40 }, (_, i) => counter(`t ${i}`, 0, 100));
    const left = await Promise.all(counted.map((c, i) => store.budgets.left(id(`t ${i}`), [c], NOW)));
    expect(left.flat().reduce((a, b) => a + b)).toBe(40 * 100 - 300);
    await store.close();
  });
});
