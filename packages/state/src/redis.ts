// The Redis back end, for a fleet (Redis 7 or later, Valkey; single, Sentinel or Cluster; ioredis is an optional
// peer). All charges of a call are one Lua script and one round trip; they live in one of 64 partitions, chosen
// by the charges' `place`, so that a cluster can hold them in one slot. Tokens that name pools share their
// issuer's place, and so one shard carries all pooled tokens of an issuer.
//
// State that may have been lost denies (`redis/fence.ts`); a server that is away or slow denies; both until the
// cause is gone. What asynchronous replication loses in a failover is noticed because the new primary is
// another process; in a split brain only the old primary keeps granting, so the sum holds.
import { randomBytes, toHex } from '@ambit/core';
import type { CounterRow } from './apply.ts';
import { ROWS_PER_TOKEN } from './budgets.ts';
import { faultError } from './faults.ts';
import { short } from './grouped.ts';
import { Fence, fenceFaultOf, type RedisClient } from './redis/fence.ts';
import { Groups, partition } from './redis/group.ts';
import { Registry, type RegistryOptions } from './redis/registry.ts';
import { REFUND, ROWS } from './redis/scripts.ts';
import type { RedisSubscriber } from './redis/subscription.ts';
import { servedBudgets, type ChargeServer } from './served.ts';
import { Tally, type StoreStats } from './stats.ts';
import type { Store } from './store.ts';

export { initializeRedis, resetRedis, type OperateOptions } from './redis/operate.ts';
export type { RedisClient } from './redis/fence.ts';
export type { RedisSubscriber } from './redis/subscription.ts';

/**
 * What to give ioredis: commands are not queued while there is no connection and not sent twice, so that an
 * outage denies at once; commands of one turn of the event loop travel together. (Leave auto-pipelining off for
 * a Cluster: ioredis would choose the shard by the script's name.)
 */
export const REDIS_OPTIONS: {
  readonly enableOfflineQueue: false;
  readonly autoResendUnfulfilledCommands: false;
  readonly maxRetriesPerRequest: 0;
  readonly enableAutoPipelining: true;
} = Object.freeze({
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableAutoPipelining: true,
});

/** Options of the Redis back end. */
export interface RedisOptions extends RegistryOptions {
  /** An ioredis `Redis` or `Cluster`; it stays the caller's to close. */
  readonly client: RedisClient;
  /** A second connection, for the push of revocations; without one they arrive by polling alone. */
  readonly subscriber?: RedisSubscriber;
  /** First part of every key; default `ambit:`. */
  readonly prefix?: string;
  /** Milliseconds after which a command counts as failed. Default 1000. */
  readonly timeout?: number;
  /** The most rows one token's holders may append (attack S12). */
  readonly rowsPerToken?: number;
}

/**
 * A store on a Redis that `initializeRedis` has prepared. Rejects with AmbitError: `store_unavailable`, or
 * `store_corrupt` when it was never prepared or its state may have been lost.
 */
export async function redisStore(options: RedisOptions): Promise<Store> {
  const fence = new Fence(options.client, options.prefix ?? 'ambit:', options.timeout ?? 1000);
  const tally = new Tally();
  const registry = new Registry(fence, options.subscriber ?? null, options, (error) =>
    tally.fault(fenceFaultOf(error), error),
  );
  try {
    await fence.adopt();
    await registry.start();
  } catch (error) {
    registry.stop();
    throw faultError(error, fenceFaultOf);
  }
  const server = chargeServer(fence, options.rowsPerToken ?? ROWS_PER_TOKEN, options.staleAfter ?? 5000);
  const stats = async (): Promise<StoreStats> => {
    const found = await fence
      .figures()
      .catch((error: unknown) => void tally.fault(fenceFaultOf(error), error));
    const { keys, bytes, entries } = found ?? {};
    const revocations = registry.list.whole ? registry.list.size : entries;
    return {
      backend: 'redis',
      ...tally.figures,
      revocationsAge: registry.list.age,
      pushesMissed: registry.missed,
      rows: {
        ...(keys === undefined ? {} : { keys }),
        ...(revocations === undefined ? {} : { revocations }),
      },
      bytes: bytes ?? null,
      logBytes: null,
    };
  };
  return {
    ...servedBudgets(server, tally),
    stats,
    revocations: registry.revocations(),
    sessions: registry.sessions(),
    close: async () => registry.stop(),
  };
}

function chargeServer(fence: Fence, rowsPerToken: number, staleAfter: number): ChargeServer {
  const groups = new Groups(fence, rowsPerToken);
  return {
    get epoch() {
      return fence.epoch;
    },
    reserve: (charges, share) => groups.reserve(charges, share),
    refund: async ({ charges: { partitionKey, counters }, starts }, back) => {
      const part = partition(partitionKey);
      const keys = [fence.key(part, `f:${toHex(randomBytes(16))}`)];
      const args: number[] = [];
      counters.forEach((c, i) => {
        keys.push(fence.key(part, `c:${short(c.id)}`));
        args.push(back[i]!, starts[i]!);
      });
      await fence.run('refund', REFUND, [part], keys, args);
    },
    rows: async (partitionKey, ids) => {
      const part = partition(partitionKey);
      const keys = ids.map((id) => fence.key(part, `c:${short(id)}`));
      const [, ...values] = await fence.run('rows', ROWS, [part], keys, []);
      return values.map((value) => rowOf(String(value)));
    },
    adopt: () => fence.adopt(),
    era: () => fence.era(staleAfter),
    faultOf: fenceFaultOf,
  };
}

// `start used expires`, and the steps of a sliding window.
function rowOf(value: string): CounterRow | undefined {
  if (value === '') return undefined;
  const [start, used, expires, ...steps] = value.split(' ').map(Number);
  return { start: start!, used: used!, expires: expires!, steps: steps.length === 0 ? null : steps };
}
