// A long list of revocations, put on a server from behind as an import of years has left it: users u1 to uN of `acme`.
import { Redis } from 'ioredis';
import pg from 'pg';
import { postgresStore } from '../src/postgres.ts';
import { redisStore, REDIS_OPTIONS } from '../src/redis.ts';
import type { Store } from '../src/index.ts';
import type { Place } from './backends.ts';

const FILL = `
  local p, time, ends = KEYS[1], ARGV[3], ARGV[4]
  for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
    local expires = ends ~= '' and ',"expires":' .. ends or ''
    local json = string.format('{"kind":"user","value":"u%d","reason":"left","issuer":"acme"%s,"time":%s}', i, expires, time)
    redis.call('ZADD', p .. '{rev}list', i, i .. ' ' .. json)
    if ends ~= '' then redis.call('ZADD', p .. '{rev}expiries', ends, i) end
  end
  redis.call('SET', p .. '{rev}number', ARGV[2])`;

/** Entries that one script adds: a script that takes seconds stops the server for others. */
const AT_ONCE = 50_000;

export const adminOf = (place: Place): Redis => {
  const admin = new Redis(place.orders.redis!.port, '127.0.0.1');
  return admin.on('error', () => undefined);
};

export async function postgresOf<T>(place: Place, job: (client: pg.Client) => Promise<T>): Promise<T> {
  const { port } = place.orders.postgres!;
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  await client.connect();
  try {
    return await job(client);
  } finally {
    await client.end();
  }
}

/** Entries from + 1 to `to`, of `time`, which end at `ends` (Unix seconds) or never. */
export async function fill(
  place: Place,
  from: number,
  to: number,
  time: number,
  ends?: number,
): Promise<void> {
  if (place.name === 'redis') {
    const admin = adminOf(place);
    for (let at = from; at < to; at += AT_ONCE)
      await admin.eval(
        FILL,
        1,
        place.orders.redis!.prefix,
        at + 1,
        Math.min(at + AT_ONCE, to),
        time,
        ends ?? '',
      );
    admin.disconnect();
    return;
  }
  const { schema } = place.orders.postgres!;
  await postgresOf(place, async (client) => {
    await client.query(
      `insert into ${schema}.revocations
         select i, 'user', 'acme', 'u' || i, 'left', ${time}, ${ends ?? 'null'} from generate_series(${from + 1}, ${to}) i`,
    );
    await client.query(`update ${schema}.meta set revoked = ${to}`);
  });
}

/** A client that is connected as the README says, by way of another port or not. */
export async function connected(place: Place, port: number = place.orders.redis!.port): Promise<Redis> {
  const client = new Redis(port, '127.0.0.1', {
    ...REDIS_OPTIONS,
    ...{ lazyConnect: true, autoResubscribe: false, retryStrategy: () => null },
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** A store on the same state by way of another port. */
export async function openBy(
  place: Place,
  port: number,
  more: { timeout?: number; poll?: number; staleAfter?: number },
): Promise<Store> {
  if (place.name === 'postgres')
    return postgresStore({
      hosts: [{ host: '127.0.0.1', port }],
      ...{ user: 'postgres', database: 'postgres', schema: place.orders.postgres!.schema },
      ...more,
    });
  return redisStore({
    ...{
      client: await connected(place, port),
      subscriber: await connected(place, port),
      prefix: place.orders.redis!.prefix,
    },
    ...more,
  });
}
