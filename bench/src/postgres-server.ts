// A PostgreSQL cluster of its own for one measurement, from Debian's package; as root it runs as the user `postgres`.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initializePostgres, postgresStore } from '@ambit/state/postgres';
import type { Store } from '@ambit/state';
import pg from 'pg';

const BASE = '/usr/lib/postgresql';
const bin = existsSync(BASE)
  ? readdirSync(BASE)
      .toSorted((a, b) => Number(b) - Number(a))
      .map((version) => join(BASE, version, 'bin'))
      .find((folder) => existsSync(join(folder, 'initdb')))
  : undefined;
const idOf = (flag: string): number =>
  Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout.trim() || NaN);
const user = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};

/** Whether a server can be started here. */
export const hasPostgres: boolean =
  bin !== undefined && (user.uid === undefined || Number.isInteger(user.uid));

/** Starts one with the defaults of `initdb`; `stop` ends it and removes its folder. */
async function startPostgres(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const folder = mkdtempSync(join(tmpdir(), 'ambit-bench-'));
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const how = { stdio: 'pipe', cwd: '/', ...user } as const;
  execFileSync(join(bin!, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres', '-k', '-N'], how);
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_wal_size=4GB',
  ].flatMap((each) => ['-c', each]);
  const server = spawn(join(bin!, 'postgres'), ['-D', data, ...settings], {
    ...how,
    stdio: 'ignore',
  });
  const kill = (): void => void server.kill('SIGQUIT');
  process.once('exit', kill);
  for (let i = 0; ; i++) {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      break;
    } catch (error) {
      if (i > 400) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    kill();
    await ended;
    process.removeListener('exit', kill);
    rmSync(folder, { recursive: true, force: true });
  };
  return { port, stop };
}

/** Connections of the bare driver: it has no groups, so more of them are what it has instead. */
const BARE_CONNECTIONS = 8;

/** The store, and bare guarded increments of `tokens` rows, driven by `perSecond`. */
export async function postgresBackEnd(
  tokens: number,
  perSecond: (n: number, inflight: number, step: (i: number) => Promise<unknown>) => Promise<number>,
): Promise<{
  readonly name: string;
  readonly durable: string;
  readonly store: Store;
  readonly bare: (n: number, inflight: number) => Promise<void>;
  readonly close: () => Promise<void>;
}> {
  const server = await startPostgres();
  const at = { host: '127.0.0.1', port: server.port };
  const who = { user: 'postgres', database: 'postgres' };
  await initializePostgres({ hosts: [at], ...who });
  const store = await postgresStore({ hosts: [at], ...who, timeout: 10_000 });
  const clients = Array.from({ length: BARE_CONNECTIONS }, () => new pg.Client({ ...at, ...who }));
  await Promise.all(clients.map((client) => client.connect()));
  await clients[0]!.query('create table bare(id text primary key, used bigint) with (fillfactor = 60)');
  for (let i = 0; i < tokens; i++) await clients[0]!.query('insert into bare values ($1, 0)', [`c${i}`]);
  const text = 'update bare set used = used + 1 where id = $1 and used < 1e12';
  const bare = async (n: number, inflight: number): Promise<void> => {
    // A client runs one statement at a time: as many are in flight as there are clients.
    const free = [...clients];
    await perSecond(n, Math.min(inflight, BARE_CONNECTIONS), async (i) => {
      const client = free.pop()!;
      await client.query({ name: 'bare', text, values: [`c${i % tokens}`] });
      free.push(client);
    });
  };
  const close = async (): Promise<void> => {
    await store.close();
    await Promise.all(clients.map((client) => client.end()));
    await server.stop();
  };
  return { name: 'postgres, loopback', durable: 'yes (commit flushed)', store, bare, close };
}
