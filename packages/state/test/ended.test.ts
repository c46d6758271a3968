// What has ended costs nothing for long (finding S15), where a server keeps it for all: thousands of revocations,
// sessions and rows that are over are neither held by a verifier nor read again and again, and leave the server.
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, test } from 'vitest';
import { openSessions, type Store } from '../src/index.ts';
import {
  charges,
  claim,
  counter,
  LATER,
  NOW,
  numbered,
  proofClaim,
  rate,
  serverSeconds,
  startAt,
} from '../src/testing/make.ts';
import { onEach, type Place } from './backends.ts';

const MANY = 20_000;
const LIVE = ['a', 'b', 'c'];
startAt(serverSeconds());

const subject = (user: string): Parameters<Store['revocations']['isRevoked']>[0] => ({
  ...{ issuer: 'acme', token: 't', key: 'k', nodes: [], holders: [] },
  user,
});
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);

/** A server that has seen `MANY` of everything end, and that a few are alive on. */
async function used(place: Place, end: (place: Place) => Promise<void>): Promise<void> {
  await end(place);
  const store = await place.open();
  for (const value of LIVE) {
    await store.revocations.add({ kind: 'user', issuer: 'acme', value, reason: '' }, NOW);
    await store.sessions.open({ issuer: 'acme', id: value, operator: 'o', expires: LATER }, NOW - 5000);
  }
  await store.close();
}

/** A verifier that comes now knows the few; what has ended it neither holds nor obeys. */
async function fresh(place: Place): Promise<Store> {
  const store = await place.open();
  const { revocations } = store;
  const say = async (user: string): Promise<string> => {
    const about = subject(user);
    return code(await (revocations.ask!(about) ?? revocations.isRevoked(about)));
  };
  expect(await Promise.all(LIVE.map(say))).toEqual(LIVE.map(() => 'revoked'));
  for (const user of ['over1', `over${MANY}`]) expect(await say(user)).toBe('ok');
  expect((await store.sessions.list()).map((session) => session.id).toSorted()).toEqual(LIVE);
  return store;
}

/** Charges counters of every kind that two tokens share, of which the first or the last lives longer. */
async function shared(store: Store): Promise<void> {
  for (const ends of [
    [NOW + 100, LATER],
    [LATER, NOW + 100],
  ])
    for (const expires of ends) {
      const name = `until ${ends[0]! - NOW}`;
      const counters = [
        counter(name, 1, 9, { expires }),
        counter(`${name} windowed`, 1, 9, { expires, window: 7200, windowStart: NOW - (NOW % 7200) }),
        rate(`${name} sliding`, 1, 9, 7200, NOW, { expires }),
      ];
      expect((await store.budgets.reserve(charges(counters), NOW)).ok).toBe(true);
    }
}

onEach(['redis'], (_name, at) => {
  const filled = `
    local p, n, now = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
    for i = 1, n do
      local json = string.format('{"kind":"user","issuer":"acme","value":"over%d","reason":"","expires":%d,"time":%d}', i, now - 1000, now - 2000)
      redis.call('ZADD', p .. '{rev}list', i, i .. ' ' .. json)
      redis.call('ZADD', p .. '{rev}expiries', now - 1000, i)
      redis.call('ZADD', p .. '{rev}sessions', now - 2000 + i % 999, p .. '{rev}s:acme' .. i)
      redis.call('ZADD', p .. '{rev}sessionends', now - 1000, p .. '{rev}s:acme' .. i)
    end
    redis.call('SET', p .. '{rev}number', n)`;
  const adminOf = (place: Place): Redis => {
    const admin = new Redis(place.orders.redis!.port, '127.0.0.1');
    return admin.on('error', () => undefined);
  };
  const end = async (place: Place): Promise<void> => {
    const admin = adminOf(place);
    await admin.eval(filled, 1, place.orders.redis!.prefix, MANY, NOW);
    admin.disconnect();
  };

  test('finding S15 entries and sessions that are over leave the server by being looked at, though nobody adds any', async () => {
    const place = await at();
    await used(place, end);
    // At a time that was, the index still has them all: pages of sessions that are gone are empty, and not the last.
    const looking = await place.open();
    const then: string[] = [];
    for await (const { id } of openSessions(looking.sessions, NOW - 1500)) then.push(id);
    expect(then.toSorted()).toEqual(LIVE);
    const first = await looking.sessions.page(null, NOW - 1500);
    expect(first).toEqual({ sessions: [], cursor: expect.any(String) as string });
    await looking.close();
    const store = await fresh(place);
    const admin = adminOf(place);
    const key = (name: string): string => `${place.orders.redis!.prefix}{rev}${name}`;
    const sizes = (): Promise<number[]> =>
      Promise.all(['list', 'expiries', 'sessions', 'sessionends'].map((name) => admin.zcard(key(name))));
    for (let look = 0; look <= MANY / 1000; look++) await store.revocations.since(MANY + 1);
    expect(await sizes()).toEqual([LIVE.length, 0, LIVE.length, LIVE.length]);
    expect((await store.stats()).rows['revocations']).toBe(LIVE.length);
    admin.disconnect();
    await store.close();
  });

  test('finding S15 open sessions are read on where the last one read has left the index meanwhile', async () => {
    const place = await at();
    const store = await place.open();
    const open = (id: string, expires: number): Promise<unknown> =>
      store.sessions.open({ issuer: 'acme', id, operator: 'o', expires }, NOW - 5000);
    // The first page ends amid those that end at one time.
    const many = Array.from({ length: 1005 }, (_, i) => `s${String(i).padStart(4, '0')}`);
    await Promise.all(many.map((id) => open(id, NOW + 50)));
    await open('later', LATER);
    const { sessions, cursor } = await store.sessions.page(null, NOW);
    expect(sessions.map(({ id }) => id)).toEqual(many.slice(0, 1000));
    const ids = async (): Promise<string[]> => {
      const page = await store.sessions.page(cursor, NOW);
      expect(page.cursor).toBeNull();
      return page.sessions.map(({ id }) => id);
    };
    expect(await ids()).toEqual([...many.slice(1000), 'later']);
    const admin = adminOf(place);
    const index = `${place.orders.redis!.prefix}{rev}sessionends`;
    // One more is opened that ends before all of them: places in the index are others now.
    await open('before', NOW + 40);
    expect(await ids()).toEqual([...many.slice(1000), 'later']);
    await admin.zrem(index, cursor!.replace(/^\d+ /, ''));
    expect(await ids()).toEqual(['later']);
    admin.disconnect();
    await store.close();
  });

  test('a row that tokens of different lives share ends with the longest', async () => {
    const place = await at();
    const store = await place.open();
    await shared(store);
    const admin = adminOf(place);
    const keys = (await admin.keys(`${place.orders.redis!.prefix}*`)).filter((key) => key.includes('}c:'));
    expect(keys.length).toBe(6);
    for (const key of keys) {
      expect(Number((await admin.get(key))!.split(' ')[2])).toBe(LATER);
      expect(await admin.pexpiretime(key)).toBe((LATER + 60) * 1000);
    }
    admin.disconnect();
    await store.close();
  });

  test('finding S19 every row has an end, and a refund is remembered for half a minute', async () => {
    const place = await at();
    const store = await place.open();
    const sequence = await numbered(store, 's', 3);
    const all = charges(
      [counter('c', 5, 100, { caveat: 1 }), rate('r', 5, 100, 60, NOW, { caveat: 2 }), counter('g', 5, 100)],
      { once: [claim('o', 3)], replay: proofClaim('n'), sequence },
    );
    const taken = await store.budgets.reserve(all, NOW);
    if (!taken.ok) throw new Error(taken.code);
    expect(await store.budgets.settle(taken.reservation, [1, 1, 1])).toBe(true);
    await store.sessions.open({ issuer: 'acme', id: 's', operator: 'o', expires: LATER }, NOW);
    const admin = adminOf(place);
    const endless: string[] = [];
    const kinds = new Set<string>();
    for (const each of await admin.keys(`${place.orders.redis!.prefix}*`)) {
      const name = each.slice(each.indexOf('}') + 1);
      const ttl = await admin.ttl(each);
      if (ttl < 0) endless.push(name);
      else if (name.startsWith('f:')) expect(ttl).toBeLessThanOrEqual(30);
      else expect(ttl).toBeLessThanOrEqual(3600 + 61);
      kinds.add(name.split(':')[0]!);
    }
    // A counter, a nonce, a claim, a window and its bits, a root's index, a refund's marker, a session.
    for (const kind of ['c', 'n', 'o', 'h', 'b', 'r', 'f', 's']) expect(kinds).toContain(kind);
    expect([...new Set(endless)].toSorted()).toEqual(['epoch', 'names', 'number', 'sessionends', 'sessions']);
    admin.disconnect();
    await store.close();
  });
});

onEach(['postgres'], (_name, at) => {
  const tables = ['counters', 'claims', 'nonces', 'windows', 'sessions', 'revocations'];
  const client = async (place: Place): Promise<pg.Client> => {
    const { port } = place.orders.postgres!;
    const found = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
    await found.connect();
    return found;
  };
  const end = async (place: Place): Promise<void> => {
    const admin = await client(place);
    const { schema } = place.orders.postgres!;
    const from = `from generate_series(1, ${MANY}) i`;
    const [ended, began] = [NOW - 1000, NOW - 2000];
    for (const [table, row] of [
      ['counters', `'c' || i, 0, 1, ${ended}, 'r', null`],
      ['claims', `'o' || i, ${ended}, 'r'`],
      ['nonces', `'n' || i, ${ended}`],
      ['windows', `'w' || i, 1, decode(repeat('00', 128), 'hex'), ${ended}`],
      ['sessions', `'acme', 'over' || i, 'o', null, ${began} + i % 999, ${ended}, null, null`],
      ['revocations', `i, 'user', 'acme', 'over' || i, '', ${began}, ${ended}`],
    ])
      await admin.query(`insert into ${schema}.${table} select ${row} ${from}`);
    await admin.query(`update ${schema}.meta set revoked = ${MANY}`);
    await admin.end();
  };

  test('a row that tokens of different lives share ends with the longest', async () => {
    const place = await at();
    const store = await place.open();
    await shared(store);
    const admin = await client(place);
    const { rows } = await admin.query<{ expires: string }>(
      `select expires from ${place.orders.postgres!.schema}.counters`,
    );
    expect(rows.map(({ expires }) => Number(expires))).toEqual(Array(6).fill(LATER));
    await admin.end();
    await store.close();
  });

  test('finding S15 entries that are over are not read, and every table gives its rows back', async () => {
    const place = await at();
    await used(place, end);
    const store = await fresh(place);
    expect((await store.revocations.since(0)).entries.map(({ value }) => value)).toEqual(LIVE);
    const admin = await client(place);
    const { schema } = place.orders.postgres!;
    const epoch = await store.replay.epoch();
    const rows = async (): Promise<number[]> => {
      const counts = tables.map((table) => `(select count(*)::integer from ${schema}.${table})`);
      const { rows: found } = await admin.query<{ n: number[] }>(`select array[${counts.join(', ')}] as n`);
      return found[0]!.n;
    };
    for (let i = 0, swept = 1; swept > 0; i++) {
      const { rows: found } = await admin.query<{ swept: string }>(
        `select swept from ${schema}.sweep($1, $2)`,
        [epoch, NOW],
      );
      swept = Number(found[0]!.swept);
      expect(i).toBeLessThanOrEqual(MANY / 2048 + 1);
    }
    expect(await rows()).toEqual([0, 0, 0, 0, LIVE.length, LIVE.length]);
    await admin.end();
    await store.close();
  });
});
