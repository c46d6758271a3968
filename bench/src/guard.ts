// What the guard costs where it stands: milliseconds added to one MCP call over stdio, against a proxy that only
// copies; and HTTP requests a second with the guard, beside `jose` checking a bearer token, in the same server.
//   node bench/dist/guard.js [--quick]
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, request as httpRequest, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openHome } from '@ambit/audit';
import {
  attenuate,
  parseCall,
  createVerifier,
  Keyring,
  mint,
  ProofSession,
  prove,
  readOffer,
  offerText,
  restrict,
  SecretKey,
  signer,
  type Call,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { createGuard, type Guard } from '@ambit/guard';
import { httpGuard, nodeHandler } from '@ambit/guard/http';
import { attach } from '@ambit/agent';
import { proxyStdio } from '@ambit/guard/mcp';
import { openSqlite } from '@ambit/state/sqlite';
import { exportJWK, generateKeyPair, generateSecret, jwtVerify, SignJWT } from 'jose';
import { quantile } from './measure.ts';
import { tableText, type BenchOptions, type Table } from './table.ts';

const SELF = fileURLToPath(import.meta.url);
const AUDIENCE = 'bench.acme.com';
const ORIGIN = 'https://bench.acme.com';
const seconds = (): number => Math.floor(Date.now() / 1000);

/** What a guarded process tells the one that measures it. */
interface Hello {
  readonly plain: string;
  readonly budgeted: string;
  readonly secret: string;
  readonly offer: string;
  readonly port?: number;
}

/** Keys, a real store and a real log in a fresh directory, and a guard over them. */
async function guarded(): Promise<{ guard: Guard; hello: Hello; end: () => Promise<void> }> {
  const home = mkdtempSync(join(tmpdir(), 'ambit-bench-'));
  const keyring = Keyring.create('iam.acme.com');
  const secret = SecretKey.generate('holder');
  const holder = signer(secret, nodeProvider);
  const store = openSqlite(join(home, 'state.db'));
  const recorder = await openHome(home, { origin: 'bench.acme.com/log' });
  const expires = seconds() + 3600;
  await store.sessions.open({ issuer: 'iam.acme.com', id: 's-1', operator: 'acme', expires }, seconds());
  const verifier = createVerifier({
    audience: AUDIENCE,
    keys: keyring.exportFor(AUDIENCE),
    provider: nodeProvider,
    proofSessions: { key: SecretKey.generate('x25519') },
  });
  const tools = (): { external: boolean; data: string[] } => ({ external: false, data: ['internal'] });
  const guard = createGuard({ verifier, store, audit: recorder, tools });
  const minted = mint(keyring, {
    operator: { id: 'acme' },
    model: { id: 'agent-v2', digest: new Uint8Array(32).fill(1) },
    session: 's-1',
    user: 'jane',
    tools: ['echo', 'http.*'],
    data: ['internal'],
    audience: AUDIENCE,
    holder: holder.publicKey,
    issuedAt: seconds(),
    expires,
  });
  const plain = attenuate(minted, restrict.deny('write_*'), restrict.expires(expires - 1));
  const budgeted = attenuate(plain, restrict.calls(1e12));
  const hello = { plain, budgeted, secret: secret.unsafeText(), offer: offerText(verifier.sessionOffer!) };
  const end = async (): Promise<void> => {
    await guard.settled();
    await recorder.close();
    await store.close();
    rmSync(home, { recursive: true, force: true });
  };
  return { guard, hello, end };
}

// ---- MCP over stdio -------------------------------------------------------------------------------------------

/** A server that echoes: what is measured is the guard in front of it. */
function echoServer(): void {
  let rest = '';
  process.stdin.on('data', (chunk: Buffer) => {
    rest += chunk.toString();
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
      const { id, method, params } = JSON.parse(rest.slice(0, at)) as {
        id?: number;
        method: string;
        params: unknown;
      };
      rest = rest.slice(at + 1);
      const result =
        method === 'initialize'
          ? { protocolVersion: '2025-11-25', capabilities: { tools: {} } }
          : { content: [{ type: 'text', text: JSON.stringify(params) }] };
      if (id !== undefined) process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
    }
  });
}

/** Copies both ways: what another process costs by itself. */
function copyingProxy(): void {
  const child = spawn(process.execPath, [SELF, '--as', 'server'], { stdio: ['pipe', 'pipe', 'inherit'] });
  process.stdin.pipe(child.stdin);
  child.stdout.pipe(process.stdout);
}

async function guardingProxy(): Promise<void> {
  const { guard, hello, end } = await guarded();
  process.send?.(hello);
  await proxyStdio({
    guard,
    command: process.execPath,
    args: [SELF, '--as', 'server'],
    input: process.stdin,
    output: process.stdout,
  });
  await end();
  if (process.connected) process.disconnect?.();
}

type Wire = {
  send: (m: object) => Promise<void>;
  onmessage?: (m: { id?: number; result?: { isError?: boolean } }) => void;
};
interface Lane {
  readonly name: string;
  readonly child: ChildProcess;
  readonly once: () => Promise<void>;
}

async function lane(
  name: string,
  as: 'server' | 'copy' | 'proxy',
  how?: { token: 'plain' | 'budgeted'; sessions: boolean },
): Promise<Lane> {
  const child = fork(SELF, ['--as', as], { stdio: ['pipe', 'pipe', 'inherit', 'ipc'] });
  const wire: Wire = { send: async (m) => void child.stdin!.write(`${JSON.stringify(m)}\n`) };
  let rest = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    rest += chunk.toString();
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
      const line = rest.slice(0, at);
      rest = rest.slice(at + 1);
      wire.onmessage?.(JSON.parse(line) as never);
    }
  });
  if (how !== undefined) {
    const hello = await new Promise<Hello>((resolve) => child.once('message', (m) => resolve(m as Hello)));
    const key = signer(SecretKey.parse('holder', hello.secret), nodeProvider);
    attach(wire as never, {
      token: hello[how.token],
      signer: key,
      audience: AUDIENCE,
      useProofSessions: how.sessions,
      provider: nodeProvider,
    });
  }
  let next = 0;
  const waiting = new Map<number, (m: { result?: { isError?: boolean } }) => void>();
  wire.onmessage = (m) => {
    waiting.get(m.id ?? -1)?.(m);
    waiting.delete(m.id ?? -1);
  };
  const ask = (method: string, params: object): Promise<{ result?: { isError?: boolean } }> =>
    new Promise((resolve) => {
      const id = ++next;
      waiting.set(id, resolve);
      void wire.send({ jsonrpc: '2.0', id, method, params });
    });
  await ask('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1' },
  });
  const once = async (): Promise<void> => {
    const answer = await ask('tools/call', { name: 'echo', arguments: { text: 'hello', n: next } });
    if (answer.result === undefined || answer.result.isError === true)
      throw new Error(`bench: ${name} was refused`);
  };
  return { name, child, once };
}

async function benchStdio(quick: boolean): Promise<Table> {
  const lanes = [
    await lane('no guard', 'server'),
    await lane('a process that copies', 'copy'),
    await lane('guard, session proofs', 'proxy', { token: 'plain', sessions: true }),
    await lane('guard, session proofs, a budget', 'proxy', { token: 'budgeted', sessions: true }),
    await lane('guard, signed proofs', 'proxy', { token: 'plain', sessions: false }),
  ];
  const times = new Map<string, number[]>(lanes.map((l) => [l.name, []]));
  const rounds = quick ? 300 : 3000;
  // Calls alternate, so that what slows the machine down slows all of them.
  for (let i = -200; i < rounds; i++) {
    for (const { name, once } of lanes) {
      const start = process.hrtime.bigint();
      await once();
      if (i >= 0) times.get(name)!.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
  }
  for (const { child } of lanes) {
    child.stdin!.end();
    if (child.connected) child.disconnect();
    if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
  }
  const base = quantile(times.get('no guard')!, 0.5);
  const copy = quantile(times.get('a process that copies')!, 0.5);
  return {
    title: 'One MCP call over stdio, milliseconds',
    notes: [
      'Each lane is a process of its own before the same echo server; one call at a time. The guard verifies, charges,',
      'and writes its decision durably (fdatasync) before the call goes on: embedded store, real log.',
    ],
    columns: ['before the server', 'median', 'p10', 'p90', 'added', 'added to copying'],
    rows: lanes.map(({ name }) => {
      const t = times.get(name)!;
      const median = quantile(t, 0.5);
      return [name, median, quantile(t, 0.1), quantile(t, 0.9), median - base, median - copy];
    }),
  };
}

// ---- HTTP -----------------------------------------------------------------------------------------------------

const body = JSON.stringify({ ok: true });
const plainAnswer: RequestListener = (_, res) =>
  void res.writeHead(200, { 'content-type': 'application/json' }).end(body);

/** A server under `mode`, its port, and what a client has to send. */
async function httpServer(mode: string): Promise<void> {
  const hello: { [name: string]: unknown } = {};
  let listener: RequestListener = plainAnswer;
  let end = async (): Promise<void> => undefined;
  if (mode.startsWith('jose')) {
    const algorithm = mode.endsWith('EdDSA') ? 'EdDSA' : 'HS256';
    const keys = algorithm === 'EdDSA' ? await generateKeyPair('EdDSA') : null;
    const secret = keys === null ? await generateSecret('HS256') : null;
    hello['jwt'] = await new SignJWT({ scope: 'http.get' })
      .setProtectedHeader({ alg: algorithm })
      .setAudience(AUDIENCE)
      .setExpirationTime('1h')
      .sign((keys?.privateKey ?? secret)!);
    if (keys !== null) await exportJWK(keys.publicKey);
    const key = (keys?.publicKey ?? secret)!;
    listener = (req, res) => {
      jwtVerify((req.headers.authorization ?? '').slice(7), key, { audience: AUDIENCE }).then(
        () => plainAnswer(req, res as never),
        () => res.writeHead(401).end(),
      );
    };
  } else if (mode === 'guard') {
    const made = await guarded();
    Object.assign(hello, made.hello);
    ({ end } = made);
    const cap = httpGuard({ guard: made.guard, origin: ORIGIN });
    listener = nodeHandler(
      cap,
      (_, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end(body),
    ) as RequestListener;
  }
  const server = createServer(listener);
  server.listen(0, '127.0.0.1', () =>
    process.send?.({ ...hello, port: (server.address() as AddressInfo).port }),
  );
  process.once('message', () => {
    server.closeAllConnections();
    server.close(() => void end().then(() => process.disconnect?.()));
  });
}

function theCall(): Call {
  const made = parseCall({
    tool: 'http.get',
    args: {},
    http: { method: 'GET', origin: ORIGIN, target: '/a' },
  });
  if (!made.ok) throw new Error(made.message);
  return made.call;
}

async function perSecond(
  port: number,
  headers: (i: number) => Record<string, string>,
  n: number,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  // Made beforehand: what is measured is the server's side.
  const prepared = Array.from({ length: n }, (_, i) => headers(i));
  let next = 0;
  const once = (h: Record<string, string>): Promise<void> =>
    new Promise((resolve, reject) => {
      httpRequest({ port, host: '127.0.0.1', path: '/a', agent, headers: h }, (res) => {
        res.resume();
        res.on('end', () =>
          res.statusCode === 200 ? resolve() : reject(new Error(`bench: ${res.statusCode}`)),
        );
      })
        .on('error', reject)
        .end();
    });
  const worker = async (): Promise<void> => {
    while (next < n) await once(prepared[next++]!);
  };
  const start = process.hrtime.bigint();
  await Promise.all(Array.from({ length: 32 }, worker));
  const rate = n / (Number(process.hrtime.bigint() - start) / 1e9);
  agent.destroy();
  return rate;
}

async function benchHttp(quick: boolean): Promise<Table> {
  const n = quick ? 1000 : 6000;
  const open = async (
    mode: string,
  ): Promise<{ child: ChildProcess; hello: Hello & { port: number; jwt?: string } }> => {
    const child = fork(SELF, ['--as', 'http', mode]);
    const hello = await new Promise<never>((resolve) => child.once('message', (m) => resolve(m as never)));
    return { child, hello };
  };
  const [none, hs, ed, guard] = [
    await open('none'),
    await open('jose HS256'),
    await open('jose EdDSA'),
    await open('guard'),
  ];
  const { plain, budgeted, secret, offer, port } = guard.hello;
  const key = signer(SecretKey.parse('holder', secret), nodeProvider);
  const what = theCall();
  const session = ProofSession.open(readOffer(offer), { time: seconds() }, key, nodeProvider);
  const bearer = (jwt: string | undefined) => (): Record<string, string> => ({
    authorization: `Bearer ${jwt ?? ''}`,
  });
  const proved = (token: string, signed: boolean) => (): Record<string, string> => ({
    authorization: `Capability ${token}`,
    'capability-proof': signed
      ? prove(token, what, { audience: AUDIENCE, time: seconds() }, key)
      : session.prove(token, what, seconds()),
  });
  const modes: [string, string, number, (i: number) => Record<string, string>][] = [
    ['nothing', 'nobody', none.hello.port, () => ({})],
    ['jose, HS256', 'bearer', hs.hello.port, bearer(hs.hello.jwt)],
    ['jose, EdDSA', 'bearer', ed.hello.port, bearer(ed.hello.jwt)],
    ['guard, session proofs', 'holder, this request', port, proved(plain, false)],
    ['guard, session proofs, a budget', 'holder, this request', port, proved(budgeted, false)],
    ['guard, signed proofs', 'holder, this request', port, proved(plain, true)],
  ];
  const rates = new Map<string, number[]>(modes.map(([name]) => [name, []]));
  for (let round = -1; round < (quick ? 2 : 5); round++) {
    for (const [name, , at, headers] of modes) {
      const rate = await perSecond(at, headers, n);
      if (round >= 0) rates.get(name)!.push(rate);
    }
  }
  for (const { child } of [none, hs, ed, guard]) {
    child.send('end');
    await new Promise((resolve) => child.once('exit', resolve));
  }
  const base = quantile(rates.get('nothing')!, 0.5);
  return {
    title: 'HTTP requests a second: node:http, 32 connections, client on the same machine',
    notes: [
      'jose checks a signature and an expiry, and keeps nothing: anyone who has the token may use it without limit.',
      'The guard also checks the proof of this very request, refuses it a second time, asks session and revocations,',
      'and has the decision on disk before the handler runs.',
    ],
    columns: ['checked', 'who can use what is sent', 'requests/s', 'of none'],
    rows: modes.map(([name, who]) => {
      const rate = quantile(rates.get(name)!, 0.5);
      return [name, who, Math.round(rate), rate / base];
    }),
  };
}

/** The tables. */
export async function benchGuard(options: BenchOptions): Promise<Table[]> {
  const quick = options.quick === true;
  return [await benchStdio(quick), await benchHttp(quick)];
}

const as = process.argv.indexOf('--as');
if (process.argv[1] === SELF && as > 0) {
  const [role = '', mode = ''] = process.argv.slice(as + 1);
  if (role === 'server') echoServer();
  else if (role === 'copy') copyingProxy();
  else if (role === 'proxy') await guardingProxy();
  else await httpServer(mode);
} else if (process.argv[1] === SELF) {
  for (const table of await benchGuard({ quick: process.argv.includes('--quick') }))
    console.log(tableText(table));
}
