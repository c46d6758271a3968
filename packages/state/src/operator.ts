// What an operator does to the state that a URL names, whatever its back end: `ambit state` and nothing else. Backups of a
// server are its own tools' work; what Ambit adds is the decision afterwards (`reset`).
import { existsSync } from 'node:fs';
import { AmbitError } from '@ambit/core';
import { systemSeconds } from './budgets.ts';
import { openStore, withPeer } from './open.ts';
import type { StoreStats } from './stats.ts';
import { parseStoreUrl, type RedisPlace } from './url.ts';

/** What `init` and `reset` may be told. */
export interface OperatorOptions {
  /** Redis: a single server whose restart loses nothing (`OperateOptions.restarts`). */
  readonly restarts?: 'denied' | 'trusted';
  /** PostgreSQL: whether a promoted standby is believed (`OperatePostgres.failover`). */
  readonly failover?: 'denied' | 'synchronous';
  /** PostgreSQL: the role of the verifiers. */
  readonly grantTo?: string;
}

/** A store as `status` finds it. */
export interface StateStatus {
  readonly backend: StoreStats['backend'];
  /** The version of its tables; null where there are none. */
  readonly version: number | null;
  /** Null when it can't be opened; then `problem` says why. */
  readonly stats: StoreStats | null;
  readonly problem: { readonly code: string; readonly message: string } | null;
}

/** One store, to operate. Everything rejects with AmbitError. */
export interface StateOperator {
  /** Prepares an empty one. `file_exists` when that was done before. */
  init(options?: OperatorOptions): Promise<void>;
  status(): Promise<StateStatus>;
  /** What is wrong, a sentence each; empty when nothing is. */
  check(): Promise<readonly string[]>;
  backup(to: string): Promise<void>;
  restore(from: string): Promise<void>;
  /** Whether anything was mended. */
  repair(): Promise<boolean>;
  reset(options?: OperatorOptions): Promise<void>;
  /** Gives the version it came from. */
  migrate(options?: OperatorOptions): Promise<number>;
}

const byItsOwnTools = (what: string, tools: string): (() => Promise<never>) => {
  const message = `${what} is done with the server's own tools (${tools}); afterwards: ambit state reset.`;
  return () => Promise.reject(new AmbitError('input_invalid', message));
};

/** The operator of the store that a URL names. Throws AmbitError `input_invalid`. */
export function operatorOf(url: string): StateOperator {
  const place = parseStoreUrl(url);
  if (place.kind === 'memory')
    throw new AmbitError('input_invalid', 'A store in memory ends with its process: nothing to operate.');
  if (place.kind === 'sqlite') return fileOperator(url, place.path);
  return place.kind === 'redis' ? redisOperator(url, place) : postgresOperator(url, place.url);
}

async function statusOf(
  url: string,
  backend: StateStatus['backend'],
  version: () => Promise<number | null>,
): Promise<StateStatus> {
  let found: number | null = null;
  try {
    found = await version();
    const store = await openStore(url);
    try {
      const stats = await store.stats();
      // Opened, and lost since.
      if (stats.bytes === null && stats.fault !== null) throw new AmbitError(stats.fault.code);
      return { backend, version: found, stats, problem: null };
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof AmbitError)) throw error;
    return { backend, version: found, stats: null, problem: { code: error.code, message: error.message } };
  }
}

/** What `status` would call a problem, as `check` says it. */
const problems = async (status: Promise<StateStatus>): Promise<readonly string[]> => {
  const { problem } = await status;
  return problem === null ? [] : [`${problem.message} [${problem.code}]`];
};

function fileOperator(url: string, path: string): StateOperator {
  const load = (): Promise<typeof import('./sqlite/operate.ts')> => import('./sqlite/operate.ts');
  const status = (): Promise<StateStatus> =>
    statusOf(url, 'sqlite', async () => (await load()).fileStatus(path).version);
  return {
    init: async () => {
      if (existsSync(path)) throw new AmbitError('file_exists', `${path}: exists and is not overwritten.`);
      await (await openStore(url)).close();
    },
    status,
    check: async () => {
      const found = (await load()).checkFile(path, systemSeconds());
      return found.length > 0 ? found : problems(status());
    },
    backup: async (to) => (await load()).backupFile(path, to),
    restore: async (from) => (await load()).restoreFile(from, path, systemSeconds()),
    repair: async () => (await load()).repairFile(path, systemSeconds()),
    reset: async () => (await load()).resetFile(path, systemSeconds()),
    migrate: async () => (await load()).migrateFile(path),
  };
}

function redisOperator(url: string, place: RedisPlace): StateOperator {
  type Job = (
    redis: typeof import('./redis.ts'),
    client: Awaited<ReturnType<typeof import('./redis/connect.ts').connectRedis>>,
  ) => Promise<unknown>;
  const on = (job: Job): Promise<void> =>
    withPeer('ioredis', async () => {
      const client = await (await import('./redis/connect.ts')).connectRedis(place);
      try {
        await job(await import('./redis.ts'), client);
      } catch (error) {
        if (error instanceof AmbitError) throw error;
        throw new AmbitError('store_unavailable', undefined, { cause: error });
      } finally {
        client.disconnect();
      }
    });
  const { prefix } = place;
  const restarts = (options?: OperatorOptions): object =>
    options?.restarts === undefined ? {} : { restarts: options.restarts };
  const status = (): Promise<StateStatus> => statusOf(url, 'redis', async () => null);
  return {
    init: (options) => on((redis, client) => redis.initializeRedis(client, { prefix, ...restarts(options) })),
    status,
    check: () => problems(status()),
    backup: byItsOwnTools('A backup of Redis', 'BGSAVE, a copy of the append-only file'),
    restore: byItsOwnTools('Restoring Redis', 'its data directory'),
    repair: async () => false,
    reset: (options) => on((redis, client) => redis.resetRedis(client, { prefix, ...restarts(options) })),
    migrate: async () => {
      throw new AmbitError(
        'input_invalid',
        'Redis keeps rows for minutes and no tables: nothing to migrate.',
      );
    },
  };
}

function postgresOperator(url: string, given: string): StateOperator {
  const on = <T>(
    job: (
      postgres: typeof import('./postgres.ts'),
      place: import('./postgres.ts').PostgresPlace,
    ) => Promise<T>,
  ): Promise<T> =>
    withPeer('pg', async () => {
      const postgres = await import('./postgres.ts');
      return job(postgres, postgres.parsePostgresUrl(given));
    });
  const status = (): Promise<StateStatus> =>
    statusOf(url, 'postgres', () => on((postgres, place) => postgres.postgresVersion(place)));
  return {
    init: (options) =>
      on((postgres, place) => postgres.initializePostgres({ ...place, ...options })).then(() => undefined),
    status,
    check: async () => {
      const found = await on((postgres, place) => postgres.checkPostgres(place));
      return found.length > 0 ? found : problems(status());
    },
    backup: byItsOwnTools('A backup of PostgreSQL', 'pg_basebackup, pg_dump'),
    restore: byItsOwnTools('Restoring PostgreSQL', 'pg_restore, point-in-time recovery'),
    repair: async () => false,
    reset: (options) =>
      on((postgres, place) => postgres.resetPostgres({ ...place, ...options })).then(() => undefined),
    migrate: (options) => on((postgres, place) => postgres.migratePostgres({ ...place, ...options })),
  };
}
