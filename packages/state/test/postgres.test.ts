// The PostgreSQL back end against real servers: the common laws, then what only a server can do wrong.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type pg from 'pg';
import { leasedBudgets, type Store } from '../src/index.ts';
import {
  initializePostgres,
  migratePostgres,
  postgresStore,
  resetPostgres,
  type PostgresOptions,
} from '../src/postgres.ts';
import { GRACE } from '../src/budgets.ts';
import { SCHEMA_VERSION } from '../src/postgres/schema.ts';
import {
  NOW,
  charges,
  conformance,
  counter,
  id,
  rate,
  serverSeconds,
  startAt,
  proofClaim,
  numbered,
} from '../src/testing.ts';
import { proxy } from './proxy.ts';
import { hasPostgres, startPostgres, stopServers, type PostgresServer } from './postgres-server.ts';

const SUBJECT = { issuer: 'acme', token: 't', key: 'k', user: 'u', nodes: [], holders: [] };
const one = (name: string, limit = 10): ReturnType<typeof charges> => charges([counter(name, 1, limit)]);
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);
const spend = async (store: Store, name = 'c', limit = 10): Promise<string> =>
  code(await store.budgets.reserve(one(name, limit), NOW));

describe.skipIf(!hasPostgres)('with a PostgreSQL server', () => {
  let server: PostgresServer;
  let n = 0;
  beforeAll(async () => {
    server = await startPostgres();
  });
  // Rows of a server end by its clock, not by ours; and on a busy machine the last tests begin minutes after the first.
  beforeEach(() => startAt(serverSeconds()));
  afterAll(async () => {
    await server.stop();
    stopServers();
  });

  const schemas = new WeakMap<Store, string>();
  conformance(
    'postgres',
    async ({ rowsPerToken }) => {
      const schema = `t${n++}`;
      await initializePostgres({ ...server.place, schema });
      const store = await postgresStore({
        ...server.place,
        schema,
        ...(rowsPerToken === undefined ? {} : { rowsPerToken }),
      });
      schemas.set(store, schema);
      return store;
    },
    async (store) => void (await resetPostgres({ ...server.place, schema: schemas.get(store)!, quiet: 0 })),
    'own',
    undefined,
    async (store, at) => {
      const admin = await server.admin();
      for (const table of ['counters', 'claims', 'nonces', 'windows', 'sessions', 'revocations'])
        await admin.query(`delete from ${schemas.get(store)!}.${table} where expires <= $1`, [at - GRACE]);
    },
  );

  const open = (at: PostgresServer, more: Partial<PostgresOptions> = {}): Promise<Store> =>
    postgresStore({ ...at.place, ...more });

  /** A prepared schema, with a role of its own that may call its functions. */
  const granted = async (): Promise<{
    schema: string;
    user: string;
    place: PostgresServer['place'] & { schema: string };
    admin: Awaited<ReturnType<PostgresServer['admin']>>;
  }> => {
    const schema = `t${n++}`;
    const user = `verifier_${schema}`;
    const place = { ...server.place, schema };
    const admin = await server.admin();
    await admin.query(`create role ${user} login`);
    await initializePostgres({ ...place, grantTo: user });
    return { schema, user, place, admin };
  };

  test('a database that nobody prepared is refused; it is prepared once', async () => {
    const schema = `t${n++}`;
    await expect(open(server, { schema })).rejects.toMatchObject({ code: 'store_corrupt' });
    await initializePostgres({ ...server.place, schema });
    await expect(initializePostgres({ ...server.place, schema })).rejects.toMatchObject({
      code: 'file_exists',
    });
    const store = await open(server, { schema });
    expect(await spend(store)).toBe('ok');
    await store.close();
    expect(await spend(store)).toBe('store_unavailable');
  });

  test("the verifiers' role calls the functions and reads no table", async () => {
    const { schema, user, admin } = await granted();
    const store = await open(server, { schema, user });
    expect(await spend(store)).toBe('ok');
    expect(await store.budgets.left(id('root'), [counter('c', 0, 10)], NOW)).toEqual([9]);
    await store.revocations.add({ kind: 'user', issuer: 'acme', value: 'u', reason: '' }, NOW);
    await admin.query(`set role ${user}`);
    for (const table of ['meta', 'counters', 'nonces', 'writers', 'sessions', 'revocations'])
      await expect(admin.query(`select * from ${schema}.${table}`)).rejects.toMatchObject({ code: '42501' });
    await expect(admin.query(`update ${schema}.counters set used = 0`)).rejects.toMatchObject({
      code: '42501',
    });
    await admin.query('reset role');
    await admin.query(`create role stranger_${schema} login`);
    await expect(open(server, { schema, user: `stranger_${schema}` })).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    await store.close();
  });

  test('a schema of version 1 is refused, migrated, and its verifiers may call what they could call before', async () => {
    const { schema, user, place, admin } = await granted();
    const before = await open(server, { schema, user });
    expect(await spend(before)).toBe('ok');
    await before.close();
    // As version 1 had it: no column for steps, no index of names, and a function that gave two columns.
    await admin.query(`alter table ${schema}.counters drop column steps`);
    await admin.query(`drop index ${schema}.revocations_named`);
    await admin.query(`drop function ${schema}.rows_of`);
    await admin.query(
      `create function ${schema}.rows_of(p_epoch text, p_ids text[], out code text, out start bigint[], out used bigint[])
       language sql as $$ select 'ok', null::bigint[], null::bigint[] $$`,
    );
    await admin.query(`update ${schema}.meta set version = 1`);
    await expect(open(server, { schema, user })).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(await migratePostgres(place)).toBe(1);
    expect(await migratePostgres(place)).toBe(SCHEMA_VERSION);
    const named = await admin.query(`select to_regclass('${schema}.revocations_named') is not null as there`);
    expect(named.rows).toEqual([{ there: true }]);
    const store = await open(server, { schema, user });
    expect(await store.budgets.left(id('root'), [counter('c', 0, 10)], NOW)).toEqual([9]);
    const sliding = charges([rate('migrated', 1, 1, 60, NOW - 600)]);
    expect((await store.budgets.reserve(sliding, NOW)).ok).toBe(true);
    expect(await store.budgets.reserve(sliding, NOW)).toMatchObject({ code: 'budget_exceeded' });
    await store.close();
  });

  test('a schema of version 3 is refused, migrated, and remembers the numbers of a session until its last ticket ends', async () => {
    const { schema, user, place, admin } = await granted();
    const ends = async (): Promise<number> =>
      Number(
        (await admin.query<{ expires: string }>(`select expires from ${schema}.windows`)).rows[0]!.expires,
      );
    const number = async (store: Store, sequence: number, expires: number): Promise<string> =>
      code(
        await store.budgets.reserve(
          charges([], { sequence: await numbered(store, 's', sequence, expires) }),
          NOW,
        ),
      );
    // As version 3 had it: the first ticket's end was the row's.
    const { rows } = await admin.query<{ body: string }>(
      `select pg_get_functiondef('${schema}.apply'::regproc) as body`,
    );
    const body = rows[0]!.body.replace(
      'bits = excluded.bits, expires = excluded.expires',
      'bits = excluded.bits',
    );
    expect(body).not.toBe(rows[0]!.body);
    await admin.query(body);
    await admin.query(`drop function ${schema}.sessions_open`);
    const before = await open(server, { schema, user });
    expect([await number(before, 0, NOW + 100), await number(before, 1, NOW + 900)]).toEqual(['ok', 'ok']);
    expect(await ends()).toBe(NOW + 100);
    await before.close();
    await admin.query(`update ${schema}.meta set version = 3`);
    await expect(open(server, { schema, user })).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(await migratePostgres(place)).toBe(3);
    expect(await migratePostgres(place)).toBe(SCHEMA_VERSION);
    const store = await open(server, { schema, user });
    expect(await number(store, 1, NOW + 900)).toBe('replayed');
    expect(await number(store, 2, NOW + 900)).toBe('ok');
    expect(await ends()).toBe(NOW + 900);
    expect(await store.sessions.page(null, NOW)).toEqual({ sessions: [], cursor: null });
    await store.close();
  });

  test('settings of the database or the role do not weaken a connection; those of the server deny', async () => {
    const schema = `t${n++}`;
    const own = await startPostgres();
    const admin = await own.admin();
    await initializePostgres({ ...own.place, schema });
    await admin.query(`alter role postgres set synchronous_commit = off`);
    await admin.query(`alter database postgres set default_transaction_isolation = 'serializable'`);
    const store = await open(own, { schema });
    expect(await spend(store)).toBe('ok');
    for (const [setting, value] of [
      ['fsync', 'off'],
      ['full_page_writes', 'off'],
    ] as const) {
      await admin.query(`alter system set ${setting} = ${value}`);
      await admin.query('select pg_reload_conf()');
      await expect.poll(() => spend(store, setting, 1e6)).toBe('store_corrupt');
      const entry = { kind: 'user', issuer: 'acme', value: 'u', reason: '' } as const;
      await expect(store.revocations.add(entry, NOW)).rejects.toMatchObject({ code: 'store_corrupt' });
      await admin.query(`alter system reset ${setting}`);
      await admin.query('select pg_reload_conf()');
      await expect.poll(() => spend(store, setting, 1e6)).toBe('ok');
    }
    await store.close();
    await own.stop();
  });

  test('a server that is killed and starts again has lost nothing that was acknowledged', async () => {
    const own = await startPostgres();
    await initializePostgres(own.place);
    const store = await open(own, { timeout: 1000, poll: 50, staleAfter: 400 });
    let acknowledged = 0;
    let asked = 0;
    let stop = false;
    const lane = async (): Promise<void> => {
      while (!stop) {
        asked++;
        if ((await spend(store, 'killed', 1e9)) === 'ok') acknowledged++;
        else await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const lanes = Promise.all([1, 2, 3, 4].map(lane));
    const failed = (): number => asked - acknowledged;
    for (let i = 0; i < 3; i++) {
      const before = acknowledged;
      await expect.poll(() => acknowledged, { timeout: 20_000 }).toBeGreaterThan(before + 20);
      await own.kill();
      await expect.poll(() => spend(store, 'another'), { timeout: 20_000 }).toBe('store_unavailable');
      await expect.poll(() => code(store.revocations.isRevoked(SUBJECT))).toBe('revocations_stale');
      await own.start();
      await expect.poll(() => spend(store, 'again', 1e9), { timeout: 20_000 }).toBe('ok');
      await expect.poll(() => code(store.revocations.isRevoked(SUBJECT))).toBe('ok');
    }
    stop = true;
    await lanes;
    const spent = 1e9 - (await store.budgets.left(id('root'), [counter('killed', 0, 1e9)], NOW))[0]!;
    expect(spent).toBeGreaterThanOrEqual(acknowledged);
    expect(spent).toBeLessThanOrEqual(acknowledged + failed());
    await store.close();
    await own.stop();
  });

  describe('state that may have been lost denies until an operator resets', () => {
    test('S4, R3b: files put back from a copy are noticed by who wrote since; nothing crosses the reset', async () => {
      const own = await startPostgres();
      await initializePostgres(own.place);
      const store = await open(own, { poll: 50 });
      const nonce = charges([], { replay: proofClaim('before', serverSeconds() + 60) });
      expect(await spend(store)).toBe('ok');
      await own.kill('SIGINT');
      own.copyData('data', 'kept');
      await own.start();
      await expect.poll(() => spend(store)).toBe('ok');
      const held = await store.budgets.reserve(charges([counter('held', 100, 100)]), NOW);
      expect(code(held)).toBe('ok');
      expect(code(await store.budgets.reserve(nonce, NOW))).toBe('ok');
      const epoch = await store.replay.epoch();
      const fifth = charges([], { sequence: await numbered(store, 's', 5) });
      expect(code(await store.budgets.reserve(fifth, NOW))).toBe('ok');
      await own.kill('SIGINT');
      own.copyData('kept', 'data');
      await own.start();
      // It remembers one spend of two, the same system and the same timeline.
      await expect.poll(() => spend(store)).toBe('store_corrupt');
      // And says so to all, also to who comes now.
      await expect(open(own)).rejects.toMatchObject({ code: 'store_corrupt' });
      await resetPostgres({ ...own.place, quiet: 0 });
      await expect.poll(() => spend(store)).toBe('ok');
      expect(code(await store.budgets.reserve(fifth, NOW))).toBe('replayed');
      expect(await store.replay.epoch()).not.toBe(epoch);
      // A proof from before the reset is not good again, and a reservation from before gives nothing back.
      expect(code(await store.budgets.reserve(nonce, NOW))).toBe('store_unavailable');
      expect(code(await store.budgets.reserve(charges([counter('held', 100, 100)]), NOW))).toBe('ok');
      if (!held.ok) throw new Error(held.code);
      expect(await store.budgets.settle(held.reservation, [0])).toBe(false);
      expect(await store.budgets.left(id('root'), [counter('held', 0, 100)], NOW)).toEqual([0]);
      await store.close();
      await own.stop();
    });

    test('a promoted standby, where nobody stated that standbys are synchronous', async () => {
      const own = await startPostgres();
      await initializePostgres(own.place);
      const standby = await startPostgres('', own);
      const hosts = [...own.place.hosts, ...standby.place.hosts];
      const store = await open(own, { hosts, timeout: 1000 });
      expect(await spend(store)).toBe('ok');
      await own.kill();
      await standby.promote();
      await expect.poll(() => spend(store)).toBe('store_corrupt');
      await expect(open(standby)).rejects.toMatchObject({ code: 'store_corrupt' });
      await resetPostgres({ ...standby.place, quiet: 0 });
      await expect.poll(() => spend(store)).toBe('ok');
      // The old primary comes back as what it was: passed over, for it is on an earlier timeline.
      await own.start();
      await standby.kill();
      await expect.poll(() => spend(store), { timeout: 20_000 }).toBe('store_unavailable');
      for (let i = 0; i < 10; i++) {
        expect(await spend(store)).toBe('store_unavailable');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await store.close();
      await own.stop();
      await standby.stop();
    });
  });

  test('a commit whose wait for the standby is cancelled is not acknowledged; a primary without one denies', async () => {
    const own = await startPostgres();
    const admin = await own.admin();
    await admin.query(`alter system set synchronous_standby_names = 'nobody'`);
    await admin.query('select pg_reload_conf()');
    await admin.query('set synchronous_commit = local');
    const local = { ...own.place, failover: 'synchronous' } as const;
    const made = initializePostgres(local).catch(() => undefined);
    const cancel = async (): Promise<number> => {
      const { rowCount } = await admin.query(
        `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`,
      );
      return rowCount ?? 0;
    };
    await expect.poll(cancel).toBeGreaterThan(0);
    await made;
    let cancelling = true;
    const canceller = (async () => {
      while (cancelling) {
        await cancel();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    await expect(open(own, { timeout: 5000 })).rejects.toMatchObject({ code: 'store_unavailable' });
    await admin.query(`alter system set synchronous_standby_names = ''`);
    await admin.query('select pg_reload_conf()');
    cancelling = false;
    await canceller;
    const store = await open(own);
    await expect.poll(() => spend(store)).toBe('store_unavailable');
    await store.close();
    await own.stop();
  });

  test('finding S13 a listener that is cut off is replaced; what it missed arrives', async () => {
    const schema = `t${n++}`;
    await initializePostgres({ ...server.place, schema });
    const [a, b] = [await open(server, { schema, poll: 200 }), await open(server, { schema })];
    const seen: string[] = [];
    a.revocations.watch((entry) => seen.push(entry.value));
    const admin = await server.admin();
    for (let i = 0; i < 5; i++) {
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where pid <> pg_backend_pid() and query like '%${schema}.entries_since%'`,
      );
      await b.revocations.add({ kind: 'user', issuer: 'acme', value: `u${i}`, reason: '' }, NOW);
      await expect.poll(() => seen.length).toBe(i + 1);
      expect(code(a.revocations.isRevoked({ ...SUBJECT, user: `u${i}` }))).toBe('revoked');
    }
    await a.close();
    await b.close();
  });

  test('finding S20 a notification is no revocation: an entry counts when it is on the list', async () => {
    const schema = `t${n++}`;
    await initializePostgres({ ...server.place, schema });
    const store = await open(server, { schema });
    const admin = await server.admin();
    await admin.query(`notify ambit_${schema}, '7 {"kind":"user","issuer":"acme","value":"u"}'`);
    await admin.query(`notify ambit_${schema}, '9'`);
    await store.sessions.list();
    expect(code(store.revocations.isRevoked(SUBJECT))).toBe('ok');
    await store.close();
  });

  test('a list that went back is stale, and what is known stays known', async () => {
    const schema = `t${n++}`;
    await initializePostgres({ ...server.place, schema });
    const store = await open(server, { schema, poll: 30, staleAfter: 300 });
    await store.revocations.add({ kind: 'user', issuer: 'acme', value: 'u', reason: '' }, NOW);
    await store.revocations.add({ kind: 'user', issuer: 'acme', value: 'w', reason: '' }, NOW);
    await expect.poll(() => code(store.revocations.isRevoked({ ...SUBJECT, user: 'v' }))).toBe('ok');
    const admin = await server.admin();
    await admin.query(`update ${schema}.meta set revoked = 1`);
    await expect
      .poll(() => code(store.revocations.isRevoked({ ...SUBJECT, user: 'v' })))
      .toBe('revocations_stale');
    expect(code(store.revocations.isRevoked(SUBJECT))).toBe('revoked');
    await store.close();
  });

  test('finding S1 rows are swept when two clocks say so, and by neither alone', async () => {
    const schema = `t${n++}`;
    await initializePostgres({ ...server.place, schema });
    const store = await open(server, { schema });
    const past = serverSeconds() + 30;
    const c = charges([counter('mortal', 10, 10, { expires: past })], { replay: proofClaim('m', past) });
    expect(code(await store.budgets.reserve(c, past - 30))).toBe('ok');
    const admin = await server.admin();
    const rows = async (): Promise<number> =>
      Number((await admin.query<{ n: string }>(`select count(*) n from ${schema}.nonces`)).rows[0]!.n);
    const epoch = await store.replay.epoch();
    const sweep = (now: number): Promise<pg.QueryResult> =>
      admin.query(`select * from ${schema}.sweep($1, $2)`, [epoch, now]);
    // A verifier whose clock is a year ahead sweeps nothing that the server's clock holds alive.
    await sweep(past + 86_400 * 365);
    expect(await rows()).toBe(1);
    await admin.query(`update ${schema}.nonces set expires = 1000`);
    await admin.query(`update ${schema}.meta set swept = 0`);
    await sweep(1000);
    expect(await rows()).toBe(1);
    await sweep(past);
    expect(await rows()).toBe(0);
    await store.close();
  });

  test('finding S4 L10 a reset waits for who holds slices: one that hears nothing stops spending before it is over', async () => {
    const schema = `t${n++}`;
    await initializePostgres({ ...server.place, schema });
    const wire = await proxy(server.port);
    const there = { schema, poll: 50, staleAfter: 300, timeout: 300 };
    const [away, near] = [
      await open(server, { ...there, hosts: [{ host: '127.0.0.1', port: wire.port }] }),
      await open(server, there),
    ];
    const leased = leasedBudgets(away.budgets);
    const fromSlice = async (): Promise<string> => code(await leased.reserve(one('leased', 1000), NOW));
    expect(await fromSlice()).toBe('ok');
    expect(await fromSlice()).toBe('ok');
    expect([leased.trips, leased.local]).toEqual([1, 2]);
    wire.silence();
    await wire.close();
    const reset = resetPostgres({ ...server.place, schema, quiet: 800 });
    // Denied until then: nobody is granted anything of the new life while slices of the old one may be spent.
    await expect.poll(() => spend(near), { interval: 10 }).toBe('store_corrupt');
    await reset;
    expect(await fromSlice()).toBe('store_unavailable');
    await expect.poll(() => spend(near)).toBe('ok');
    leased.stop().catch(() => undefined);
    await away.close();
    await near.close();
  });

  test('finding S19 the figures say what is wrong, by the code of the server or a word for what was found', async () => {
    const schema = `t${n++}`;
    await initializePostgres({ ...server.place, schema });
    const wire = await proxy(server.port);
    const hosts = [{ host: '127.0.0.1', port: wire.port }];
    const store = await open(server, { schema, hosts, timeout: 300, poll: 50 });
    const admin = await server.admin();
    expect(await store.stats()).toMatchObject({
      fault: null,
      faults: {},
      bytes: expect.any(Number) as number,
    });
    await admin.query(`alter function ${schema}.apply rename to away`);
    expect(await spend(store)).toBe('store_corrupt');
    expect((await store.stats()).fault).toMatchObject({ code: 'store_corrupt', cause: '42883' });
    await admin.query(`alter function ${schema}.away rename to apply`);
    await admin.query(`update ${schema}.meta set version = version + 1`);
    await expect.poll(() => spend(store)).toBe('store_corrupt');
    await expect.poll(async () => (await store.stats()).faults['version']).toBeGreaterThan(0);
    await wire.close();
    await expect.poll(() => spend(store)).toBe('store_unavailable');
    const found = await store.stats();
    expect(found).toMatchObject({
      bytes: null,
      rows: {},
      refused: { store_unavailable: expect.any(Number) as number },
    });
    expect(found.fault).toMatchObject({ code: 'store_unavailable', cause: 'ECONNREFUSED' });
    await store.close();
  });

  test('finding S12 a connection that goes silent is replaced; calls are refused meanwhile and none waits for ever', async () => {
    const schema = `t${n++}`;
    await initializePostgres({ ...server.place, schema });
    const wire = await proxy(server.port);
    const store = await open(server, {
      schema,
      hosts: [{ host: '127.0.0.1', port: wire.port }],
      timeout: 300,
      poll: 50,
      staleAfter: 500,
    });
    expect(await spend(store, 'c', 1e6)).toBe('ok');
    wire.silence();
    expect(await spend(store, 'c', 1e6)).toBe('store_unavailable');
    // Only what was open is silent; new connections go through.
    await expect.poll(() => spend(store, 'c', 1e6)).toBe('ok');
    await expect.poll(() => code(store.revocations.isRevoked(SUBJECT))).toBe('ok');
    await store.close();
    await wire.close();
  });
});
