// What the identity layers cost: reading a large configuration, minting 1,000 sessions from it, and the check at
// every use, which must not grow with the number of users or tools. Candidates take turns, so that a noisy
// moment hits all of them; medians with the 10th and 90th percentile.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseCall, createVerifier, Keyring, mint, prove, publicKey, SecretKey, signer } from '@ambit/core';
import type { GrantSpec, VerifiedToken } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import {
  apply,
  checkLayers,
  configuredEntitlements,
  diffConfigurations,
  measure,
  readOperator,
  signModel,
  verifyAttestation,
  type LayerContext,
  type Manifest,
  type Operator,
} from '@ambit/identity';
import { grantFor, issue, newSessionId, type BindContext } from '@ambit/authority';
import { memoryStore } from '@ambit/state';

/** A table of figures: each row has a cell for each column. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly notes: readonly string[];
}

/** `quick`: fewer rounds and sessions, for a first look. */
export interface IdentityBenchOptions {
  readonly quick?: boolean;
}

const T0 = 1_772_373_600;
const AUDIENCE = 'tools.acme.com';
const modelSecret = SecretKey.generate('model');
const issuer = signer(SecretKey.generate('issuer'), nodeProvider);
const holder = signer(SecretKey.generate('holder'), nodeProvider);

/** A configuration of `users` users in 20 groups and `tools` tools in 25 name spaces. */
function configuration(users: number, tools: number): string {
  const tool = (i: number): string => `space${i % 25}.tool${i}`;
  const names = Array.from({ length: tools }, (_, i) => tool(i));
  const groups = Array.from({ length: 20 }, (_, g) => {
    const own = names.filter((_, i) => i % 20 === g || i < 10);
    return `  group${g}: { tools: [${own.join(', ')}, "space${g}.*"], data: [public, "internal:d${g}"] }`;
  });
  return [
    'ambit: 1',
    'operator: acme-corp',
    'issuer: iam',
    `signers: { ml: ${publicKey(modelSecret).toString()} }`,
    'tools:',
    ...names.map((n, i) => `  ${n}: { external: false, data: [${i < 10 ? 'public' : `"internal:d${i % 20}"`}], untrusted: false, writes: false }`),
    '  "space*": { external: false, data: [public] }',
    'models: { agent: { signers: [ml] } }',
    'groups:',
    ...groups,
    'users:',
    ...Array.from({ length: users }, (_, u) => `  user${u}@acme.com: { groups: [group${u % 20}, group${(u * 7) % 20 === u % 20 ? (u + 1) % 20 : (u * 7) % 20}] }`),
    'sessions: { most: { life: 1h, delegations: 2, budgets: [{ unit: calls, limit: 1000 }] } }',
    '',
  ].join('\n'); // prettier-ignore
}

interface Deployment {
  readonly users: number;
  readonly tools: number;
  readonly context: BindContext;
  readonly token: VerifiedToken;
  readonly layers: LayerContext;
}

function operatorOf(text: string): Operator {
  return readOperator(text);
}

const request = (user: number, measured: Manifest): Parameters<typeof grantFor>[0] => ({
  user: `user${user}@acme.com`,
  session: newSessionId(),
  model: { id: 'agent', measured },
  tools: ['space0.tool0', 'space1.tool1', 'space2.tool2', 'space3.*'],
  data: ['public', 'internal'],
});

function deploy(users: number, tools: number, artifact: { measured: Manifest; text: string }): Deployment {
  const operator = operatorOf(configuration(users, tools));
  const registration = apply(operator, T0, null);
  const attestation = verifyAttestation(artifact.text, operator.config.signers, nodeProvider);
  if (!attestation.ok) throw new Error(attestation.message);
  const store = memoryStore({ nowSeconds: () => T0 });
  const context: BindContext = {
    registration,
    attestation,
    entitlements: configuredEntitlements,
    revocations: store.revocations,
    now: T0,
  };
  const bound = grantFor(request(users - 1, artifact.measured), context);
  if (!bound.ok) throw new Error(`${bound.layer}: ${bound.message}`);
  const keyring = Keyring.create('iam');
  const token = mintOne(keyring, bound.spec);
  const made = parseCall({ tool: 'space1.tool1', args: {} });
  if (!made.ok) throw new Error(made.message);
  const verifier = createVerifier({ audience: AUDIENCE, keys: keyring.domainKeys(), provider: nodeProvider });
  const proof = prove(token, made.call, { audience: AUDIENCE, time: T0 }, holder);
  const verified = verifier.verify({ token, proof, call: made.call, now: T0 });
  if (!verified.ok) throw new Error(verified.message);
  const operators = new Map([[operator.id, registration]]);
  const layers: LayerContext = {
    operators,
    entitlements: configuredEntitlements,
  };
  const answer = checkLayers(verified.token, layers, T0);
  if (!answer.ok) throw new Error(answer.message);
  return { users, tools, context, token: verified.token, layers };
}

const mintOne = (keyring: Keyring, spec: GrantSpec): string =>
  mint(keyring, { ...spec, holder: holder.publicKey });

const us = (ns: number): string => (ns / 1000).toFixed(ns < 10_000 ? 2 : 1);
const ms = (ns: number): string => (ns / 1e6).toFixed(ns < 1e7 ? 2 : 1);
const nanos = (): number => Number(process.hrtime.bigint());

function quantiles(values: readonly number[]): readonly [number, number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
  return [at(0.1), at(0.5), at(0.9)];
}

/** Nanoseconds of each step, taking turns: `rounds` times, `batch` calls a turn. */
function takeTurns(
  steps: readonly (() => void)[],
  rounds: number,
  batch: number,
): readonly (readonly number[])[] {
  const out: number[][] = steps.map(() => []);
  for (let round = -3; round < rounds; round++) {
    steps.forEach((step, i) => {
      const start = nanos();
      for (let n = 0; n < batch; n++) step();
      if (round >= 0) out[i]!.push((nanos() - start) / batch);
    });
  }
  return out;
}

/** All tables of this part. */
export async function benchIdentity(options: IdentityBenchOptions = {}): Promise<Table[]> {
  const quick = options.quick ?? false;
  const dir = mkdtempSync(join(tmpdir(), 'ambit-bench-identity-'));
  try {
    const path = join(dir, 'model.bin');
    const megabytes = quick ? 64 : 512;
    writeFileSync(path, Buffer.alloc(megabytes << 20, 7));
    const tables: Table[] = [await digestTable(path, megabytes, quick ? 3 : 5)];
    writeFileSync(path, 'small');
    const { text } = await signModel(path, 'agent', signer(modelSecret, nodeProvider));
    const artifact = { text, measured: await measure(path) };
    tables.push(readTable(quick ? 3 : 7));
    tables.push(await mintTable(artifact, quick ? 200 : 1000));
    tables.push(useTable(artifact, quick ? 20 : 60));
    return tables;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function digestTable(path: string, megabytes: number, rounds: number): Promise<Table> {
  const times: number[] = [];
  const before = process.memoryUsage().rss;
  for (let i = 0; i < rounds; i++) {
    const start = nanos();
    await measure(path);
    times.push(nanos() - start);
  }
  const grown = (process.memoryUsage().rss - before) / (1 << 20);
  const [, median] = quantiles(times);
  return {
    title: 'Model digest: a file, streamed',
    columns: ['MB', 'MB/s', 'memory grown by MB'],
    rows: [[megabytes, Math.round((megabytes * 1e9) / median), Math.max(0, Math.round(grown))]],
    notes: [`median of ${rounds}, page cache warm`],
  };
}

function readTable(rounds: number): Table {
  const rows = [
    [10, 10],
    [1000, 500],
    [10_000, 500],
  ].map(([users, tools]) => {
    const text = configuration(users!, tools!);
    const next = operatorOf(text.replace('group1: { tools: [', 'group1: { tools: [space9.extra, '));
    const [read] = takeTurns([() => void operatorOf(text)], rounds, 1);
    const operator = operatorOf(text);
    const [diff] = takeTurns([() => void diffConfigurations(operator, next, [], T0)], rounds, 1);
    return [users!, tools!, Math.round(text.length / 1024), ms(quantiles(read!)[1]), ms(quantiles(diff!)[1])];
  });
  return {
    title: 'Configuration: read, check, digest and compile; compare with another',
    columns: ['users', 'tools', 'KiB', 'read ms', 'diff ms'],
    rows,
    notes: [`median of ${rounds}; once a process, and once a change`],
  };
}

async function mintTable(artifact: { measured: Manifest; text: string }, sessions: number): Promise<Table> {
  const { context } = deploy(10_000, 500, artifact);
  const keyring = Keyring.create('iam');
  const rows: (string | number)[][] = [];
  const run = async (name: string, step: (user: number) => unknown): Promise<void> => {
    const times: number[] = [];
    const start = nanos();
    for (let i = 0; i < sessions; i++) {
      const one = nanos();
      await step((i * 37) % 10_000);
      times.push(nanos() - one);
    }
    const total = nanos() - start;
    const [p10, p50, p90] = quantiles(times);
    rows.push([name, sessions, ms(total), us(p50), us(p10), us(p90), Math.round((sessions * 1e9) / total)]);
  };
  const bind = (user: number): Extract<ReturnType<typeof grantFor>, { ok: true }> => {
    const bound = grantFor(request(user, artifact.measured), context);
    if (!bound.ok) throw new Error(`${bound.layer}: ${bound.message}`);
    return bound;
  };
  const minting = { keyring, holder: holder.publicKey };
  await run('bind the layers (grantFor)', bind);
  await run('bind and mint', (u) => mintOne(keyring, bind(u).spec));
  for (const seal of [false, true]) {
    const store = memoryStore({ nowSeconds: () => T0 });
    await run(`open a session, memory store${seal ? ', sealed' : ''}`, async (u) => {
      const opened = await issue(request(u, artifact.measured), context, {
        ...minting,
        ...(seal ? { seal: issuer } : {}),
        sessions: store.sessions,
      });
      if (!opened.ok) throw new Error(opened.message);
    });
  }
  return {
    title: `Minting ${sessions} sessions from one configuration with 10,000 users and 500 tools`,
    columns: ['step', 'sessions', 'all ms', 'median us', 'p10', 'p90', 'per second'],
    rows,
    notes: ['sealed: one Ed25519 signature by node:crypto each'],
  };
}

function useTable(artifact: { measured: Manifest; text: string }, rounds: number): Table {
  const sizes = [
    [10, 10],
    [10, 500],
    [1000, 100],
    [10_000, 10],
    [10_000, 500],
    [10_000, 5000],
  ] as const;
  const deployments = sizes.map(([users, tools]) => deploy(users, tools, artifact));
  const times = takeTurns(
    deployments.map((d) => (): void => {
      if (!checkLayers(d.token, d.layers, T0).ok) throw new Error('refused');
    }),
    rounds,
    2000,
  );
  const base = quantiles(times[0]!)[1];
  const rows = deployments.map((d, i) => {
    const [p10, p50, p90] = quantiles(times[i]!);
    return [d.users, d.tools, us(p50), us(p10), us(p90), `${(p50 / base).toFixed(2)} x`];
  });
  return {
    title: 'The check of all four layers at every use, against the size of the configuration',
    columns: ['users', 'tools', 'median us', 'p10', 'p90', 'to the first'],
    rows,
    notes: [`${rounds} rounds of 2,000 in turns; the ratio must stay near 1: it grows with neither`],
  };
}

/** The tables as text. */
function print(tables: readonly Table[]): void {
  for (const t of tables) {
    const cells = [t.columns, ...t.rows.map((r) => r.map(String))];
    const widths = t.columns.map((_, i) => Math.max(...cells.map((r) => r[i]!.length)));
    const line = (r: readonly string[]): string =>
      r.map((c, i) => (i === 0 ? c.padEnd(widths[i]!) : c.padStart(widths[i]!))).join('  ');
    process.stdout.write(
      `\n${t.title}\n${cells.map((r) => line(r.map(String))).join('\n')}\n${t.notes.join('; ')}\n`,
    );
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'CPU'}\n`);
  print(await benchIdentity({ quick: process.argv.includes('--quick') }));
}
