// The Redis back end on a Cluster: what is one script on a single server is one a partition here, and partitions move.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from 'ioredis';
import type { Store } from '../src/index.ts';
import { initializeRedis, redisStore, resetRedis } from '../src/redis.ts';
import { budgetsRules } from '../src/testing/budgets.ts';
import { conformance } from '../src/testing/conformance.ts';
import {
  LATER,
  NOW,
  charges,
  claim,
  counter,
  id,
  numbered,
  proofClaim,
  serverSeconds,
  startAt,
} from '../src/testing/make.ts';
import { revocationsRules } from '../src/testing/revocations.ts';
import { slidingRules } from '../src/testing/sliding.ts';
import { surroundingsRules } from '../src/testing/surroundings.ts';
import { turnsRules } from '../src/testing/turns.ts';
import { startCluster, type ClusterServers } from './redis-cluster.ts';
import { hasRedis, stopAll } from './redis-server.ts';

startAt(serverSeconds());
const SUBJECT = { issuer: 'acme', token: 't', key: 'k', user: 'u', nodes: [], holders: [] };
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);

describe.skipIf(!hasRedis)('on a Redis Cluster of three', () => {
  let servers: ClusterServers;
  let cluster: Cluster;
  let n = 0;
  beforeAll(async () => {
    servers = await startCluster();
    cluster = await servers.connect();
  });
  afterAll(async () => {
    await servers.stop();
    stopAll();
  });
  const prepared = async (): Promise<string> => {
    const prefix = `t${n++}:`;
    await initializeRedis(cluster, { prefix });
    return prefix;
  };
  const open = (prefix: string, more: object = {}): Promise<Store> =>
    redisStore({ client: cluster, prefix, poll: 50, timeout: 10_000, staleAfter: 10_000, ...more });

  // Not the rules of rows: a session's numbers are spread over the partitions of its tokens (below).
  const prefixes = new WeakMap<Store, string>();
  conformance(
    'redis cluster',
    async (options) => {
      const prefix = await prepared();
      const store = await open(prefix, options);
      prefixes.set(store, prefix);
      return store;
    },
    async (store) => void (await resetRedis(cluster, { prefix: prefixes.get(store)!, quiet: 0 })),
    'own',
    [budgetsRules, slidingRules, turnsRules, revocationsRules, surroundingsRules],
  );

  test('the charges of a call live in one slot, pools too; numbers of a session in many', async () => {
    const store = await open(await prepared());
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => {
        const place = id(`token ${i % 20}`);
        const parts = { root: place, place, replay: proofClaim(`n ${i}`), once: [claim(`o ${i}`, 2)] };
        return store.budgets.reserve(
          charges([counter(`a ${i % 20}`, 1, 5), counter(`b ${i % 20}`, 1, 7, { caveat: 0 })], parts),
          NOW,
        );
      }),
    );
    expect(answers.filter((answer) => answer.ok).length).toBe(100);
    // Two tokens of one issuer that name a pool: roots differ, the place is one.
    const pooled = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        store.budgets.reserve(
          charges([counter('pool', 1, 3)], { root: id(`r ${i}`), partitionKey: id('pools of acme') }),
          NOW,
        ),
      ),
    );
    expect(pooled.filter((answer) => answer.ok).length).toBe(3);
    // A session's numbers are spread over the partitions of its tokens: each sees a part, and gaps of any width.
    const used = async (name: string, sequence: number): Promise<string> => {
      const root = { root: id(name), partitionKey: id(name) };
      const claimed = await numbered(store, 'spread', sequence);
      return code(await store.budgets.reserve(charges([], { ...root, sequence: claimed }), NOW));
    };
    for (const n of [0, 5000, 4999, 4000]) expect(await used('one', n)).toBe('ok');
    for (const n of [0, 5000, 4999, 4000, 3976]) expect(await used('one', n)).toBe('replayed');
    expect(await used('two', 5001)).toBe('ok');
    await store.revocations.add({ kind: 'user', issuer: 'acme', value: 'u', reason: '' }, NOW);
    expect(code(store.revocations.isRevoked(SUBJECT))).toBe('revoked');
    await store.close();
  });

  test('the numbers of a session end with its last ticket, also where a step ahead clears those before it', async () => {
    const prefix = await prepared();
    const store = await open(prefix);
    const [root, session] = [id('one'), id('cleared')];
    const rows = ['h', 'b'].map((kind) => `${prefix}{${root[0]!}}${kind}:${session.slice(0, 22)}`);
    const ends = (): Promise<number[]> => Promise.all(rows.map((key) => cluster.pexpiretime(key)));
    for (const [sequence, expires, end] of [
      [0, NOW + 100, NOW + 100],
      [1, LATER, LATER],
      [2, NOW + 100, LATER],
      [5000, NOW + 100, LATER],
      [10_000, LATER + 60, LATER + 60],
    ] as const) {
      const claimed = await numbered(store, 'cleared', sequence, expires);
      const one = charges([], { root, partitionKey: root, sequence: claimed });
      expect(code(await store.budgets.reserve(one, NOW))).toBe('ok');
      expect([sequence, await ends()]).toEqual([sequence, [(end + 60) * 1000, (end + 60) * 1000]]);
    }
    await store.close();
  });

  /** Spends from a counter of a token that lives in the partition of its name. */
  const spend = async (store: Store, place: string): Promise<string> =>
    code(
      await store.budgets.reserve(
        charges([counter(place, 1, 10)], { root: place, partitionKey: place }),
        NOW,
      ),
    );
  const [moved, stays] = [`M${id('moved')}`.slice(0, 43), `S${id('stays')}`.slice(0, 43)];

  test('finding S21 a partition that moves to another shard denies until a reset, and grants nothing twice; the others go on', async () => {
    const prefix = await prepared();
    const store = await open(prefix);
    for (let i = 0; i < 5; i++) expect(await spend(store, moved)).toBe('ok');
    expect(await servers.move(`${prefix}{M}epoch`)).toBeGreaterThan(1);
    await expect.poll(() => spend(store, moved)).toBe('store_corrupt');
    expect(await spend(store, stays)).toBe('ok');
    const late = await open(prefix);
    expect([await spend(late, moved), await spend(late, stays)]).toEqual(['store_corrupt', 'ok']);
    await resetRedis(cluster, { prefix, quiet: 0 });
    await expect.poll(() => spend(store, stays)).toBe('ok');
    let granted = 5;
    for (let i = 0; i < 20; i++) if ((await spend(store, moved)) === 'ok') granted++;
    expect(granted).toBe(10);
    await store.close();
    await late.close();
  });

  test('findings S6, S21 a partition that moved away and back, while nobody called on it, is not believed', async () => {
    const prefix = await prepared();
    const store = await open(prefix);
    const key = `${prefix}{M}epoch`;
    expect(await spend(store, moved)).toBe('ok');
    await servers.move(key);
    await expect.poll(() => cluster.hget(key, 'epoch'), { timeout: 20_000 }).toBe('lost');
    await servers.move(key);
    await servers.move(key);
    expect(await spend(store, moved)).toBe('store_corrupt');
    await store.close();
  });
});
