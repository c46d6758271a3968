// What the state behind an authorisation costs: authorisations per second with budgets and replay, for each back
// end, at 1 and at 200 in flight, durable or not, next to the same store driven bare.
//   node bench/dist/state.js [--quick]
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  attenuate,
  parseCall,
  createVerifier,
  Keyring,
  mint,
  prove,
  ProofSession,
  restrict,
  SecretKey,
  signer,
} from '@ambit/core';
import type { Charges } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { createAuthorizer, leasedBudgets, memoryStore, type Authorizer, type Store } from '@ambit/state';
import { initializeRedis, REDIS_OPTIONS, redisStore } from '@ambit/state/redis';
import { openSqlite } from '@ambit/state/sqlite';
import { Redis } from 'ioredis';
import { quantile } from './measure.ts';
import { hasPostgres, postgresBackEnd } from './postgres-server.ts';
import { tableText, type BenchOptions, type Table } from './table.ts';

const AUDIENCE = 'pay.acme.com';
const ISSUER = 'iam.acme.com';
const TOKENS = 50;

/** A store, and the bare increments its rows are compared with: one counter with a limit, `group` at a time. */
interface BackEnd {
  readonly name: string;
  readonly durable: string;
  readonly store: Store;
  readonly bare: (n: number, inflight: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

const must = (ok: boolean): void => {
  if (!ok) throw new Error('bench: a call was denied');
};

/** Runs `step` n times with so many in flight; operations a second. */
async function perSecond(
  n: number,
  inflight: number,
  step: (i: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < n) await step(next++);
  };
  const start = process.hrtime.bigint();
  await Promise.all(Array.from({ length: inflight }, lane));
  return n / (Number(process.hrtime.bigint() - start) / 1e9);
}

function memory(): BackEnd {
  const store = memoryStore({ rows: 10_000_000 });
  const counters = new Map<string, number>();
  const bare = async (n: number): Promise<void> => {
    for (let i = 0; i < n; i++) {
      const key = `c${i % TOKENS}`;
      const used = counters.get(key) ?? 0;
      if (used + 1 <= 1e12) counters.set(key, used + 1);
    }
  };
  return { name: 'memory', durable: 'no', store, bare, close: () => store.close() };
}

type Binding = {
  readonly DatabaseSync: new (path: string) => {
    exec(sql: string): void;
    prepare(sql: string): { run(...values: unknown[]): unknown };
    close(): void;
  };
};

function sqlite(durable: 'full' | 'normal'): BackEnd {
  const folder = mkdtempSync(join(tmpdir(), 'ambit-bench-'));
  const store = openSqlite(join(folder, 'state.db'), { durable });
  // The binding is a dependency of @ambit/state, found from there.
  const fromState = createRequire(fileURLToPath(import.meta.resolve('@ambit/state')));
  const { DatabaseSync } = fromState('@photostructure/sqlite') as Binding;
  const db = new DatabaseSync(join(folder, 'bare.db'));
  db.exec(
    `pragma journal_mode = wal; pragma synchronous = ${durable}; create table c(id text primary key, used integer)`,
  );
  for (let i = 0; i < TOKENS; i++) db.exec(`insert into c values ('c${i}', 0)`);
  const spend = db.prepare('update c set used = used + 1 where id = ? and used < 1e12');
  const bare = async (n: number, inflight: number): Promise<void> => {
    for (let i = 0; i < n; i += inflight) {
      db.exec('begin immediate');
      for (let j = 0; j < inflight; j++) spend.run(`c${(i + j) % TOKENS}`);
      db.exec('commit');
    }
  };
  const close = async (): Promise<void> => {
    db.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    name: 'sqlite',
    durable: durable === 'full' ? 'yes (fsync)' : 'process crash only',
    store,
    bare,
    close,
  };
}

async function redis(durable: boolean): Promise<BackEnd> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const dir = mkdtempSync(join(tmpdir(), 'ambit-bench-'));
  const args = durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : [];
  const server: ChildProcess = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', ...args],
    {
      stdio: 'ignore',
    },
  );
  const kill = (): void => void server.kill('SIGKILL');
  process.once('exit', kill);
  const waiting = new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: 100 });
  waiting.on('error', () => undefined);
  await waiting.ping();
  waiting.disconnect();
  const client = new Redis(port, '127.0.0.1', { ...REDIS_OPTIONS, lazyConnect: true });
  await client.connect();
  await initializeRedis(client);
  const store = await redisStore({ client, timeout: 10_000 });
  const bare = async (n: number, inflight: number): Promise<void> => {
    await perSecond(n, inflight, (i) => client.incrby(`bare${i % TOKENS}`, 1));
  };
  const close = async (): Promise<void> => {
    await store.close();
    client.disconnect();
    const ended = new Promise((resolve) => server.once('exit', resolve));
    kill();
    await ended;
    process.removeListener('exit', kill);
    rmSync(dir, { recursive: true, force: true });
  };
  return {
    name: 'redis, loopback',
    durable: durable ? 'yes (appendfsync always)' : 'no',
    store,
    bare,
    close,
  };
}

/** A text as it comes from a wire: one piece of memory, not the pieces it was made of, which only cost the collector. */
const flat = (text: string): string => Buffer.from(text).toString();

/** Everything an authorisation needs, made before the clock starts. */
async function world(
  store: Store,
  leased: boolean,
): Promise<{
  now: number;
  authorizer: Authorizer;
  session: (n: number) => { token: string; proof: string; call: ReturnType<typeof theCall> }[];
  signed: (n: number) => { token: string; proof: string; call: ReturnType<typeof theCall> }[];
  stop: () => Promise<void>;
}> {
  const now = Math.floor(Date.now() / 1000);
  const keyring = Keyring.create(ISSUER);
  const holder = signer(SecretKey.generate('holder'), nodeProvider);
  const epoch = Uint8Array.from(Buffer.from(await store.replay.epoch(), 'hex'));
  const key = SecretKey.generate('x25519');
  const sessions = leased ? { key } : { key, epoch, shared: true };
  const verifier = createVerifier({
    audience: AUDIENCE,
    keys: keyring.exportFor(AUDIENCE),
    provider: nodeProvider,
    proofSessions: sessions,
  });
  const id = `s-${randomBytes(8).toString('hex')}`;
  await store.sessions.open({ issuer: ISSUER, id, operator: 'acme', expires: now + 3600 }, now);
  const spec = {
    operator: { id: 'acme' },
    model: { id: 'agent-v2.1', digest: new Uint8Array(32).fill(7) },
    session: id,
    user: 'jane@acme.com',
    tools: ['pay'],
    issuedAt: now,
    expires: now + 3600,
    audience: AUDIENCE,
    holder: holder.publicKey,
  };
  const tokens = Array.from({ length: TOKENS }, () =>
    attenuate(
      mint(keyring, spec),
      restrict.calls(1e12),
      restrict.deny('code_exec'),
      restrict.expires(now + 3000),
    ),
  );
  const budgets = leased ? leasedBudgets(store.budgets) : null;
  const authorizer = createAuthorizer({ verifier, store, ...(budgets === null ? {} : { budgets }) });
  const opened = tokens
    .slice(0, 4)
    .map(() => ProofSession.open(verifier.sessionOffer!, { time: now }, holder, nodeProvider));
  const what = theCall();
  return {
    now,
    authorizer,
    session: (n) =>
      Array.from({ length: n }, (_, i) => {
        const token = tokens[i % TOKENS]!;
        return { token, proof: flat(opened[i % opened.length]!.prove(token, what, now)), call: what };
      }),
    signed: (n) =>
      Array.from({ length: n }, (_, i) => {
        const token = tokens[i % TOKENS]!;
        const proof = flat(prove(token, what, { audience: AUDIENCE, time: now }, holder));
        return { token, proof, call: what };
      }),
    stop: async () => budgets?.stop(),
  };
}

function theCall(): Extract<ReturnType<typeof parseCall>, { ok: true }>['call'] {
  const made = parseCall({ tool: 'pay', args: { amount: 5 } });
  if (!made.ok) throw new Error(made.code);
  return made.call;
}

const digest = (): string => randomBytes(32).toString('base64url');

async function measureStore(back: BackEnd, inflight: number, quick: boolean): Promise<number[]> {
  const { store } = back;
  const slow = inflight === 1 && back.durable.startsWith('yes');
  const n = (quick ? 2000 : 10_000) / (slow ? 5 : 1);
  const rounds = quick ? 3 : 7;
  const w = await world(store, false);
  const places = Array.from({ length: TOKENS }, digest);
  const columns: number[][] = [[], [], [], [], []];
  for (let round = 0; round <= rounds; round++) {
    const charged = Array.from({ length: n }, (_, i): Charges => {
      const place = places[i % TOKENS]!;
      const counter = {
        id: place,
        unit: 'calls',
        amount: 1,
        limit: 1e12,
        window: 0,
        step: 0,
        windowStart: 0,
        expires: w.now + 3600,
        caveat: -1,
      } as const;
      return {
        root: place,
        partitionKey: place,
        counters: [counter],
        once: [],
        replay: { id: digest(), from: w.now - 30, expires: w.now + 90, caveat: -1 },
        sequence: null,
      };
    });
    const bySession = w.session(n);
    const signedCount = Math.ceil(n / 4);
    const bySignature = w.signed(signedCount);
    const facts = { now: w.now, data: [], external: true };
    const start = process.hrtime.bigint();
    await back.bare(n, inflight);
    const found = [n / (Number(process.hrtime.bigint() - start) / 1e9)];
    found.push(
      await perSecond(n, inflight, async (i) => must((await store.budgets.reserve(charged[i]!, w.now)).ok)),
    );
    const before = process.cpuUsage();
    found.push(
      await perSecond(n, inflight, async (i) =>
        must((await w.authorizer.authorize({ ...bySession[i]!, facts })).ok),
      ),
    );
    const used = process.cpuUsage(before);
    found.push((used.user + used.system) / n);
    found.push(
      await perSecond(signedCount, inflight, async (i) =>
        must((await w.authorizer.authorize({ ...bySignature[i]!, facts })).ok),
      ),
    );
    // The first round warms up.
    if (round > 0) found.forEach((value, i) => columns[i]!.push(value));
  }
  return columns.map((values) => Math.round(quantile(values, 0.5)));
}

async function measureLeases(back: BackEnd, quick: boolean): Promise<number> {
  const w = await world(back.store, true);
  const n = quick ? 2000 : 20_000;
  const found: number[] = [];
  for (let round = 0; round < 4; round++) {
    const calls = w.session(n);
    const facts = { now: w.now, data: [], external: true };
    found.push(
      await perSecond(n, 1, async (i) => must((await w.authorizer.authorize({ ...calls[i]!, facts })).ok)),
    );
  }
  await w.stop();
  return Math.round(quantile(found.slice(1), 0.5));
}

/** The tables. */
export async function benchState(options: BenchOptions): Promise<Table[]> {
  const quick = options.quick === true;
  const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
  const makers: (() => BackEnd | Promise<BackEnd>)[] = [memory, () => sqlite('full'), () => sqlite('normal')];
  if (hasRedis)
    makers.push(
      () => redis(false),
      () => redis(true),
    );
  if (hasPostgres) makers.push(() => postgresBackEnd(TOKENS, perSecond));
  const rows: (string | number)[][] = [];
  const leases: (string | number)[][] = [];
  for (const make of makers) {
    for (const inflight of [1, 200]) {
      const back = await make();
      try {
        rows.push([back.name, back.durable, inflight, ...(await measureStore(back, inflight, quick))]);
        if (inflight === 1 && !back.durable.startsWith('process'))
          leases.push([back.name, back.durable, await measureLeases(back, quick)]);
      } finally {
        await back.close();
      }
    }
  }
  return [
    {
      title: 'Authorisations per second with budgets and replay',
      notes: [
        'One process. `bare`: guarded increments alone, grouped as many as are in flight. `reserve`: a budget and a',
        'nonce in one atomic step. `session proof`: verify, assess, revocation, session, then budget and sequence number',
        'in the store, and the CPU time of this process for one. `signed proof`: the same with Ed25519 (0.12 ms each) and a nonce. 50 tokens of four caveats.',
        ...(hasRedis ? [] : ['redis-server is not on the PATH: not measured.']),
        ...(hasPostgres ? [] : ['No PostgreSQL server is installed: not measured.']),
      ],
      columns: [
        'back end',
        'durable',
        'in flight',
        'bare /s',
        'reserve /s',
        'session proof /s',
        'its CPU us',
        'signed proof /s',
      ],
      rows,
    },
    {
      title: 'The same with leases: session proofs, windows in the process, 1 in flight',
      notes: ['A slice of an eighth of what is left is spent locally: next to no call asks the store.'],
      columns: ['back end', 'durable', 'session proof /s'],
      rows: leases,
    },
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const table of await benchState({ quick: process.argv.includes('--quick') }))
    console.log(tableText(table));
}
