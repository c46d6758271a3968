// The PostgreSQL back end, for those who have one and want failover without a person (13 or later; pg is an
// optional peer). All charges of a call are applied by one function in one transaction and one round trip, and
// calls that are in flight together share it (`postgres/lanes.ts`). An answer is given after the commit, which is
// on disk here and, where standbys are synchronous, on one of them.
//
// State that may have been lost denies (`postgres/primary.ts`); a server that is away or slow denies; both until
// the cause is gone.
import { AmbitError } from '@ambit/core';
import { effective } from './apply.ts';
import {
  ROWS_PER_TOKEN,
  checkCharges,
  checkNow,
  refunds,
  type Budgets,
  type Refused,
  type Reservation,
} from './budgets.ts';
import { faultOf } from './postgres/connection.ts';
import { short } from './postgres/group.ts';
import { Lanes } from './postgres/lanes.ts';
import type { PostgresOptions } from './postgres/options.ts';
import { Primary } from './postgres/primary.ts';
import { Registry } from './postgres/registry.ts';
import { isSequence, type Replay } from './replay.ts';
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
    throw new AmbitError(faultOf(error), undefined, { cause: error });
  }
  const sweep = async (): Promise<void> => {
    const text = `select * from ${primary.schema}.sweep($1, $2)`;
    await lanes.ask({ name: 'sweep', text, values: [lanes.epoch, Math.floor(Date.now() / 1000)] });
  };
  const timer = setInterval(() => void sweep().catch(() => undefined), SWEEP).unref();
  const staleAfter = options.staleAfter ?? 5000;
  const { budgets, replay } = budgetsAndReplay(lanes, tally, () => registry.list.age <= staleAfter);
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
    budgets: tally.over(budgets),
    replay,
    stats,
    revocations: registry.revocations(),
    sessions: registry.sessions(),
    close: async () => {
      clearInterval(timer);
      await Promise.all([registry.stop(), lanes.close()]);
    },
  };
}

function budgetsAndReplay(
  lanes: Lanes,
  tally: Tally,
  fresh: () => boolean,
): { budgets: Budgets; replay: Replay } {
  /** Reservations that can be settled, and the epoch they were made under: nothing is refunded to another. */
  const open = new WeakMap<Reservation, string | null>();
  /** The epoch this process last received: numbers of sessions count under it alone. */
  let told = lanes.epoch;
  const replayed: Refused = { ok: false, code: 'replayed', caveat: -1 };

  const giveBack = async (reservation: Reservation, amounts: readonly number[]): Promise<boolean> => {
    const back = refunds(reservation, amounts);
    if (back === null) return false;
    const epoch = open.get(reservation);
    // Taken out of the open ones before the store is asked: an uncertain refund is never tried twice.
    if (!open.delete(reservation) || epoch !== lanes.epoch) return false;
    if (back.every((n) => n === 0)) return true;
    return lanes.refund(reservation, back).catch(() => false);
  };
  const budgets: Budgets = {
    reserve: async (charges, now, share = 0) => {
      checkNow(now);
      const wrong = checkCharges(charges);
      if (wrong !== null) return wrong;
      const { sequence } = charges;
      if (sequence !== null && (told !== lanes.epoch || !isSequence(sequence.sequence))) return replayed;
      try {
        // Taken before the call: what was asked for in one epoch is not applied in another.
        const { epoch } = lanes;
        const answer = await lanes.reserve(charges, share);
        if (answer.ok) open.set(answer.reservation, epoch);
        return answer;
      } catch (error) {
        return { ok: false, code: tally.fault(faultOf(error), error), caveat: -1 };
      }
    },
    settle: giveBack,
    release: (reservation) =>
      giveBack(
        reservation,
        reservation.amounts.map(() => 0),
      ),
    // Confirmed lately, and not known to be over: what is spent from a slice asks nobody.
    era: () => (fresh() ? lanes.epoch : null),
    left: async (_place, counters, now) => {
      checkNow(now);
      try {
        const text = `select * from ${lanes.primary.schema}.rows_of($1, $2)`;
        const values = [lanes.epoch, counters.map((c) => short(c.id))];
        const row = await lanes.ask({ name: 'rows', text, values });
        const [start, used] = [row['start'] as string[] | null, row['used'] as string[] | null];
        return counters.map((c, i) => {
          const at = { start: Number(start![i]), used: Number(used![i]), expires: 0 };
          return Math.max(0, c.limit - effective(at, c).used);
        });
      } catch (error) {
        throw new AmbitError(faultOf(error), undefined, { cause: error });
      }
    },
  };
  const replay: Replay = {
    epoch: async () => {
      try {
        return (told = await lanes.adopt());
      } catch (error) {
        throw new AmbitError(faultOf(error), undefined, { cause: error });
      }
    },
  };
  return { budgets, replay };
}
