// The four back ends on real storage, for tests that say one thing about all of them. A place is an empty store that
// other connections, and other processes (`worker.ts`), can open too.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { memoryStore, type Store } from '../src/index.ts';
import { initializePostgres, postgresStore, resetPostgres } from '../src/postgres.ts';
import { initializeRedis, redisStore, resetRedis } from '../src/redis.ts';
import { openSqlite } from '../src/sqlite.ts';
import { resetFile } from '../src/sqlite/operate.ts';
import { hasPostgres, startPostgres, stopServers, type PostgresServer } from './postgres-server.ts';
import { hasRedis, startRedis, stopAll, type Server } from './redis-server.ts';
import { NOW } from '../src/testing/make.ts';
import type { Orders } from './worker.ts';

export type BackEndName = 'memory' | 'sqlite' | 'redis' | 'postgres';

export interface Place {
  readonly name: BackEndName;
  /** For workers. */
  readonly orders: Pick<Orders, 'sqlite' | 'redis' | 'postgres'>;
  /** A further store on the same state; the memory store is one and the same. */
  open(): Promise<Store>;
  /** What an operator does after state may have been lost. */
  reset(): Promise<void>;
}

/** Milliseconds that the tests' stores wait, on a busy machine. */
const PATIENCE = 60_000;
const patient = { timeout: PATIENCE, staleAfter: PATIENCE };

function memoryPlace(): Place {
  const store = memoryStore();
  return {
    name: 'memory',
    orders: {},
    open: async () => store,
    reset: () => Promise.reject(new Error('memory is not reset')),
  };
}

function sqlitePlace(folder: string, n: number): Place {
  const sqlite = join(folder, `${n}.db`);
  return {
    name: 'sqlite',
    orders: { sqlite },
    open: async () => openSqlite(sqlite, { timeout: PATIENCE }),
    reset: async () => resetFile(sqlite, NOW),
  };
}

async function redisPlace(server: Server, n: number): Promise<Place> {
  const prefix = `t${n}:`;
  const connect = async (): Promise<ReturnType<Server['connect']>> => {
    const client = server.connect();
    await client.connect();
    return client;
  };
  const client = await connect();
  await initializeRedis(client, { prefix });
  return {
    name: 'redis',
    orders: { redis: { port: server.port, prefix } },
    open: async () =>
      redisStore({ client: await connect(), subscriber: await connect(), prefix, ...patient }),
    reset: async () => void (await resetRedis(client, { prefix, quiet: 0 })),
  };
}

async function postgresPlace(server: PostgresServer, n: number): Promise<Place> {
  const schema = `b${n}`;
  await initializePostgres({ ...server.place, schema });
  return {
    name: 'postgres',
    orders: { postgres: { port: server.port, schema } },
    open: () => postgresStore({ ...server.place, schema, ...patient }),
    reset: async () => void (await resetPostgres({ ...server.place, schema, quiet: 0 })),
  };
}

/** Describes `tests` for each back end that is installed here; each call of `at` makes an empty place. */
export function onEach(
  names: readonly BackEndName[],
  tests: (name: BackEndName, at: () => Promise<Place>) => void,
): void {
  let n = 0;
  for (const name of names) {
    const missing = (name === 'redis' && !hasRedis) || (name === 'postgres' && !hasPostgres);
    describe.skipIf(missing)(name, () => {
      let folder: string;
      let redis: Server;
      let postgres: PostgresServer;
      beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), 'ambit-backends-'));
        if (name === 'redis') redis = await startRedis();
        if (name === 'postgres') postgres = await startPostgres();
      });
      afterAll(async () => {
        if (name === 'redis') await redis.stop();
        if (name === 'postgres') await postgres.stop();
        stopAll();
        stopServers();
        rmSync(folder, { recursive: true, force: true });
      });
      tests(name, async () => {
        if (name === 'memory') return memoryPlace();
        if (name === 'sqlite') return sqlitePlace(folder, n++);
        return name === 'redis' ? redisPlace(redis, n++) : postgresPlace(postgres, n++);
      });
    });
  }
}
