// The PostgreSQL back end, for those who have one and want failover without a person (13 or later; pg is an
// optional peer). All charges of a call are applied by one function in one transaction and one round trip, and
// calls that are in flight together share it (`postgres/lanes.ts`). An answer is given after the commit, which is
// on disk here and, where standbys are synchronous, on one of them.
//
// State that may have been lost denies (`postgres/primary.ts`); a server that is away or slow denies; both until
// the cause is gone.
import { ROWS_PER_TOKEN } from './budgets.ts';
import { faultError } from './faults.ts';
import { short } from './grouped.ts';
import { faultOf } from './postgres/connection.ts';
import { Lanes } from './postgres/lanes.ts';
import type { PostgresOptions } from './postgres/options.ts';
import { Primary } from './postgres/primary.ts';
import { Registry } from './postgres/registry.ts';
import { servedBudgets, type ChargeServer } from './served.ts';
import { readSteps, type Steps } from './sliding.ts';
import { Tally, type StoreStats } from './stats.ts';
import type { Store } from './store.ts';

export {
  checkPostgres,
  initializePostgres,
  migratePostgres,
  postgresVersion,
  resetPostgres,
  type OperatePostgres,
} from './postgres/operate.ts';
export {
  parsePostgresUrl,
  type PostgresHost,
  type PostgresOptions,
  type PostgresPlace,
} from './postgres/options.ts';

/** Milliseconds between sweeps. */
const SWEEP = 5000;

/**
 * A store on a schema that `initializePostgres` has prepared. Rejects with AmbitError: `store_unavailable`, or
 * `store_corrupt` when it was never prepared or its state may have been lost.
 */
export async function postgresStore(options: PostgresOptions): Promise<Store> {
  const primary = new Primary(options, options.timeout ?? 2000);
  const lanes = new Lanes(primary, options.lanes ?? 2, options.rowsPerToken ?? ROWS_PER_TOKEN);
  const tally = new Tally();
  const registry = new Registry(lanes, options, (error) => tally.fault(faultOf(error), error));
  try {
    await lanes.start();
    await registry.start();
  } catch (error) {
    await Promise.all([registry.stop(), lanes.close()]);
    throw faultError(error, faultOf);
  }
  const sweep = async (): Promise<void> => {
    const text = `select * from ${primary.schema}.sweep($1, $2)`;
    await lanes.ask({ name: 'sweep', text, values: [lanes.epoch, Math.floor(Date.now() / 1000)] });
  };
  const timer = setInterval(() => void sweep().catch(() => undefined), SWEEP).unref();
  const staleAfter = options.staleAfter ?? 5000;
  const server = chargeServer(lanes, () => registry.list.age <= staleAfter);
  const stats = async (): Promise<StoreStats> => {
    const text = `select 'ok' as code, * from ${primary.schema}.figures()`;
    const row = await lanes
      .ask({ text, values: [] })
      .catch((error: unknown) => void tally.fault(faultOf(error), error));
    return {
      backend: 'postgres',
      ...tally.figures,
      revocationsAge: registry.list.age,
      pushesMissed: registry.list.missed,
      rows: (row?.['rows'] ?? {}) as { readonly [kind: string]: number },
      bytes: row === undefined ? null : Number(row['bytes']),
      logBytes: null,
    };
  };
  return {
    ...servedBudgets(server, tally),
    stats,
    revocations: registry.revocations(),
    sessions: registry.sessions(),
    close: async () => {
      clearInterval(timer);
      await Promise.all([registry.stop(), lanes.close()]);
    },
  };
}

function chargeServer(lanes: Lanes, fresh: () => boolean): ChargeServer {
  return {
    get epoch() {
      return lanes.epoch;
    },
    reserve: (charges, share) => lanes.reserve(charges, share),
    refund: (reservation, back) => lanes.refund(reservation, back),
    rows: async (_partitionKey, ids) => {
      const text = `select * from ${lanes.primary.schema}.rows_of($1, $2)`;
      const row = await lanes.ask({ name: 'rows', text, values: [lanes.epoch, ids.map(short)] });
      const column = (name: string): readonly (string | null)[] =>
        (row[name] as (string | null)[] | null) ?? [];
      const [start, used, steps] = [column('start'), column('used'), column('steps')];
      return ids.map((_, i) => ({
        start: Number(start[i]),
        used: Number(used[i]),
        expires: 0,
        steps: stepsOf(steps[i] ?? null),
      }));
    },
    adopt: () => lanes.adopt(),
    // Confirmed lately, and not known to be over: what is spent from a slice asks nobody.
    era: () => (fresh() ? lanes.epoch : null),
    faultOf,
  };
}

// The text of an array: `{start,amount,...}`.
const stepsOf = (text: string | null): Steps | null =>
  text === null ? null : readSteps(text.slice(1, -1).replaceAll(',', ' '));
