// A list of revocations that is too long to be held (finding S15), on real servers: it is asked by name, and what is
// revoked is out as promptly as on a short one (findings S3, S13), also while the list grows and gets shorter.
// `AMBIT_LONG=1` measures a million entries.
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { attenuate, restrict } from '@ambit/core';
import { beforeAll, afterAll, expect, test } from 'vitest';
import { importEntries, type Revocation, type RevocationSubject, type Store } from '../src/index.ts';
import { redisStore } from '../src/redis.ts';
import { hex, id, LATER, NOW, serverSeconds } from '../src/testing/make.ts';
import { onEach, type Place } from './backends.ts';
import { adminOf, connected, fill, openBy, postgresOf } from './long-list.ts';
import { bundleWorker } from './processes.ts';
import { proxy } from './proxy.ts';
import { ISSUER, SESSION, authorizer, pay, token, use } from './world.ts';

const long = process.env['AMBIT_LONG'] === '1';
const MINUTES = 60_000;
const WAIT = { timeout: 30_000 };
/** Above what is held. */
const MANY = 6000;

const subject = (user: string, more: Partial<RevocationSubject> = {}): RevocationSubject => ({
  ...{ issuer: 'acme', token: hex('t'), key: 'k', nodes: [], holders: [] },
  user,
  ...more,
});
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);
/** What a store says of a subject; asked of the server where it has to be. */
const say = async ({ revocations }: Store, about: RevocationSubject): Promise<string> =>
  code(await (revocations.ask!(about) ?? revocations.isRevoked(about)));
/** A store that hears of what is added by push alone: its next look is minutes away. */
const quiet = (place: Place): Promise<Store> =>
  openBy(place, (place.orders.redis ?? place.orders.postgres)!.port, {
    ...{ timeout: MINUTES, poll: 30 * MINUTES, staleAfter: 30 * MINUTES },
  });
/** The same without asking. */
const known = ({ revocations }: Store, about: RevocationSubject): string =>
  code(revocations.isRevoked(about));
const user = (value: string, more: object = {}) => ({
  ...({ kind: 'user', issuer: 'acme', reason: '' } as const),
  value,
  ...more,
});

onEach(['redis', 'postgres'], (name, at) => {
  test('finding S15 S7 of a list above 4,096 entries nothing is held, and each token is asked about once', async () => {
    const place = await at();
    await fill(place, 0, MANY, NOW);
    const store = await place.open();
    for (const [who, what] of [
      ['u1', 'revoked'],
      [`u${MANY}`, 'revoked'],
      ['u0', 'ok'],
    ] as const) {
      const about = subject(who);
      expect(known(store, about)).toBe('revocations_stale');
      expect(await say(store, about)).toBe(what);
      expect(store.revocations.ask!(about)).toBe(null);
      expect(known(store, about)).toBe(what);
    }
    expect(await say(store, subject('u1', { issuer: 'other' }))).toBe('ok');
    expect((await store.stats()).rows['revocations']).toBeGreaterThanOrEqual(name === 'redis' ? MANY : 0);
    await store.close();
  });

  test('S7 every kind of name is found on a list that is not held, of its issuer alone', async () => {
    const place = await at();
    await fill(place, 0, MANY, NOW);
    const names = [
      ['token', hex('a')],
      ['key', 'key a'],
      ['operator', 'operator a'],
      ['session', 'session "a" \\ é 😀'],
      ['user', 'user a'],
      ['model', id('model a')],
      ['node', id('node a')],
      ['holder', id('holder a')],
    ] as const;
    const first = await place.open();
    for (const [kind, value] of names) {
      const scoped = !['model', 'node', 'holder'].includes(kind);
      const issuer = scoped ? { issuer: 'acme' } : {};
      await first.revocations.add({ kind, value, reason: kind, expires: LATER, ...issuer }, NOW);
      // The same value of another issuer, and of another kind, which end later.
      if (scoped) await first.revocations.add({ kind, value, reason: 'not this', issuer: 'third' }, NOW);
      const besides = kind === 'user' ? 'key' : 'user';
      await first.revocations.add({ kind: besides, value, reason: 'nor this', issuer: 'acme' }, NOW);
    }
    await first.close();
    const store = await place.open();
    const nobody = subject('nobody', { nodes: [id('n')], holders: [id('h')] });
    for (const [kind, value] of names) {
      const listed = kind === 'node' ? 'nodes' : kind === 'holder' ? 'holders' : null;
      const about = { ...nobody, ...(listed === null ? { [kind]: value } : { [listed]: [id('x'), value] }) };
      expect(await store.revocations.ask!(about)).toMatchObject({
        code: 'revoked',
        entry: { kind, value, reason: kind, time: NOW },
      });
      const scoped = !['model', 'node', 'holder'].includes(kind);
      expect(await say(store, { ...about, issuer: 'other' })).toBe(scoped ? 'ok' : 'revoked');
    }
    expect(await say(store, nobody)).toBe('ok');
    await store.close();
  });

  test('finding S3 what is added above the bound comes by push, also for tokens that were asked about', async () => {
    const place = await at();
    await fill(place, 0, MANY, NOW);
    const [store, other] = [await quiet(place), await place.open()];
    const about = subject('late');
    expect(await say(store, about)).toBe('ok');
    const told: string[] = [];
    store.revocations.watch(({ value }) => told.push(value));
    await other.revocations.add(user('late'), NOW);
    expect(known(other, about)).toBe('revoked');
    await expect.poll(() => known(store, about), WAIT).toBe('revoked');
    expect(told).toEqual(['late']);
    await Promise.all([store.close(), other.close()]);
  });

  test('finding S15 I4 a call on a long list is decided with session and names in one round trip, and a session that is closed is out', async () => {
    const place = await at();
    await fill(place, 0, MANY, NOW);
    const [store, other] = [await place.open(), await place.open()];
    const to = await authorizer(store);
    const allowed = token();
    expect(code(await use(to, allowed, pay(1)))).toBe('ok');
    await other.revocations.add({ kind: 'user', issuer: ISSUER, value: 'joe', reason: 'left' }, NOW);
    await other.close();
    const later = await place.open();
    const again = await authorizer(later);
    expect(await use(again, token({ user: 'joe' }), pay(1))).toMatchObject({
      code: 'revoked',
      message: expect.stringContaining('user: left') as string,
    });
    expect(code(await use(again, attenuate(allowed, restrict.calls(5)), pay(1)))).toBe('ok');
    await later.sessions.close(ISSUER, SESSION, 'done', NOW);
    expect(code(await use(again, allowed, pay(1)))).toBe('revoked');
    await expect.poll(async () => code(await use(to, allowed, pay(1))), WAIT).toBe('revoked');
    await Promise.all([store.close(), later.close()]);
  });

  test('finding S3 what is revoked while the server is being asked is out', async () => {
    const place = await at();
    await fill(place, 0, MANY, NOW);
    const [store, other] = [await place.open(), await place.open()];
    for (let round = 0; round < 20; round++) {
      const about = subject(`racing ${round}`);
      const asking = store.revocations.ask!(about)!;
      await Promise.all([asking, other.revocations.add(user(`racing ${round}`), NOW)]);
      await expect.poll(() => known(store, about), WAIT).toBe('revoked');
    }
    await Promise.all([store.close(), other.close()]);
  });

  test('L9 a server that is gone or silent while it is asked denies, and by name once it is stale', async () => {
    const place = await at();
    await fill(place, 0, MANY, NOW);
    const port = (place.orders.redis ?? place.orders.postgres)!.port;
    const wire = await proxy(port);
    // The list counts as fresh meanwhile.
    const store = await openBy(place, wire.port, { timeout: 500, poll: MINUTES, staleAfter: MINUTES });
    const to = await authorizer(store);
    const [before, after] = [token(), token({ user: 'someone else' })];
    expect(code(await use(to, before, pay(1)))).toBe('ok');
    wire.silence();
    // The session is known; what is not is whether the token is revoked.
    expect(code(await use(to, after, pay(1)))).toBe('store_unavailable');
    expect(await say(store, subject('u1'))).toBe('store_unavailable');
    expect((await store.stats()).fault).toMatchObject({ code: 'store_unavailable' });
    await wire.close();
    expect(await say(store, subject('u2'))).toBe('store_unavailable');
    await store.close();
    const short = await proxy(port);
    const stale = await openBy(place, short.port, { timeout: 200, poll: 50, staleAfter: 300 });
    expect(await say(stale, subject('u1'))).toBe('revoked');
    await short.close();
    await expect.poll(() => say(stale, subject('u0')), WAIT).toBe('revocations_stale');
    await stale.close();
  });

  test('L9 state that may have been lost denies who is asked about', async () => {
    const place = await at();
    await fill(place, 0, MANY, NOW);
    const store = await place.open();
    expect(await say(store, subject('u1'))).toBe('revoked');
    if (name === 'redis') {
      const admin = adminOf(place);
      await admin.del(`${place.orders.redis!.prefix}{rev}epoch`);
      admin.disconnect();
    } else {
      await postgresOf(place, (client) =>
        client.query(`update ${place.orders.postgres!.schema}.meta set epoch = 'lost'`),
      );
    }
    expect(await say(store, subject('u2'))).toBe('store_corrupt');
    await store.close();
  });

  test('finding S15 a list that grows above the bound under a running verifier is let go, and revokes as before', async () => {
    const place = await at();
    await fill(place, 0, 4000, NOW);
    const [store, other] = [await quiet(place), await place.open()];
    const [first, clean] = [subject('u1'), subject('u0')];
    expect([first, clean].map((about) => store.revocations.ask!(about))).toEqual([null, null]);
    expect([first, clean].map((about) => known(store, about))).toEqual(['revoked', 'ok']);
    let n = 0;
    const add = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 50 }, () => other.revocations.add(user(`more ${n++}`), NOW)));
    while (n < 200) await add();
    await expect.poll(() => store.revocations.ask!(subject('x')) !== null, WAIT).toBe(true);
    expect([first, clean].map((about) => known(store, about))).toEqual([
      'revocations_stale',
      'revocations_stale',
    ]);
    expect(await Promise.all([first, clean].map((about) => say(store, about)))).toEqual(['revoked', 'ok']);
    for (const each of ['more 0', 'more 199', 'u4000'])
      expect(await say(store, subject(each))).toBe('revoked');
    // And once more, from where it is held now.
    while (n < 4600) await add();
    await expect.poll(() => known(store, clean), WAIT).toBe('revocations_stale');
    expect(await Promise.all([first, clean].map((about) => say(store, about)))).toEqual(['revoked', 'ok']);
    for (const each of ['more 200', 'more 4599']) expect(await say(store, subject(each))).toBe('revoked');
    await other.revocations.add(user('u0'), NOW);
    await expect.poll(() => known(store, clean), WAIT).toBe('revoked');
    await Promise.all([store.close(), other.close()]);
  });

  test('findings S3, S15: calls in flight while the list is let go are asked about again, and none is denied for it', async () => {
    const place = await at();
    await fill(place, 0, 4090, NOW);
    const [store, other] = [await place.open(), await place.open()];
    const to = await authorizer(store);
    const tokens = Array.from({ length: 20 }, () => attenuate(token(), restrict.calls(1000)));
    const codes = new Set<string>();
    let grown = false;
    const lane = async (text: string): Promise<void> => {
      // A refusal may come without a turn of the event loop.
      for (; !grown; await new Promise((resolve) => setImmediate(resolve)))
        codes.add(code(await use(to, text, pay(1))));
    };
    const lanes = tokens.map(lane);
    for (let n = 0; n < 10; n++) await other.revocations.add(user(`more ${n}`), NOW);
    await expect.poll(() => store.revocations.ask!(subject('x')) !== null, WAIT).toBe(true);
    grown = true;
    await Promise.all(lanes);
    expect([...codes]).toEqual(['ok']);
    await Promise.all([store.close(), other.close()]);
  });

  test('finding S15 a list that gets shorter again: what has ended is over, what has not is out, and who begins then holds it', async () => {
    const place = await at();
    // Ended, but no sweep has seen it; and a name that is on the list twice, of which one has ended.
    const over = serverSeconds() - 1000;
    await fill(place, 0, MANY, over - 1000, over);
    const early = await place.open();
    for (const value of ['a', 'b', 'c']) await early.revocations.add(user(value), NOW);
    for (const value of ['u1', 'u2']) await early.revocations.add(user(value, { expires: LATER }), NOW);
    await fill(place, 2 * MANY, 3 * MANY, NOW);
    const store = await place.open();
    const all = ['a', 'c', 'u1', 'u3', `u${2 * MANY + 1}`, `u${3 * MANY}`];
    const before = ['revoked', 'revoked', 'revoked', 'ok', 'revoked', 'revoked'];
    const subjects = all.map((each) => subject(each));
    for (const each of [early, store])
      await expect.poll(() => Promise.all(subjects.map((about) => say(each, about))), WAIT).toEqual(before);
    if (name === 'redis') {
      const admin = adminOf(place);
      const key = (what: string): string => `${place.orders.redis!.prefix}{rev}${what}`;
      for (let i = 2 * MANY + 1; i <= 3 * MANY; i++) await admin.zadd(key('expiries'), over, i);
      for (let look = 0; look < 20; look++) await store.revocations.since(0);
      expect(await admin.zcard(key('list'))).toBe(5);
      // Three names, two that end later; and the number up to which the index is complete.
      expect((await admin.hkeys(key('names'))).toSorted()).toEqual(
        ['', ...['a', 'b', 'c', 'u1', 'u2'].map((value) => `user\0acme\0${value}`)].toSorted(),
      );
      admin.disconnect();
    } else {
      const { schema } = place.orders.postgres!;
      await postgresOf(place, (client) =>
        client.query(`delete from ${schema}.revocations where expires = ${over} or seq > ${2 * MANY}`),
      );
    }
    // What was found counts until it ends, and by name the list is as it is.
    const now = ['revoked', 'revoked', 'revoked', 'ok', 'ok', 'ok'];
    expect(await Promise.all(all.map((each) => say(store, subject(each))))).toEqual(now);
    const short = await place.open();
    expect(all.map((each) => known(short, subject(each)))).toEqual(now);
    expect(short.revocations.ask!(subject('a'))).toBe(null);
    await early.revocations.add(user('u3'), NOW);
    for (const each of [store, short])
      await expect.poll(() => say(each, subject('u3')), WAIT).toBe('revoked');
    await Promise.all([early, store, short].map((each) => each.close()));
  });

  test('finding S15 an import asks by name what the store knows', async () => {
    const place = await at();
    await fill(place, 0, MANY, NOW);
    const store = await place.open();
    const entry = (value: string): Revocation => ({ ...user(value), seq: 1, time: NOW });
    const entries = Array.from({ length: 300 }, (_, i) => entry(`u${MANY - 199 + i}`));
    expect(await importEntries(entries, store.revocations, NOW)).toBe(100);
    expect(await importEntries(entries, store.revocations, NOW)).toBe(0);
    await store.close();
  });
});

onEach(['redis'], (_name, at) => {
  test('finding S15 a list that was there before its index is indexed by who begins, and once', async () => {
    const place = await at();
    await fill(place, 0, 12_000, NOW);
    const admin = adminOf(place);
    const names = `${place.orders.redis!.prefix}{rev}names`;
    expect(await admin.exists(names)).toBe(0);
    const store = await place.open();
    expect([await admin.hlen(names), await admin.hget(names, '')]).toEqual([12_001, '12000']);
    expect(await Promise.all(['u1', 'u12000', 'u0'].map((each) => say(store, subject(each))))).toEqual([
      'revoked',
      'revoked',
      'ok',
    ]);
    // Added by a verifier that knows of no index.
    const list = `${place.orders.redis!.prefix}{rev}list`;
    const json = JSON.stringify({ ...user('old'), time: NOW });
    await admin
      .multi()
      .incr(`${place.orders.redis!.prefix}{rev}number`)
      .zadd(list, 12_001, `12001 ${json}`)
      .exec();
    expect(await say(store, subject('old'))).toBe('revoked');
    // Dropped by such a one, which leaves its name in the index, and revoked anew until some time.
    await admin.zremrangebyscore(list, 7, 7);
    expect(await say(store, subject('u7'))).toBe('ok');
    await store.revocations.add(user('u7', { expires: LATER }), NOW);
    const beside = await place.open();
    expect(await say(beside, subject('u7'))).toBe('revoked');
    await beside.close();
    // Who adds indexes it, before anybody looks.
    await store.close();
    const alone = await redisStore({
      client: await connected(place),
      ...{ prefix: place.orders.redis!.prefix, poll: 30 * MINUTES, staleAfter: 30 * MINUTES },
    });
    const { seq } = await alone.revocations.add(user('new'), NOW);
    expect(await admin.hget(names, '')).toBe(String(seq));
    // What is deleted denies until it is made again: some with each look.
    await admin.del(names);
    expect(await say(alone, subject('u5'))).toBe('revocations_stale');
    await expect.poll(() => say(alone, subject('u6')), WAIT).toBe('revoked');
    expect(await say(alone, subject('u0'))).toBe('ok');
    admin.disconnect();
    await alone.close();
  });

  test('S7 an entry whose reason ends within a character is found; one that is no JSON keeps the list in memory, and whole', async () => {
    const place = await at();
    await fill(place, 0, MANY, NOW);
    const first = await place.open();
    await first.revocations.add({ ...user('half'), reason: '😀'.charAt(0) }, NOW);
    expect((await first.revocations.since(MANY)).entries).toMatchObject([{ value: 'half' }]);
    await first.close();
    const store = await place.open();
    expect(known(store, subject('half'))).toBe('revocations_stale');
    expect(await say(store, subject('half'))).toBe('revoked');
    // A reason that no reader of JSON on the server takes: both at once.
    await store.revocations.add({ ...user('neither'), reason: `\\ud83d ${'😀'.charAt(0)}` }, NOW);
    await store.revocations.add(user('after'), NOW);
    for (const each of ['neither', 'after']) expect(known(store, subject(each))).toBe('revoked');
    expect(await say(store, subject('u1'))).toBe('revoked');
    await store.close();
    const later = await place.open();
    for (const each of ['neither', 'after', 'u1', 'half'])
      expect(await say(later, subject(each))).toBe('revoked');
    expect(await say(later, subject('u0'))).toBe('ok');
    await later.close();
  });

  test('S7 what an older verifier added with half a character, or untyped, takes no other name and stops nobody', async () => {
    const place = await at();
    await fill(place, 0, MANY, NOW);
    const first = await place.open();
    await first.revocations.add(user('joe?', { expires: LATER }), NOW);
    await first.revocations.add(user('\\ud800', { expires: LATER }), NOW);
    await first.close();
    const admin = adminOf(place);
    const raw = async (entry: object): Promise<void> => {
      const key = (of: string): string => `${place.orders.redis!.prefix}{rev}${of}`;
      const seq = await admin.incr(key('number'));
      await admin.zadd(key('list'), seq, `${seq} ${JSON.stringify({ ...entry, time: NOW })}`);
    };
    await raw(user('joe\ud800'));
    await raw(user('\\ud800', { reason: '\ud800', value: '\\ud800x' }));
    for (const wrong of [{ value: null }, { issuer: null }, { value: true }, { value: ['x'] }])
      await raw({ ...user('x'), ...wrong });
    admin.disconnect();
    const store = await place.open();
    await store.revocations.add(user('after'), NOW);
    await store.close();
    const later = await place.open();
    for (const each of ['joe?', '\\ud800', '\\ud800x', 'u1', `u${MANY}`, 'after'])
      expect(await say(later, subject(each)), each).toBe('revoked');
    for (const each of ['u0', 'joe']) expect(await say(later, subject(each)), each).toBe('ok');
    await later.close();
  });

  test('S7 of two entries of one name the one that ends last counts, in any order', async () => {
    const place = await at();
    await fill(place, 0, MANY, NOW);
    const first = await place.open();
    const ends = [LATER, LATER + 10, undefined];
    const orders = [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
      [0, 2, 1],
    ];
    for (const [n, order] of orders.entries())
      for (const i of order)
        await first.revocations.add(
          user(`twice ${n}`, ends[i] === undefined ? {} : { expires: ends[i] }),
          NOW,
        );
    // Those that end are over, and leave: the index stays with the one that does not.
    const admin = adminOf(place);
    const key = (what: string): string => `${place.orders.redis!.prefix}{rev}${what}`;
    const over = serverSeconds() - 1000;
    for (const seq of await admin.zrange(key('expiries'), '0', '-1'))
      await admin.zadd(key('expiries'), over, seq);
    await first.revocations.since(0);
    expect(await admin.zcard(key('list'))).toBe(MANY + orders.length);
    admin.disconnect();
    await first.close();
    const store = await place.open();
    for (const n of orders.keys()) {
      const answer = await store.revocations.ask!(subject(`twice ${n}`));
      expect(answer).toMatchObject({ code: 'revoked' });
      expect((answer as { entry: Revocation }).entry.expires).toBe(undefined);
    }
    await store.close();
  });
});

/** What a verifier says of its beginning, in a process of its own. */
interface Begun {
  readonly codes: readonly string[];
  /** Milliseconds until it could be asked, and of an answer; megabytes of heap that it keeps, and had before collecting. */
  readonly ms: number;
  readonly answers: number;
  readonly kept: number;
  readonly peak: number;
}

const N = long ? 1_000_000 : 20_000;
let worker: { path: string; remove: () => void };
beforeAll(async () => {
  worker = await bundleWorker();
});
afterAll(() => worker.remove());

onEach(['redis', 'postgres'], (name, at) => {
  test(`finding S15 measured: ${N} revocations`, { timeout: 30 * MINUTES }, async () => {
    const place = await at();
    await fill(place, 0, N, NOW);
    const begin = (): Begun => {
      const orders = { ...place.orders, work: 'begin', n: 1, inflight: 1, limit: 1, name: `u${N}` };
      const ran = spawnSync(process.execPath, [worker.path, JSON.stringify(orders)], { encoding: 'utf8' });
      return JSON.parse(ran.stdout) as Begun;
    };
    const runs = Array.from({ length: long ? 12 : 2 }, begin);
    for (const { codes, kept } of runs) {
      expect(codes).toEqual(['revoked', 'revoked', 'ok']);
      // A list of 20,000 that is held takes 7 MB, one of a million 300.
      expect(kept).toBeLessThan(4);
    }
    if (!long) return;
    const figures = (what: 'ms' | 'answers' | 'kept' | 'peak'): string =>
      runs.map((run) => run[what].toFixed(1)).join(' ');
    console.log(
      `${name}, ${N} revocations (load ${loadavg()[0]!.toFixed(0)}): begins in ms ${figures('ms')}; ` +
        `an answer ${figures('answers')}; MB kept ${figures('kept')}, before collecting ${figures('peak')}`,
    );
  });
});
