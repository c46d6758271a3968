// Real PostgreSQL servers on a loopback port for one test file, from Debian's packages. They refuse to run as root, so
// as root they run as the user `postgres`. Nothing of them outlives the test.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { PostgresPlace } from '../src/postgres.ts';
import { freePort } from './redis-server.ts';

const BASE = '/usr/lib/postgresql';
/** The binaries of the newest server installed, or null. */
const bin: string | null = existsSync(BASE)
  ? (readdirSync(BASE)
      .toSorted((a, b) => Number(b) - Number(a))
      .map((version) => join(BASE, version, 'bin'))
      .find((folder) => existsSync(join(folder, 'initdb'))) ?? null)
  : null;

const asRoot = process.getuid?.() === 0;
const idOf = (flag: string): number =>
  Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout.trim() || NaN);
const user = asRoot ? { uid: idOf('-u'), gid: idOf('-g') } : {};

/** Whether servers can be started here; tests are skipped when not, and say so. */
export const hasPostgres: boolean = bin !== null && (!asRoot || Number.isInteger(user.uid));
if (!hasPostgres)
  console.warn(`SKIPPED: no server under ${BASE} (or no user postgres), so PostgreSQL is not tested here.`);

/** Whatever happens to the tests, no server outlives them. */
const running = new Set<ChildProcess>();
process.once('exit', () => stopServers());

/** Ends what a failed test has left; for `afterAll`, because a test runner's own workers are killed, not exited. */
export function stopServers(): void {
  for (const child of running) child.kill('SIGQUIT');
}

export interface PostgresServer {
  readonly port: number;
  readonly folder: string;
  readonly place: PostgresPlace;
  /** The postmaster now. */
  readonly child: ChildProcess;
  /** A superuser's connection; ended by `stop`. */
  admin(): Promise<pg.Client>;
  /** Adds lines to the configuration; `reload` or `restart` makes them count. */
  configure(lines: string): void;
  reload(): void;
  start(): Promise<void>;
  /** Ends the postmaster and waits for it; the folder stays. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Makes a standby the primary. */
  promote(): Promise<void>;
  /** Replaces one subfolder by another's files, while it is stopped. */
  copyData(from: string, to: string): void;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

const run = (program: string, args: readonly string[]): void => {
  execFileSync(join(bin!, program), args, { stdio: 'pipe', cwd: '/', ...user });
};

/** A new cluster, or with `copyOf` a standby of a running one. */
export async function startPostgres(lines = '', copyOf?: PostgresServer): Promise<PostgresServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'ambit-postgres-'));
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  if (copyOf === undefined) {
    run('initdb', ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C', '-k', '-N']);
  } else {
    const from = `host=127.0.0.1 port=${copyOf.port} user=postgres application_name=s${port}`;
    run('pg_basebackup', ['-D', data, '-d', from, '-R', '-X', 'stream', '-c', 'fast', '-N']);
  }
  const clients: pg.Client[] = [];
  let child: ChildProcess;
  let exited: Promise<void>;
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const server = {
    port,
    folder,
    place: { hosts: [{ host: '127.0.0.1', port }], user: 'postgres', database: 'postgres' },
    get child() {
      return child;
    },
    admin: async () => {
      const client = await connect();
      clients.push(client);
      return client;
    },
    configure: (more: string) => {
      writeFileSync(join(data, 'postgresql.auto.conf'), `${more}\n`, { flag: 'a' });
    },
    reload: () => void child.kill('SIGHUP'),
    start: async () => {
      child = spawn(join(bin!, 'postgres'), ['-D', data], { stdio: 'ignore', cwd: '/', ...user });
      const started = child;
      running.add(started);
      exited = new Promise((resolve) =>
        started.once('exit', () => {
          running.delete(started);
          resolve();
        }),
      );
      for (let i = 0; ; i++) {
        try {
          await (await connect()).end();
          return;
        } catch {
          if (i > 400) throw new Error('postgres does not start');
          await new Promise((resolve) => setTimeout(resolve, 25));
        }
      }
    },
    kill: async (signal: NodeJS.Signals = 'SIGKILL') => {
      child.kill(signal);
      await exited;
    },
    promote: async () => {
      const client = await connect();
      await client.query('select pg_promote(true, 30)');
      await client.end();
    },
    copyData: (from: string, to: string) => {
      rmSync(join(folder, to), { recursive: true, force: true });
      execFileSync('cp', ['-a', join(folder, from), join(folder, to)]);
    },
    stop: async () => {
      for (const client of clients) await client.end().catch(() => undefined);
      child.kill('SIGQUIT');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  server.configure(
    `port = ${port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nlogging_collector = off\n${lines}`,
  );
  await server.start();
  return server;
}
