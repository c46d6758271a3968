// A Redis server under running verifiers (attack catalogue W5; findings S5, S6, S13, S17, S20): what changes while
// the server process stays the same is noticed by the poll.
import { afterAll, describe, expect, test } from 'vitest';
import { Redis } from 'ioredis';
import { initializeRedis, redisStore, resetRedis, type RedisClient } from '../src/redis.ts';
import { leasedBudgets, type Store } from '../src/index.ts';
import { openStore } from '../src/open.ts';
import { charges, counter, id, proofClaim, serverSeconds } from '../src/testing/make.ts';
import { proxy } from './proxy.ts';
import { hasRedis, startRedis, stopAll, type Server } from './redis-server.ts';

const now = serverSeconds();
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);
const subject = { issuer: 'acme', token: 't', key: 'k', user: 'u', nodes: [], holders: [] };
const spend = async (store: Store, name = 'c', partitionKey = id('root')): Promise<string> =>
  code(
    await store.budgets.reserve(
      charges([counter(name, 1, 1000, { expires: now + 3600 })], { root: partitionKey, partitionKey }),
      now,
    ),
  );

describe.skipIf(!hasRedis)('with redis-server', () => {
  afterAll(() => stopAll());
  const connected = async (at: Server): Promise<Redis> => {
    const client = at.connect();
    await client.connect();
    return client;
  };
  const opened = async (at: Server, more: object = {}): Promise<Store> =>
    redisStore({ client: await connected(at), poll: 50, staleAfter: 2000, ...more });
  /** Revokes by another connection, and waits until the store knows. */
  const expectHears = async (store: Store, at: Server): Promise<void> => {
    const issuer = await opened(at);
    await issuer.revocations.add({ kind: 'user', issuer: 'acme', value: 'u', reason: '' }, now);
    await expect.poll(() => code(store.revocations.isRevoked(subject))).toBe('revoked');
    await issuer.close();
  };

  test('finding S5 eviction switched on later denies while it is on, and for good when something was evicted', async () => {
    const own = await startRedis();
    const admin = await connected(own);
    await initializeRedis(admin);
    const store = await opened(own);
    expect(await spend(store)).toBe('ok');
    await admin.config('SET', 'maxmemory', '100mb');
    await admin.config('SET', 'maxmemory-policy', 'volatile-lru');
    await expect.poll(() => spend(store)).toBe('store_corrupt');
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    await expect.poll(() => spend(store)).toBe('ok');
    // Another user of the server fills it; proofs are among what has to go.
    const proofs = Array.from({ length: 300 }, (_, i) =>
      charges([], { replay: proofClaim(`p${i}`, now + 300) }),
    );
    for (const proof of proofs) expect(code(await store.budgets.reserve(proof, now))).toBe('ok');
    const used = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))![1]);
    await admin.config('SET', 'maxmemory', String(used + 200_000));
    await admin.config('SET', 'maxmemory-policy', 'volatile-lru');
    for (let i = 0; i < 400; i++)
      await admin.set(`filler${i}`, 'x'.repeat(2000), 'EX', 600).catch(() => undefined);
    expect(Number(/evicted_keys:(\d+)/.exec(await admin.info('stats'))![1])).toBeGreaterThan(0);
    await admin.config('SET', 'maxmemory', '0');
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    await expect.poll(() => spend(store)).toBe('store_corrupt');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await spend(store)).toBe('store_corrupt');
    await resetRedis(admin, { quiet: 0 });
    await expect.poll(() => spend(store)).toBe('ok');
    await store.close();
    await own.stop();
  });

  test('finding S6 a failover and the way back: a partition that nobody called in between does not grant again', async () => {
    const a = await startRedis(['--save', '', '--repl-diskless-sync-delay', '0']);
    const b = await startRedis(['--save', '', '--repl-diskless-sync-delay', '0']);
    const [toA, toB] = [await connected(a), await connected(b)];
    await toB.call('REPLICAOF', '127.0.0.1', String(a.port));
    await initializeRedis(toA);
    await expect.poll(() => toB.dbsize(), { timeout: 20_000 }).toBeGreaterThan(65);
    // Where a Sentinel's name leads.
    const route = { to: toA };
    const client: RedisClient = {
      eval: (...args) => route.to.eval(...args),
      evalsha: (...args) => route.to.evalsha(...args),
    };
    const store = await redisStore({ client, poll: 50, staleAfter: 2000 });
    const quiet = id('quiet');
    expect(await spend(store, 'q', quiet)).toBe('ok');
    await toB.call('REPLICAOF', 'NO', 'ONE');
    // What A grants from here on, B never sees.
    for (let i = 0; i < 5; i++) expect(await spend(store, 'q', quiet)).toBe('ok');
    route.to = toB;
    await expect.poll(() => toB.hget('ambit:{A}epoch', 'epoch')).toBe('lost');
    await toA.call('REPLICAOF', '127.0.0.1', String(b.port));
    await expect.poll(() => toA.hget('ambit:{A}epoch', 'epoch'), { timeout: 20_000 }).toBe('lost');
    await toA.call('REPLICAOF', 'NO', 'ONE');
    route.to = toA;
    expect(await spend(store, 'q', quiet)).toBe('store_corrupt');
    await store.close();
    await a.stop();
    await b.stop();
  });

  test('finding S17 trust in restarts needs an append-only file and no replica, and goes with them; a reset keeps it', async () => {
    const plain = await startRedis();
    await expect(initializeRedis(await connected(plain), { restarts: 'trusted' })).rejects.toMatchObject({
      code: 'input_invalid',
    });
    await plain.stop();
    const own = await startRedis(['--save', '', '--appendonly', 'yes', '--appendfsync', 'always']);
    const admin = await connected(own);
    await initializeRedis(admin, { restarts: 'trusted' });
    await resetRedis(admin, { quiet: 0 });
    expect(await admin.hget('ambit:{A}epoch', 'run')).toBe('*');
    const store = await opened(own);
    expect(await spend(store)).toBe('ok');
    await admin.config('SET', 'appendonly', 'no');
    await expect.poll(() => spend(store)).toBe('store_corrupt');
    await store.close();
    await own.stop();
  });

  test('finding S20 a message that is not from the list revokes nobody; one from the list does at once', async () => {
    const own = await startRedis();
    const admin = await connected(own);
    await initializeRedis(admin);
    // Nothing arrives by polling in this test.
    const store = await opened(own, { subscriber: await connected(own), poll: 600_000, staleAfter: 600_000 });
    const forged = JSON.stringify({ kind: 'user', issuer: 'acme', value: 'u', reason: 'forged', time: now });
    const other = await connected(own);
    await other.select(1);
    for (const from of [admin, other]) await from.publish('ambit:revocations', `99999999999999 ${forged}`);
    await store.revocations.since(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(code(store.revocations.isRevoked(subject))).toBe('ok');
    await expectHears(store, own);
    await store.close();
    await own.stop();
  });

  test('finding S16 a user of the server that may not publish revokes all the same', async () => {
    const own = await startRedis();
    const admin = await connected(own);
    await initializeRedis(admin);
    await admin.call('ACL', 'SETUSER', 'default', 'resetchannels');
    const store = await opened(own);
    await store.revocations.add({ kind: 'user', issuer: 'acme', value: 'u', reason: '' }, now);
    expect(code(store.revocations.isRevoked(subject))).toBe('revoked');
    await store.close();
    await own.stop();
  });

  test('finding S19 the figures say what is wrong, by the code of the server or a word for what was found', async () => {
    const own = await startRedis();
    const admin = await connected(own);
    await initializeRedis(admin);
    await admin.call('ACL', 'SETUSER', 'ambit', 'on', '>secret', '~*', '&*', '+@all');
    const client = own.connect({ username: 'ambit', password: 'secret' });
    await client.connect();
    const store = await redisStore({ client, poll: 50, staleAfter: 2000 });
    expect(await store.stats()).toMatchObject({
      fault: null,
      faults: {},
      bytes: expect.any(Number) as number,
    });
    const causeOf = async (): Promise<unknown> => {
      const { fault, refused } = await store.stats();
      return [fault?.code, fault?.cause, fault !== null && refused[fault.code]! > 0];
    };
    const cause = async (answer: string, word: string): Promise<void> => {
      await expect
        .poll(async () => [await spend(store), await causeOf()])
        .toEqual([answer, [answer, word, true]]);
    };
    await admin.call('ACL', 'SETUSER', 'ambit', '-eval', '-evalsha');
    await cause('store_unavailable', 'NOPERM');
    await admin.call('ACL', 'SETUSER', 'ambit', '+@all');
    await expect.poll(() => spend(store)).toBe('ok');
    await admin.config('SET', 'maxmemory', '1gb');
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await cause('store_corrupt', 'evicts');
    await admin.config('SET', 'maxmemory-policy', 'noeviction');
    await expect.poll(() => spend(store)).toBe('ok');
    await admin.flushall();
    await cause('store_corrupt', 'lost');
    expect((await store.stats()).faults).toMatchObject({
      NOPERM: expect.any(Number) as number,
      evicts: expect.any(Number) as number,
      lost: expect.any(Number) as number,
    });
    await own.stop();
    await expect.poll(() => spend(store)).toBe('store_unavailable');
    expect(await store.stats()).toMatchObject({ bytes: null, rows: { revocations: 0 } });
    await store.close();
  });

  test('finding S13 a subscriber that is half open is replaced, and hears again', async () => {
    const own = await startRedis();
    const wire = await proxy(own.port);
    const admin = await connected(own);
    await initializeRedis(admin);
    const subscriber = new Redis(wire.port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => 20 });
    subscriber.on('error', () => undefined);
    let connections = 0;
    subscriber.on('ready', () => connections++);
    await subscriber.connect();
    const store = await opened(own, { subscriber, poll: 600_000, staleAfter: 600_000 });
    wire.silence();
    await expect.poll(() => connections, { timeout: 30_000 }).toBe(2);
    // Once is enough: a subscriber that is back reads the list when it hears again.
    await expectHears(store, own);
    await store.close();
    subscriber.disconnect();
    await own.stop();
    await wire.close();
  });

  test('finding S12 L15 connections that are lost again and again while they come back end no process', async () => {
    const own = await startRedis();
    const wire = await proxy(own.port);
    await initializeRedis(await connected(own));
    const store = await openStore(`redis://127.0.0.1:${wire.port}`, { timeout: 1000 });
    wire.cutAt = 'subscribe';
    wire.cut();
    await expect.poll(() => wire.cuts, { timeout: 30_000 }).toBeGreaterThan(3);
    wire.cutAt = null;
    await expectHears(store, own);
    await store.close();
    await own.stop();
    await wire.close();
  });

  test('finding S12 the connections of a URL that go silent are replaced; calls are refused meanwhile and none waits for ever', async () => {
    const own = await startRedis();
    const wire = await proxy(own.port);
    const admin = await connected(own);
    await initializeRedis(admin);
    const store = await openStore(`redis://127.0.0.1:${wire.port}`, { timeout: 300 });
    expect(await spend(store)).toBe('ok');
    wire.silence();
    expect(await spend(store)).toBe('store_unavailable');
    // Only what was open is silent; new connections go through. What is never replaced fails here by the time limit.
    await expect.poll(() => spend(store), { timeout: 30_000 }).toBe('ok');
    await expectHears(store, own);
    await store.close();
    await own.stop();
    await wire.close();
  });

  test('W5 (finding S4) slices are not spent while the state is lost, nor after a flush and a reset', async () => {
    const own = await startRedis();
    const admin = await connected(own);
    await initializeRedis(admin);
    const store = await opened(own);
    const leased = leasedBudgets(store.budgets, { share: 1 / 2 });
    const hot = charges([counter('hot', 1, 1000, { expires: now + 3600 })]);
    for (let i = 0; i < 10; i++) expect(code(await leased.reserve(hot, now))).toBe('ok');
    expect([leased.trips, leased.local]).toEqual([1, 10]);
    await admin.flushall();
    await expect.poll(() => store.budgets.era()).toBe(null);
    expect(code(await leased.reserve(hot, now))).toBe('store_corrupt');
    await resetRedis(admin, { quiet: 0 });
    await expect.poll(async () => code(await leased.reserve(hot, now))).toBe('ok');
    let granted = 1;
    while ((await leased.reserve(hot, now)).ok) granted++;
    expect(granted).toBeLessThanOrEqual(1000);
    await leased.stop();
    await store.close();
    await own.stop();
  });
});
