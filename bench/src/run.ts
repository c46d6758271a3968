// `npm run bench`: all tables, as text, JSON and SVG under bench/results. `npm run bench -- --quick verify peers` runs
// parts, with fewer rounds.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem, type } from 'node:os';
import { nodeProvider } from '@ambit/core/node';
import { measure, ratio, rounds } from './measure.ts';
import { peers } from './peers.ts';
import { barPlot, linePlot } from './plot.ts';
import { bearerToken, heldToken } from './sample.ts';
import { sizes } from './size.ts';
import { tableText, type BenchOptions, type Table } from './table.ts';
import { benchThreads } from './threads.ts';
import { benchVerify, coldBearer, growth, proved } from './verify.ts';

const RESULTS = new URL('../results/', import.meta.url);
const save = (name: string, content: string): void => writeFileSync(new URL(name, RESULTS), content);

async function benchPeers(options: BenchOptions): Promise<Table[]> {
  const { found, skipped } = await peers(10);
  const ours = [
    {
      candidate: coldBearer(10, true),
      characters: bearerToken(10).length,
      limits: 'bearer form, for comparison',
    },
    {
      candidate: proved('signed', true, 10, 0, nodeProvider),
      characters: heldToken(10).length + 134,
      limits: 'proof of every call, narrowing, delegation',
    },
    {
      candidate: proved('session', false, 10, 0, nodeProvider),
      characters: heldToken(10).length + 110,
      limits: 'the same, verified before; proof by HMAC',
    },
  ].map((x) => ({ ...x, candidate: { ...x.candidate, name: `ambit ${x.candidate.name}` } }));
  const all = [...ours, ...found];
  const m = await measure(
    all.map((p) => p.candidate),
    rounds(options.quick),
  );
  const [cold, signed, session] = ours.map((o) => m.get(o.candidate.name)!);
  save(
    'peers.svg',
    barPlot(
      'Wire text to decision, 10 caveats',
      'microseconds',
      [...m.values()].map((x) => [x.name, x.median] as const),
    ),
  );
  return [
    {
      title: 'Peers, equivalent authority, 10 caveats',
      notes: ['Ratios are to the Ambit rows of the same run: cold bearer, cold + signed proof, repeated + session proof.', ...skipped.map((s) => `skipped ${s}`)],
      columns: ['', 'median us', 'p10', 'p90', 'x cold', 'x signed', 'x session', 'characters', 'limits'],
      rows: all.map(({ candidate, characters, limits }) => {
        const x = m.get(candidate.name)!;
        return [x.name, x.median, x.p10, x.p90, ratio(x, cold!), ratio(x, signed!), ratio(x, session!), characters, limits];
      }),
    },
  ]; // prettier-ignore
}

async function benchGrowth(options: BenchOptions): Promise<Table[]> {
  const { caveats, delegations } = await growth(options);
  const pick = (rows: [number, number, number][], i: 1 | 2): [number, number][] =>
    rows.map((r) => [r[0], r[i]]);
  save('caveats.svg', linePlot('Cost against caveats', 'caveats', 'us', [
    { name: 'bare kernel', points: pick(caveats, 1) }, { name: 'cold, verify + clear', points: pick(caveats, 2) },
  ])); // prettier-ignore
  save('delegations.svg', linePlot('Cost against delegations', 'delegations', 'us', [
    { name: 'cold, signed proof', points: pick(delegations, 1) }, { name: 'repeated, session proof', points: pick(delegations, 2) },
  ])); // prettier-ignore
  return [
    {
      title: 'Growth with caveats, us',
      columns: ['caveats', 'bare kernel', 'cold, verify + clear'],
      rows: caveats,
    },
    {
      title: 'Growth with delegations, us',
      columns: ['delegations', 'cold, signed', 'repeated, session'],
      rows: delegations,
    },
  ];
}

async function threads(options: BenchOptions): Promise<Table[]> {
  const { table, series } = await benchThreads(options);
  save('threads.svg', linePlot('Throughput over threads', 'threads', 'decisions/s', series));
  return [table];
}

const part =
  (file: string, name: string) =>
  async (options: BenchOptions): Promise<Table[]> => {
    const module = (await import(file)) as Record<string, (o: BenchOptions) => Promise<readonly Table[]>>;
    return [...(await module[name]!(options))];
  };

/** The parts of the suite, in the order they run. */
const PARTS: Readonly<Record<string, (options: BenchOptions) => Promise<Table[]>>> = {
  size: async () => [await sizes()],
  verify: benchVerify,
  peers: benchPeers,
  growth: benchGrowth,
  threads,
  state: part('./state.js', 'benchState'),
  identity: part('./identity.js', 'benchIdentity'),
  audit: part('./audit.js', 'benchAudit'),
  guard: part('./guard.js', 'benchGuard'),
  behavior: part('./behavior.js', 'benchBehavior'),
};

function machine(): Record<string, string> {
  const version = (name: string): string => {
    try {
      return (
        JSON.parse(
          readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8'),
        ) as { version: string }
      ).version;
    } catch {
      return 'absent';
    }
  };
  const names = [
    'macaroon',
    'macaroons.js',
    '@biscuit-auth/biscuit-wasm',
    'jose',
    'fast-jwt',
    '@ucanto/core',
    'sodium-native',
    '@noble/curves',
  ];
  return {
    processor: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()}, Node ${process.version}, V8 ${process.versions.v8}, OpenSSL ${process.versions.openssl}`,
    packages: names.map((n) => `${n} ${version(n)}`).join(', '),
  };
}

async function main(words: readonly string[]): Promise<number> {
  const quick = words.includes('--quick');
  const wanted = words.filter((w) => !w.startsWith('--'));
  const unknown = wanted.filter((w) => !(w in PARTS));
  if (unknown.length > 0) {
    console.error(`bench: unknown part ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}`);
    return 2;
  }
  mkdirSync(RESULTS, { recursive: true });
  const about = machine();
  console.log(
    Object.entries(about)
      .map(([k, v]) => `${k}: ${v}`)
      .join('\n'),
    '\n',
  );
  const tables: Record<string, Table[]> = {};
  let failed = 0;
  for (const [name, run] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    try {
      tables[name] = await run({ quick });
      for (const t of tables[name]) console.log(tableText(t));
    } catch (error) {
      failed++;
      console.error(`bench: ${name} failed: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  save(
    'results.json',
    `${JSON.stringify({ v: 1, date: new Date().toISOString(), quick, machine: about, tables }, null, 1)}\n`,
  );
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
