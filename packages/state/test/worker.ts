// The other process of the races: bundled from source by `processes.ts` and started with node.
import { writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Redis } from 'ioredis';
import type { Store } from '../src/index.ts';
import { postgresStore } from '../src/postgres.ts';
import { REDIS_OPTIONS, redisStore } from '../src/redis.ts';
import { openSqlite } from '../src/sqlite.ts';
import { play } from './histories.ts';
import { NOW, charges, counter, fresh, rate, proofClaim } from '../src/testing/make.ts';
import { storeSeconds } from './store-seconds.ts';

export interface Orders {
  readonly work:
    | 'spend'
    | 'write'
    | 'tree'
    | 'refuse'
    | 'revoke'
    | 'once'
    | 'ledger'
    | 'slide'
    | 'minute'
    | 'histories'
    | 'begin';
  readonly sqlite?: string;
  readonly redis?: { readonly port: number; readonly prefix: string };
  readonly postgres?: { readonly port: number; readonly schema: string };
  readonly n: number;
  readonly inflight: number;
  readonly limit: number;
  readonly name: string;
  /** Whose name is revoked; default acme. */
  readonly issuer?: string;
  /** Histories: the first, the milliseconds between two, this client's number, and the time that counts. */
  readonly first?: number;
  readonly gap?: number;
  readonly client?: number;
  readonly now?: number;
  /** Milliseconds to stay after a revocation was acknowledged. */
  readonly stay?: number;
}

const say = (value: unknown): void => void writeSync(1, `${JSON.stringify(value)}\n`);

async function open(orders: Orders): Promise<Store> {
  if (orders.sqlite !== undefined) return openSqlite(orders.sqlite, { timeout: 60_000 });
  if (orders.postgres !== undefined) {
    const { port, schema } = orders.postgres;
    const place = { hosts: [{ host: '127.0.0.1', port }], user: 'postgres', database: 'postgres', schema };
    return postgresStore({ ...place, timeout: 60_000 });
  }
  const { port, prefix } = orders.redis!;
  const client = new Redis(port, '127.0.0.1', { ...REDIS_OPTIONS, lazyConnect: true });
  const subscriber = new Redis(port, '127.0.0.1', { lazyConnect: true, autoResubscribe: false });
  client.on('error', () => undefined);
  subscriber.on('error', () => undefined);
  await Promise.all([client.connect(), subscriber.connect()]);
  return redisStore({ client, subscriber, prefix, timeout: 60_000 });
}

/** Under a nemesis: a connection may be cut while it is made. */
async function openAtLast(orders: Orders): Promise<Store> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await open(orders);
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function parallel(orders: Orders, step: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < orders.n) await step(next++);
  };
  await Promise.all(Array.from({ length: orders.inflight }, lane));
}

/** How long a verifier takes to begin, what it holds then, and its first answers about users: `u1`, `name`, nobody. */
async function begin(orders: Orders): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  const before = process.memoryUsage().heapUsed;
  const from = performance.now();
  const store = await open(orders);
  const opened = performance.now();
  const codes: string[] = [];
  for (const user of ['u1', orders.name, 'nobody']) {
    const about = { issuer: 'acme', token: 't', key: 'k', user, nodes: [], holders: [] };
    const answer = await (store.revocations.ask?.(about) ?? store.revocations.isRevoked(about));
    codes.push(answer.ok ? 'ok' : answer.code);
  }
  const answered = performance.now();
  const peak = process.memoryUsage().heapUsed - before;
  gc();
  const kept = process.memoryUsage().heapUsed - before;
  say({ codes, ms: opened - from, answers: (answered - opened) / 3, kept: kept / 1e6, peak: peak / 1e6 });
  process.exit(0);
}

async function main(orders: Orders): Promise<void> {
  if (orders.work === 'begin') return begin(orders);
  const store = orders.work === 'histories' ? await openAtLast(orders) : await open(orders);
  say('ready');
  await new Promise<void>((resolve) => process.stdin.once('data', () => resolve()));
  const tally: Record<string, number> = { granted: 0 };
  const count = (answer: { ok: boolean; code?: string }): void => {
    const key = answer.ok ? 'granted' : answer.code!;
    tally[key] = (tally[key] ?? 0) + 1;
  };
  if (orders.work === 'spend') {
    const c = charges([counter(orders.name, 1, orders.limit)]);
    await parallel(orders, async () => count(await store.budgets.reserve(c, NOW)));
  } else if (orders.work === 'slide') {
    // A day's window by the real time: the race ends long before any step of it does.
    await parallel(orders, async () => {
      const now = storeSeconds(orders);
      const c = rate(orders.name, 1, orders.limit, 86_400, now, { expires: now + 90_000 });
      count(await store.budgets.reserve(charges([c]), now));
    });
  } else if (orders.work === 'minute') {
    // As fast as it goes for `n` milliseconds; one line for each grant: when it was asked for, and answered.
    const end = Date.now() + orders.n;
    while (Date.now() < end) {
      const asked = Date.now();
      const now = storeSeconds(orders);
      const c = rate(orders.name, 1, orders.limit, 2, now, { expires: now + 3600 });
      const answer = await store.budgets.reserve(charges([c]), now);
      count(answer);
      if (answer.ok) say([asked, Date.now()]);
    }
  } else if (orders.work === 'ledger') {
    const { ledger } = openSqlite(orders.sqlite!, { timeout: 60_000 });
    const c = charges([counter(orders.name, 1, orders.limit)]);
    for (let i = 0; i < orders.n; i++) count(ledger.apply(c, NOW));
  } else if (orders.work === 'once') {
    await parallel(orders, async (i) => {
      const replay = proofClaim(`${orders.name} ${i}`, NOW + 90);
      count(await store.budgets.reserve(charges([], { replay }), NOW));
    });
  } else if (orders.work === 'tree') {
    // 1 + 10 + 100 tokens: a leaf charges itself, its parent and the root.
    await parallel(orders, async (i) => {
      const leaf = (i * 7919 + process.pid) % 100;
      const c = charges([
        counter(`${orders.name} root`, 1, orders.limit),
        counter(`${orders.name} middle ${leaf % 10}`, 1, Math.floor(orders.limit / 8), { caveat: 0 }),
        counter(`${orders.name} leaf ${leaf}`, 1, Math.floor(orders.limit / 50), { caveat: 2 }),
      ]);
      const answer = await store.budgets.reserve(c, NOW);
      count(answer);
      if (answer.ok)
        for (const each of [`leaf ${leaf}`, `middle ${leaf % 10}`]) tally[each] = (tally[each] ?? 0) + 1;
    });
  } else if (orders.work === 'write') {
    // Killed at any moment: one line for each acknowledged spend, written before the next is asked for.
    await parallel(orders, async () => {
      const replay = proofClaim(fresh(), NOW + 90);
      const answer = await store.budgets.reserve(
        charges([counter(orders.name, 1, orders.limit)], { replay }),
        NOW,
      );
      say(answer.ok ? 1 : answer.code);
    });
  } else if (orders.work === 'histories') {
    const { first = 0, gap = 0, client = 0, now = NOW } = orders;
    const began = performance.now();
    for (let k = first; k < first + orders.n; k++) {
      // Together with the other clients, as far as the machine lets them.
      const wait = began + (k - first) * gap - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const name = `${orders.name} ${k}`;
      await play(store, name, k * 64 + client, 6, now, (step) => say({ k, step }));
    }
  } else if (orders.work === 'refuse') {
    const subject = { issuer: 'acme', token: 't', key: 'k', user: orders.name, nodes: [], holders: [] };
    while (store.revocations.isRevoked(subject).ok) await new Promise((resolve) => setImmediate(resolve));
    say(process.hrtime.bigint().toString());
  } else {
    const { name: value, issuer = 'acme' } = orders;
    const entry = { kind: 'user', issuer, value, reason: 'test' } as const;
    const before = process.hrtime.bigint().toString();
    await store.revocations.add(entry, NOW);
    say(before);
    say(process.hrtime.bigint().toString());
    await new Promise((resolve) => setTimeout(resolve, orders.stay ?? 0));
  }
  say(tally);
  await store.close();
  process.exit(0);
}

await main(JSON.parse(process.argv[2]!) as Orders);
