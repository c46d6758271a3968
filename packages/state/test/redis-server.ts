// A real redis-server on a free loopback port, for one test file. Nothing of it outlives the test.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { REDIS_OPTIONS } from '../src/redis.ts';

/** Whether redis-server is on the PATH; tests are skipped when not, and say so. */
export const hasRedis: boolean = spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedis)
  console.warn('SKIPPED: redis-server is not on the PATH, so the Redis back end is not tested here.');

/** Whatever happens to the tests, no server outlives them. */
const running = new Set<ChildProcess>();
process.once('exit', () => stopAll());

/** Ends what a failed test has left; for `afterAll`, because a test runner's own workers are killed, not exited. */
export function stopAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

export interface Server {
  readonly port: number;
  readonly child: ChildProcess;
  connect(options?: object): Redis;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Starts a server and waits until it answers. `dir` keeps its files; without one they go with it. */
export async function startRedis(
  args: readonly string[] = ['--save', ''],
  at?: { port?: number; dir?: string },
): Promise<Server> {
  const port = at?.port ?? (await freePort());
  const dir = at?.dir ?? mkdtempSync(join(tmpdir(), 'ambit-redis-'));
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, ...args],
    { stdio: 'ignore' },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  running.add(child);
  child.once('exit', () => running.delete(child));
  const clients: Redis[] = [];
  const connect = (options: object = {}): Redis => {
    const client = new Redis(port, '127.0.0.1', {
      ...REDIS_OPTIONS,
      lazyConnect: true,
      autoResubscribe: false,
      retryStrategy: () => 20,
      ...options,
    });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  for (let i = 0; ; i++) {
    const probe = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => null });
    probe.on('error', () => undefined);
    try {
      await probe.connect();
      if ((await probe.ping()) === 'PONG') break;
    } catch {
      if (i > 200) throw new Error('redis-server does not start');
      await new Promise((resolve) => setTimeout(resolve, 25));
    } finally {
      probe.disconnect();
    }
  }
  const stop = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    for (const client of clients) client.disconnect();
    child.kill(signal);
    await exited;
    if (at?.dir === undefined) rmSync(dir, { recursive: true, force: true });
  };
  return { port, child, connect, stop };
}
