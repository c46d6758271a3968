// Laws L3, L10 and L14 across a failover: a primary with two standbys, every commit on one of them before its
// answer (`ANY 1`), is killed under load; the test does what a manager of such a cluster does (promotes the
// standby that is furthest and points the other at it) and touches no verifier. `AMBIT_LONG=1` repeats it.
import { afterAll, describe, expect, test } from 'vitest';
import type { Reservation, Store } from '../src/index.ts';
import { initializePostgres, postgresStore } from '../src/postgres.ts';
import { NOW, charges, counter, id, proofClaim, serverSeconds } from '../src/testing.ts';
import { hasPostgres, startPostgres, stopServers, type PostgresServer } from './postgres-server.ts';

const RUNS = process.env['AMBIT_LONG'] === '1' ? 5 : 1;
const SUBJECT = { issuer: 'acme', token: 't', key: 'k', nodes: [], holders: [] };
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const later = serverSeconds() + 600;

/** What a cluster of three needs beyond the defaults: quick to notice, so that the test is. */
const QUICK = `wal_retrieve_retry_interval = 100ms\nwal_receiver_status_interval = 1s\nhot_standby = on\nmax_wal_senders = 10`;

async function cluster(): Promise<PostgresServer[]> {
  const primary = await startPostgres(QUICK);
  const standbys = [await startPostgres('', primary), await startPostgres('', primary)];
  const all = [primary, ...standbys];
  for (const server of all) {
    server.configure(`synchronous_standby_names = 'ANY 1 (*)'`);
    server.reload();
  }
  const admin = await primary.admin();
  await expect
    .poll(
      async () =>
        (await admin.query('select from pg_stat_replication where sync_state = $1', ['quorum'])).rowCount,
    )
    .toBe(2);
  return all;
}

/** Bytes of the log that a standby has. */
async function received(server: PostgresServer): Promise<number> {
  const admin = await server.admin();
  const { rows } = await admin.query<{ n: string }>(
    `select pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0') n`,
  );
  return Number(rows[0]!.n);
}

/** Tries what may be unsure (a call whose connection broke) and counts both ends. */
class Load {
  granted = 0;
  unsure = 0;
  refused = 0;
  readonly proofs: string[] = [];
  readonly revoked: string[] = [];
  readonly held: { store: Store; reservation: Reservation }[] = [];
  stop = false;

  readonly limit: number;
  readonly name: string;

  constructor(limit: number, name: string) {
    this.limit = limit;
    this.name = name;
  }

  async lane(store: Store, lane: string): Promise<void> {
    for (let i = 0; !this.stop; i++) {
      const proof = `${lane} ${i}`;
      const answer = await store.budgets.reserve(
        charges([counter(this.name, 1, this.limit), counter(`${this.name} ${lane}`, 1, 1e9)], {
          replay: proofClaim(proof, later),
        }),
        NOW,
      );
      if (answer.ok) {
        this.granted++;
        this.proofs.push(proof);
        if (i % 10 === 0) this.held.push({ store, reservation: answer.reservation });
      } else if (answer.code === 'budget_exceeded') {
        this.refused++;
        await pause(5);
      } else {
        this.unsure++;
        await pause(5);
      }
      if (i % 25 === 24) {
        const value = `user ${proof}`;
        const added = store.revocations.add({ kind: 'user', issuer: 'acme', value, reason: '' }, NOW);
        await added.then(
          () => this.revoked.push(value),
          () => undefined,
        );
      }
    }
  }
}

describe.skipIf(!hasPostgres)('failover of a PostgreSQL cluster', () => {
  afterAll(() => stopServers());

  test.each(Array.from({ length: RUNS }, (_, i) => i))(
    'the primary is killed under load and a synchronous standby promoted: nothing acknowledged is lost, nothing is over, the service is back (run %i)',
    { timeout: 240_000 },
    async () => {
      const all = await cluster();
      const hosts = all.map((server) => server.place.hosts[0]!);
      const place = { ...all[0]!.place, hosts };
      await initializePostgres({ ...place, failover: 'synchronous' });
      const stores = await Promise.all(
        [1, 2, 3].map(() => postgresStore({ ...place, timeout: 2000, poll: 100, staleAfter: 1000 })),
      );
      const load = new Load(1_000_000, 'all');
      const small = new Load(400, 'small');
      const lanes = stores.flatMap((store, s) => [
        ...Array.from({ length: 6 }, (_, i) => load.lane(store, `l${s}${i}`)),
        ...Array.from({ length: 2 }, (_, i) => small.lane(store, `s${s}${i}`)),
      ]);
      await expect.poll(() => load.granted, { timeout: 60_000 }).toBeGreaterThan(300);
      const [primary, ...standbys] = all as [PostgresServer, ...PostgresServer[]];
      await primary.kill('SIGKILL');
      const before = load.granted;
      const far = await Promise.all(standbys.map(received));
      const [next, other] = far[0]! >= far[1]! ? standbys : standbys.toReversed();
      await next!.promote();
      other!.configure(
        `primary_conninfo = 'host=127.0.0.1 port=${next!.port} user=postgres application_name=other'`,
      );
      other!.reload();
      // Back by itself: every store grants again.
      await expect.poll(() => load.granted, { timeout: 120_000 }).toBeGreaterThan(before + 300);
      for (const store of stores)
        await expect
          .poll(async () => (await store.budgets.reserve(charges([counter('back', 1, 1e9)]), NOW)).ok)
          .toBe(true);
      // The old primary comes back as it was; who comes now is not misled by it.
      await primary.start();
      const fresh = await postgresStore({ ...place, timeout: 4000 });
      await expect.poll(() => small.refused, { timeout: 60_000 }).toBeGreaterThan(10);
      load.stop = small.stop = true;
      await Promise.all(lanes);

      for (const [each, limit] of [
        [load, 1_000_000],
        [small, 400],
      ] as const) {
        const [left] = await fresh.budgets.left(id('root'), [counter(each.name, 0, limit)], NOW);
        const spent = limit - left!;
        expect(spent).toBeGreaterThanOrEqual(each.granted);
        expect(spent).toBeLessThanOrEqual(each.granted + each.unsure);
        expect(each.granted).toBeLessThanOrEqual(limit);
      }
      // A proof that was accepted before is not accepted again.
      const again = await Promise.all(
        [...load.proofs, ...small.proofs].map((proof) =>
          fresh.budgets.reserve(charges([], { replay: proofClaim(proof, later) }), NOW),
        ),
      );
      expect(again.filter((answer) => answer.ok)).toEqual([]);
      expect(load.revoked.length).toBeGreaterThan(5);
      for (const value of load.revoked)
        expect(fresh.revocations.isRevoked({ ...SUBJECT, user: value })).toMatchObject({ code: 'revoked' });
      // Reservations from before the failover belong to the same state, and are settled in it.
      const [held] = load.held;
      expect(await held!.store.budgets.settle(held!.reservation, [0, 0])).toBe(true);
      await Promise.all([fresh, ...stores].map((store) => store.close()));
      await Promise.all(all.map((server) => server.stop()));
    },
  );
});
