// One setting for all back ends, and what an operator does to a state file: versions, copies, faults.
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { build } from 'esbuild';
import { afterAll, describe, expect, test } from 'vitest';
import { observeStore, type Store, type StoreMeter } from '../src/index.ts';
import { openStore } from '../src/open.ts';
import { operatorOf } from '../src/operator.ts';
import { openSqlite } from '../src/sqlite.ts';
import { Connection, type Value } from '../src/sqlite/binding.ts';
import { SCHEMA_VERSION } from '../src/sqlite/schema.ts';
import { sumOf } from '../src/sqlite/sums.ts';
import { charges, claim, counter, id, numbered, proofClaim, rate } from '../src/testing.ts';
import { parseStoreUrl, withoutPassword } from '../src/url.ts';

const folder = mkdtempSync(join(tmpdir(), 'ambit-operator-'));
afterAll(() => rmSync(folder, { recursive: true }));
let n = 0;
const fresh = (): string => join(folder, `${n++}.db`);
const now = Math.floor(Date.now() / 1000);
const code = (answer: { ok: boolean; code?: string }): string => (answer.ok ? 'ok' : answer.code!);
const spend = async (store: Store, amount: number, limit = 100, nonce?: string): Promise<string> =>
  code(
    await store.budgets.reserve(
      charges([counter('spent', amount, limit, { expires: now + 3600 })], {
        replay: nonce === undefined ? null : proofClaim(nonce, now + 60, now),
      }),
      now,
    ),
  );

describe('the URL of a store', () => {
  test.each([
    ['memory:', { kind: 'memory' }],
    ['file:/var/lib/a%20b.db', { kind: 'sqlite', path: '/var/lib/a b.db' }],
    ['file:///var/lib/s.db', { kind: 'sqlite', path: '/var/lib/s.db' }],
    ['file:s.db', { kind: 'sqlite', path: 's.db' }],
    ['postgres://u@a,b:1/d', { kind: 'postgres', url: 'postgres://u@a,b:1/d' }],
    [
      'redis://h',
      {
        mode: 'single',
        tls: false,
        servers: [{ host: 'h', port: 6379 }],
        database: 0,
        password: null,
        prefix: 'ambit:',
      },
    ],
    [
      'rediss://u:p%3Aq%40r@[::1]:7/3?ca=/ca.pem&prefix=x:',
      {
        tls: true,
        servers: [{ host: '::1', port: 7 }],
        database: 3,
        username: 'u',
        password: 'p:q@r',
        ca: '/ca.pem',
        prefix: 'x:',
      },
    ],
    [
      'redis+cluster://a:1,b',
      {
        mode: 'cluster',
        servers: [
          { host: 'a', port: 1 },
          { host: 'b', port: 6379 },
        ],
      },
    ],
    [
      'redis+sentinel://:p@a,b:2/main/4',
      {
        mode: 'sentinel',
        master: 'main',
        database: 4,
        username: null,
        password: 'p',
        servers: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 2 },
        ],
      },
    ],
  ])('%s', (url, expected) => {
    expect(parseStoreUrl(url)).toMatchObject(expected);
  });

  test.each([
    '',
    'state.db',
    'http://secret@h',
    'file:',
    'redis://',
    'redis://secret@a,b',
    'redis://secret@h:x',
    'redis://secret@h/one',
    'redis://secret@h?pool=3',
    'redis+cluster://secret@h/1',
    'redis+sentinel://secret@h',
  ])('L12 %s is refused, and nothing of it is repeated', (url) => {
    const attempt = (): unknown => parseStoreUrl(url);
    expect(attempt).toThrow(expect.objectContaining({ code: 'input_invalid' }));
    expect(attempt).not.toThrow(/secret/);
  });

  test('L12 a password is not shown', async () => {
    expect(withoutPassword('redis://u:p%40q@h:1/2')).toBe('redis://u@h:1/2');
    expect(withoutPassword('postgres://u:p@a,b/d')).toBe('postgres://u@a,b/d');
    const error = await openStore('redis://u:secret@127.0.0.1:1').catch((e: unknown) => e as Error);
    expect(error).toMatchObject({ code: 'store_unavailable' });
    expect(String(error)).toContain('redis://u@127.0.0.1:1');
    expect(String(error)).not.toContain('secret');
  });

  test('no driver is loaded before it is asked for', async () => {
    const source = fileURLToPath(new URL('../src/', import.meta.url));
    const built = await build({
      entryPoints: [join(source, 'open.ts'), join(source, 'operator.ts'), join(source, 'index.ts')],
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      outdir: join(folder, 'bundle'),
      write: false,
      metafile: true,
      conditions: ['@ambit/source'],
      external: ['ioredis', 'pg', '@photostructure/sqlite'],
      logLevel: 'silent',
    });
    const reached = new Set<string>();
    const walk = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      for (const each of built.metafile.inputs[path]?.imports ?? [])
        if (each.kind === 'import-statement') walk(each.external === true ? each.path : each.path);
    };
    for (const entry of Object.keys(built.metafile.inputs).filter((path) =>
      /src\/(open|operator|index)\.ts$/.test(path),
    ))
      walk(entry);
    expect([...reached].some((path) => path.endsWith('memory.ts'))).toBe(true);
    expect(
      [...reached].filter((path) => /ioredis|^pg$|photostructure|sqlite|redis|postgres\./.test(path)),
    ).toEqual([]);
  });
});

describe('a state file', () => {
  test('is made once, looked at, and found sound', async () => {
    const path = fresh();
    const operator = operatorOf(`file:${path}`);
    await operator.init();
    expect(statSync(path).mode & 0o077).toBe(0);
    await expect(operator.init()).rejects.toMatchObject({ code: 'file_exists' });
    const store = await openStore(`file:${path}`);
    expect(await spend(store, 60)).toBe('ok');
    expect(await spend(store, 60)).toBe('budget_exceeded');
    expect(await store.stats()).toMatchObject({
      backend: 'sqlite',
      granted: 1,
      refused: { budget_exceeded: 1 },
      fault: null,
      rows: { counters: 1, nonces: 0 },
    });
    expect((await store.stats()).logBytes).toBeGreaterThan(0);
    await store.close();
    expect(await operator.status()).toMatchObject({
      backend: 'sqlite',
      version: SCHEMA_VERSION,
      problem: null,
    });
    expect(await operator.check()).toEqual([]);
    await expect(operatorOf(`file:${fresh()}`).check()).rejects.toMatchObject({ code: 'file_missing' });
  });

  test('of version 1, as it was written before, is refused, migrated, and holds what it held', async () => {
    const path = fresh();
    const packed = readFileSync(new URL('./fixtures/state-v1.db.gz', import.meta.url));
    writeFileSync(path, gunzipSync(packed));
    const operator = operatorOf(`file:${path}`);
    await expect(openStore(`file:${path}`)).rejects.toMatchObject({
      code: 'store_corrupt',
      message: expect.stringContaining('ambit state migrate') as string,
    });
    expect(await operator.status()).toMatchObject({ version: 1, problem: { code: 'store_corrupt' } });
    expect(await operator.migrate()).toBe(1);
    expect(await operator.migrate()).toBe(SCHEMA_VERSION);
    // What `openSqlite` of version 1 wrote: 30 of 100 spent, 5 of 10, claims, a window, sessions, revocations.
    const at = 1_900_000_000;
    const store = openSqlite(path, { nowSeconds: () => at });
    const later = at + 86_400;
    const kept = { expires: later };
    const left = await store.budgets.left(
      id('root'),
      [counter('a', 0, 100, kept), counter('b', 0, 10, kept)],
      at,
    );
    expect(left).toEqual([70, 5]);
    expect(await store.replay.epoch()).toBe('1c4ec239a4477ac6f2466773dc41f3ed');
    const again = async (more: Parameters<typeof charges>[1]): Promise<string> =>
      code(await store.budgets.reserve(charges([], more), at));
    expect(await again({ once: [claim('once', 2, later)] })).toBe('once_used');
    expect(await again({ replay: proofClaim('nonce', at + 90) })).toBe('replayed');
    expect(await again({ sequence: await numbered(store, 'window', 7, later) })).toBe('replayed');
    expect(await again({ sequence: await numbered(store, 'window', 8, later) })).toBe('ok');
    expect(await store.sessions.check('acme', 'open', at)).toMatchObject({
      ok: true,
      session: { user: 'jane' },
    });
    expect(await store.sessions.check('acme', 'closed', at)).toMatchObject({ code: 'session_closed' });
    expect((await store.revocations.since(0)).entries.map((e) => [e.kind, e.value])).toEqual([
      ['session', 'closed'],
      ['user', 'joe'],
    ]);
    const input = { issuer: 'acme', id: 'new', operator: 'op', expires: later };
    expect(await store.sessions.open(input, at)).toMatchObject({ id: 'new' });
    await store.close();
    // Until the day of that time has come.
    const ahead = now < at ? [expect.stringContaining('clock') as string] : [];
    expect(await operator.check()).toEqual(ahead);
  });

  test('of version 3, without sliding windows, is refused, migrated, and takes them then', async () => {
    const path = fresh();
    const first = await openStore(`file:${path}`);
    expect(await spend(first, 30)).toBe('ok');
    await first.close();
    const db = new Connection(path);
    const rows = db.prepare('select id, start, used, expires, root from counters').all() as Value[][];
    expect(rows).toHaveLength(1);
    db.exec('drop index counters_root');
    db.exec('alter table counters drop column steps');
    for (const row of rows) db.prepare('update counters set sum = ? where id = ?').run(sumOf(row), row[0]!);
    db.exec("update meta set value = '3' where key = 'version'");
    db.close();
    const operator = operatorOf(`file:${path}`);
    await expect(openStore(`file:${path}`)).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(await operator.migrate()).toBe(3);
    expect(await operator.check()).toEqual([]);
    const store = await openStore(`file:${path}`);
    expect(await store.budgets.left(id('root'), [counter('spent', 0, 100)], now)).toEqual([70]);
    const sliding = charges([rate('rate', 1, 1, 60, now, { expires: now + 3600 })]);
    expect(code(await store.budgets.reserve(sliding, now))).toBe('ok');
    expect(code(await store.budgets.reserve(sliding, now))).toBe('budget_exceeded');
    await store.close();
    expect(await operator.check()).toEqual([]);
  });

  test('S11 a backup has what was acknowledged, log and all; a copy is put back for a damaged file alone', async () => {
    const path = fresh();
    const copy = fresh();
    const store = await openStore(`file:${path}`);
    const operator = operatorOf(`file:${path}`);
    for (let i = 0; i < 5; i++) expect(await spend(store, 10, 100, `before ${i}`)).toBe('ok');
    const epoch = await store.replay.epoch();
    await operator.backup(copy);
    expect(statSync(copy).mode & 0o077).toBe(0);
    await expect(operator.backup(copy)).rejects.toMatchObject({ code: 'file_exists' });
    expect(await spend(store, 10, 100, 'after')).toBe('ok');
    await store.close();
    await expect(operator.restore(copy)).rejects.toMatchObject({ code: 'file_exists' });
    truncateSync(path, 5000);
    expect((await operator.check()).length).toBeGreaterThan(0);
    await operator.restore(copy);
    expect(existsSync(`${path}.restoring`)).toBe(false);
    expect(await operator.check()).toEqual([]);
    const again = await openStore(`file:${path}`);
    // Five were spent in the copy; a proof used since then is not good again, and tickets are of another epoch.
    expect(await spend(again, 60)).toBe('budget_exceeded');
    expect(await spend(again, 10, 100, 'after')).toBe('store_unavailable');
    expect(await again.replay.epoch()).not.toBe(epoch);
    expect(await spend(again, 50)).toBe('ok');
    await again.close();
  });

  test('S1 a file that was swept by a clock ahead is told and repaired, and no proof of before is good again', async () => {
    const path = fresh();
    const operator = operatorOf(`file:${path}`);
    await operator.init();
    const db = new Connection(path);
    db.prepare("insert into meta values ('time', ?)").run(String(now + 86_400 * 365));
    db.close();
    const store = await openStore(`file:${path}`);
    expect(await spend(store, 1)).toBe('store_corrupt');
    await store.close();
    expect(await operator.check()).toEqual([expect.stringMatching(/clock that was \d+ s ahead/)]);
    expect(await operator.repair()).toBe(true);
    expect(await operator.repair()).toBe(false);
    expect(await operator.check()).toEqual([]);
    const mended = await openStore(`file:${path}`);
    expect(await spend(mended, 1, 100, 'used in the meantime')).toBe('store_unavailable');
    expect(await spend(mended, 1)).toBe('ok');
    await mended.close();
  });

  test('a reset begins an epoch: tickets and proofs of before end, budgets go on', async () => {
    const path = fresh();
    const store = await openStore(`file:${path}`);
    expect(await spend(store, 60)).toBe('ok');
    const epoch = await store.replay.epoch();
    await operatorOf(`file:${path}`).reset();
    expect(await store.replay.epoch()).not.toBe(epoch);
    expect(await spend(store, 60)).toBe('budget_exceeded');
    expect(await spend(store, 1, 100, 'proof')).toBe('store_unavailable');
    await store.close();
  });
});

test("a store's figures reach a meter; what fails reports nothing and harms nothing", async () => {
  const store = await openStore('memory:');
  await spend(store, 60);
  await spend(store, 60);
  type Callback = Parameters<ReturnType<StoreMeter['createObservableGauge']>['addCallback']>[0];
  const gauges = new Map<string, Callback>();
  const meter: StoreMeter = {
    createObservableGauge: (name) => ({ addCallback: (callback) => void gauges.set(name, callback) }),
  };
  const collect = async (): Promise<Map<string, number>> => {
    const seen = new Map<string, number>();
    for (const [name, callback] of gauges)
      await callback({
        observe: (value, attributes = {}) =>
          void seen.set(
            `${name} ${attributes['ambit.code'] ?? attributes['ambit.rows'] ?? ''}`.trim(),
            value,
          ),
      });
    return seen;
  };
  observeStore(() => store.stats(), meter);
  const seen = await collect();
  expect(seen.get('ambit.store.granted')).toBe(1);
  expect(seen.get('ambit.store.refused budget_exceeded')).toBe(1);
  expect(seen.get('ambit.store.rows counters')).toBe(1);
  expect(seen.has('ambit.store.size')).toBe(false);
  gauges.clear();
  observeStore(() => Promise.reject(new Error('down')), meter);
  expect((await collect()).size).toBe(0);
  await store.close();
});

test("a store's figures arrive through OpenTelemetry's own meter, with codes for attributes and no names", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  const path = fresh();
  const store = await openStore(`file:${path}`);
  observeStore(() => store.stats(), provider.getMeter('ambit'));
  for (const _ of [1, 2, 3]) await spend(store, 60);
  rmSync(path);
  expect(await spend(store, 1)).toBe('store_corrupt');
  await provider.forceFlush();
  const metrics = exporter.getMetrics().flatMap((r) => r.scopeMetrics.flatMap((scope) => scope.metrics));
  const points = metrics.flatMap(({ descriptor, dataPoints }) =>
    dataPoints.map(({ value, attributes }) => {
      const { 'ambit.store': backend, ...rest } = attributes;
      expect(backend).toBe('sqlite');
      return [descriptor.name, ...Object.values(rest), value];
    }),
  );
  expect(points).toContainEqual(['ambit.store.granted', 1]);
  expect(points).toContainEqual(['ambit.store.refused', 'budget_exceeded', 2]);
  expect(points).toContainEqual(['ambit.store.refused', 'store_corrupt', 1]);
  expect(points.find(([name]) => name === 'ambit.store.faults')).toEqual([
    'ambit.store.faults',
    expect.any(String) as string,
    expect.any(Number) as number,
  ]);
  expect(metrics.find(({ descriptor }) => descriptor.name === 'ambit.store.log.size')?.descriptor.unit).toBe(
    'By',
  );
  await provider.shutdown();
  await store.close();
});
