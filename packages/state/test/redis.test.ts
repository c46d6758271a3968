// The Redis back end against real servers: the common laws, then what only Redis can do wrong.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { initialiseRedis, redisStore, resetRedis } from '../src/redis.ts';
import { conformance } from './conformance.ts';
import { hasRedis, startRedis, type Server } from './redis-server.ts';
import { NOW, charges, counter } from './make.ts';

describe.skipIf(!hasRedis)('with redis-server', () => {
  let server: Server;
  let n = 0;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  conformance('redis', async (_clock, rowsPerToken) => {
    const client = server.connect();
    const subscriber = server.connect();
    await Promise.all([client.connect(), subscriber.connect()]);
    const prefix = `t${n++}:`;
    await initialiseRedis(client, { prefix });
    return redisStore({
      client,
      subscriber,
      prefix,
      ...(rowsPerToken === undefined ? {} : { rowsPerToken }),
    });
  });
});
