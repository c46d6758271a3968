// `ambit state` on real servers, as an operator meets it: transcripts (see `transcripts.test.ts`) that find the
// server's URL in $STORE. Without the server they are skipped, and say so.
import { readFileSync } from 'node:fs';
import { afterAll, describe, it } from 'vitest';
import { hasPostgres, startPostgres, stopServers } from '../../state/test/postgres-server.ts';
import { hasRedis, startRedis, stopAll } from '../../state/test/redis-server.ts';
import { runTranscript } from './transcript.ts';

const textOf = (name: string): string =>
  readFileSync(new URL(`./transcripts-of-servers/${name}.txt`, import.meta.url), 'utf8');

describe('transcripts of ambit state on servers', { timeout: 300_000 }, () => {
  afterAll(() => {
    stopAll();
    stopServers();
  });
  it.skipIf(!hasRedis)('redis', async ({ expect }) => {
    const server = await startRedis();
    await runTranscript('redis', textOf('redis'), expect, { STORE: `redis://127.0.0.1:${server.port}` });
    await server.stop();
  });
  it.skipIf(!hasPostgres)('postgres', async ({ expect }) => {
    const server = await startPostgres();
    const STORE = `postgres://postgres@127.0.0.1:${server.port}/postgres?schema=ambit`;
    await runTranscript('postgres', textOf('postgres'), expect, { STORE });
    await server.stop();
  });
});
