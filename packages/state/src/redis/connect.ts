// The ioredis clients that a URL asks for: a single server, a Cluster, or a master that Sentinels watch. A socket
// that is silent while a command waits is replaced, and what a connection is told to do is not repeated.
import { readFileSync } from 'node:fs';
import { AmbitError } from '@ambit/core';
import { Cluster, Redis } from 'ioredis';
import { REDIS_OPTIONS, redisStore } from '../redis.ts';
import type { Store } from '../store.ts';
import type { RedisPlace } from '../url.ts';

/** Milliseconds without a byte after which a connection that waits for an answer is replaced. */
const SILENT = 2000;

/** The options that ioredis is given for one connection. */
function options(place: RedisPlace): object {
  return {
    ...REDIS_OPTIONS,
    // ioredis would choose the shard of a pipeline by the script's name.
    enableAutoPipelining: place.mode !== 'cluster',
    lazyConnect: true,
    connectTimeout: SILENT,
    socketTimeout: SILENT,
    ...(place.username === null ? {} : { username: place.username }),
    ...(place.password === null ? {} : { password: place.password }),
    ...(place.tls ? { tls: place.ca === null ? {} : { ca: readFileSync(place.ca) } } : {}),
    ...(place.mode === 'cluster' ? {} : { db: place.database }),
  };
}

/** A connected client; AmbitError `store_unavailable`. `more` goes over the options. */
export async function connectRedis(place: RedisPlace, more: object = {}): Promise<Redis | Cluster> {
  const each = { ...options(place), ...more };
  const client =
    place.mode === 'cluster'
      ? new Cluster([...place.servers], { lazyConnect: true, redisOptions: each })
      : place.mode === 'sentinel'
        ? new Redis({ ...each, sentinels: [...place.servers], name: place.master! })
        : new Redis({ ...each, ...place.servers[0] });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.disconnect();
    throw new AmbitError('store_unavailable', undefined, { cause: error });
  }
}

/** Opens the store, with a second connection for the push of revocations; closing it closes both. */
export async function openRedis(
  place: RedisPlace,
  more: { readonly rowsPerToken?: number; readonly timeout?: number },
): Promise<Store> {
  const client = await connectRedis(place);
  // A subscriber waits for messages, not for answers; `Subscription` subscribes again when it comes back.
  const subscriber = await connectRedis(place, {
    socketTimeout: undefined,
    enableOfflineQueue: true,
    autoResubscribe: false,
  });
  const end = (): void => {
    client.disconnect();
    subscriber.disconnect();
  };
  try {
    const store = await redisStore({ client, subscriber, prefix: place.prefix, ...more });
    return {
      ...store,
      close: async () => {
        await store.close();
        end();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}
