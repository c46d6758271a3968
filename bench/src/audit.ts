// The audit log: durable appends a second with the latency of the acknowledgement, records through the recorder and
// through the socket, memory over a long run, verification, proofs. Every append was acknowledged after fdatasync.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tmpdir } from 'node:os';
import {
  connectLog,
  directorySource,
  encodeRecord,
  fileHead,
  generateSigner,
  leafHash,
  Log,
  Recorder,
  search,
  serveLog,
  TreeReader,
  verifyLog,
  verifyProof,
  type Draft,
  type SignerKey,
  type Sink,
} from '@ambit/audit';
import { tableText, type BenchOptions, type Table } from './table.ts';

export interface AuditBenchOptions extends BenchOptions {
  /** Where the logs are written: a real disk, or the figures say nothing (default: the system's temporary directory). */
  readonly directory?: string;
  /** Records of the long run (default 10,000,000; quick 200,000). It takes 1.3 GB a million. */
  readonly long?: number;
}

const digest = 'A'.repeat(43);
const hex = 'ab'.repeat(32);
/** A decision of an allowed call under one delegation. */
const draft = (i: number): Draft => ({
  kind: 'decision',
  operator: { name: 'acme', config: hex },
  model: { name: 'acme/planner-7b', digest: hex },
  session: `3f0c8a52d4be4f6a9c1e7d20b5${String(i % 1000).padStart(6, '0')}`,
  user: 'ada@acme.example',
  agent: 'research-helper',
  token: {
    issuer: 'acme',
    key: 'k1',
    id: hex.slice(0, 32),
    audience: 'search.acme.example',
    chain: [
      { node: digest, holder: digest },
      { node: digest, holder: digest, label: 'research-helper' },
    ],
    sealed: true,
    expires: 1_764_003_600,
  },
  proof: 'signed',
  tool: { name: 'mail.send', classes: ['egress'], external: true, data: ['internal:research'] },
  args: { digest, bytes: 212, destinations: ['bob@example.com'], idsFrom: 'prompt' },
  code: 'allowed',
});

interface Run {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

/** `total` calls of `act` with `clients` under way at any time; latencies of the acknowledgement in milliseconds. */
async function load(total: number, clients: number, act: (i: number) => Promise<unknown>): Promise<Run> {
  const every = Math.max(1, Math.floor(total / 200_000));
  const latencies = new Float64Array(Math.ceil(total / every));
  let next = 0;
  const begin = performance.now();
  const client = async (): Promise<void> => {
    while (next < total) {
      const i = next++;
      const start = performance.now();
      await act(i);
      if (i % every === 0) latencies[i / every] = performance.now() - start;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - begin) / 1000;
  latencies.sort();
  const at = (q: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))]!;
  return { rate: total / seconds, p50: at(0.5), p99: at(0.99), most: at(1) };
}

interface Place {
  readonly root: string;
  readonly directory: string;
  readonly signer: SignerKey;
  open(): Promise<Log>;
}

function place(parent: string, name: string): Place {
  const root = join(parent, name);
  const directory = join(root, 'log');
  const signer = generateSigner('bench.example/log');
  return {
    root,
    directory,
    signer,
    open: () => Log.open({ directory, signer, head: fileHead(join(root, 'head')), create: true }),
  };
}

const row = (what: string, clients: number, run: Run): (string | number)[] => [
  what,
  clients,
  Math.round(run.rate),
  run.p50,
  run.p99,
  run.most,
];
const COLUMNS = ['what', 'in flight', 'acknowledged/s', 'p50 ms', 'p99 ms', 'max ms'];

async function throughput(parent: string, quick: boolean): Promise<Table> {
  const rows: (string | number)[][] = [];
  const entry = Buffer.alloc(600, 0x61);
  for (const clients of [1, 16, 64, 256, 1024]) {
    const at = place(parent, `append-${clients}`);
    const log = await at.open();
    const total = clients === 1 ? (quick ? 500 : 3000) : quick ? 40_000 : 400_000;
    rows.push(
      row(
        'append, 600 bytes',
        clients,
        await load(total, clients, (i) => {
          entry.writeUInt32BE(i, 0);
          return log.append(entry);
        }),
      ),
    );
    await log.close();
    rmSync(at.root, { recursive: true });
  }
  const size = encodeRecord({ ...draft(0), v: 1, at: Date.now(), seq: 7, prev: digest }).length;
  for (const clients of [64, 256]) {
    const at = place(parent, `record-${clients}`);
    const recorder = await Recorder.open(await at.open());
    rows.push(
      row(
        `record, ${size} bytes, schema, secrets, session chain`,
        clients,
        await load(quick ? 20_000 : 200_000, clients, (i) => recorder.record(draft(i))),
      ),
    );
    await recorder.close();
    rmSync(at.root, { recursive: true });
  }
  const at = place(parent, 'socket');
  const recorder = await Recorder.open(await at.open());
  const path = join(at.root, 'sock');
  const server = await serveLog({ recorder, sockets: [{ path, by: 'bench' }] });
  const connection = connectLog(path);
  const sink: Sink = connection;
  // Client and writer share this process's one thread here; with a process each the client's half runs beside it.
  rows.push(
    row(
      'record over the local socket',
      256,
      await load(quick ? 10_000 : 100_000, 256, (i) => sink.record(draft(i))),
    ),
  );
  await connection.close();
  await server.close();
  await recorder.close();
  rmSync(at.root, { recursive: true });
  return {
    title: 'Audit: durable appends',
    notes: [
      'Each append is acknowledged after write and fdatasync of its frame (group commit); a signed checkpoint each second, tiles written meanwhile.',
      'One thread of JavaScript; latency as the caller sees it.',
    ],
    columns: COLUMNS,
    rows,
  };
}

const megabytes = (): number => Math.round(process.memoryUsage().rss / 1e6);

async function longRun(parent: string, total: number): Promise<Table[]> {
  const at = place(parent, 'long');
  const log = await at.open();
  // Whole records, encoded before: one differs from the next in the eight digits of its call id.
  const { session: _, ...sessionless } = draft(0);
  const record = Buffer.from(
    encodeRecord({ ...sessionless, v: 1, at: Date.now(), call: '00000000', reason: '.'.repeat(70) }),
  );
  const digits = record.indexOf('00000000');
  const next = (): Buffer => {
    record.write(String(done).padStart(8, '0'), digits, 'latin1');
    done++;
    return record;
  };
  const memory: (string | number)[][] = [];
  let done = 0;
  let since = performance.now();
  const step = Math.min(1_000_000, total);
  for (let n = 0; n < total; n += step) {
    const run = await load(step, 256, () => log.append(next()));
    memory.push([done, Math.round(run.rate), run.p50, run.p99, megabytes()]);
    since = performance.now();
  }
  await log.close();
  const closing = performance.now() - since;
  const reader = new TreeReader(directorySource(at.directory), total);
  // Proofs, cold and warm, at random places.
  const indices = Array.from({ length: 200 }, () => Math.floor(Math.random() * total));
  const again = await at.open();
  const opened = performance.now();
  let bytes = 0;
  const times: number[] = [];
  const checks: number[] = [];
  for (const index of indices) {
    const start = performance.now();
    const receipt = await again.receipt(index);
    times.push(performance.now() - start);
    bytes = Math.max(bytes, Buffer.byteLength(receipt));
    const entry = await reader.entry(index);
    const before = performance.now();
    if (!verifyProof(receipt, entry, at.signer.verifier).ok) throw new Error('a receipt does not verify');
    checks.push(performance.now() - before);
    leafHash(entry);
  }
  const hashes = (await reader.inclusion(indices[0]!)).length;
  const consistency = (await reader.consistency(Math.floor(total / 3))).length;
  const proving = performance.now() - opened;
  await again.close();
  const median = (list: number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1]!;
  const verification: (string | number)[][] = [];
  for (const records of [false, true]) {
    const start = performance.now();
    const report = await verifyLog({
      directory: at.directory,
      log: at.signer.verifier,
      head: fileHead(join(at.root, 'head')),
      records,
    });
    const seconds = (performance.now() - start) / 1000;
    if (!report.ok) throw new Error(`the log does not verify: ${report.problems[0]?.what}`);
    verification.push([
      records ? 'tree, checkpoints, files and records' : 'tree, checkpoints and files',
      report.size,
      seconds,
      Math.round(report.size / seconds),
      report.checkpoints,
      megabytes(),
    ]);
  }
  const start = performance.now();
  let found = 0;
  for await (const one of search(reader, { tool: 'payments.send' })) found += one.index >= 0 ? 1 : 0;
  const searching = (performance.now() - start) / 1000;
  verification.push([
    `search for a tool that was never called (${found} found)`,
    total,
    searching,
    Math.round(total / searching),
    0,
    megabytes(),
  ]);
  rmSync(at.root, { recursive: true });
  return [
    {
      title: `Audit: memory over ${total.toLocaleString('en-US')} records`,
      notes: [
        `Appends of whole records of ${record.length} bytes, 256 in flight. Closing took ${Math.round(closing)} ms.`,
      ],
      columns: ['records so far', 'records/s', 'p50 ms', 'p99 ms', 'resident MB'],
      rows: memory,
    },
    {
      title: 'Audit: verification and search',
      columns: ['what', 'entries', 'seconds', 'entries/s', 'checkpoints', 'resident MB'],
      rows: verification,
    },
    {
      title: 'Audit: proofs',
      notes: [`200 receipts at random places, made from tiles and checked, in ${Math.round(proving)} ms.`],
      columns: [
        'entries',
        'inclusion hashes',
        'consistency hashes',
        'receipt bytes',
        'make ms (median)',
        'check ms (median)',
      ],
      rows: [[total, hashes, consistency, bytes, median(times), median(checks)]],
    },
  ];
}

/** Verification over growing logs: it should take time in proportion. */
async function linear(parent: string, quick: boolean): Promise<Table> {
  const rows: (string | number)[][] = [];
  for (const total of quick ? [5_000, 20_000] : [25_000, 100_000, 400_000]) {
    const at = place(parent, `verify-${total}`);
    const recorder = await Recorder.open(await at.open());
    await load(total, 256, (i) => recorder.record(draft(i)));
    await recorder.close();
    const start = performance.now();
    const report = await verifyLog({
      directory: at.directory,
      log: at.signer.verifier,
      head: fileHead(join(at.root, 'head')),
    });
    const seconds = (performance.now() - start) / 1000;
    if (!report.ok) throw new Error(`the log does not verify: ${report.problems[0]?.what}`);
    rows.push([total, seconds, Math.round(total / seconds), (seconds / total) * 1e6]);
    rmSync(at.root, { recursive: true });
  }
  return {
    title: 'Audit: verification is linear',
    columns: ['entries', 'seconds', 'entries/s', 'us an entry'],
    rows,
  };
}

/** All tables of the audit log. */
export async function benchAudit(options: AuditBenchOptions = {}): Promise<Table[]> {
  const quick = options.quick ?? false;
  const parent = mkdtempSync(join(options.directory ?? tmpdir(), 'ambit-bench-audit-'));
  try {
    const tables = [await throughput(parent, quick), await linear(parent, quick)];
    const total = options.long ?? (quick ? 100_000 : 10_000_000);
    return total > 0 ? [...tables, ...(await longRun(parent, total))] : tables;
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const flag = (name: string): string | undefined =>
    process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const [directory, long] = [flag('dir'), flag('long')];
  const tables = await benchAudit({
    quick: process.argv.includes('--quick'),
    ...(directory === undefined ? {} : { directory }),
    ...(long === undefined ? {} : { long: Number(long) }),
  });
  for (const table of tables) process.stdout.write(`${tableText(table)}\n`);
}
