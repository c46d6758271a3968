// The HTTP proxy before the published server-everything on streamable HTTP, with the HTTP clients of both SDK
// lines: sessions, progress by server-sent events, DELETE; headers that lie, batches, slow bodies, foreign origins;
// and nothing of the caller's credentials upstream.
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { attach } from '@ambit/agent';
import {
  configurationOf,
  DENIAL_KEY,
  proxyHttp,
  scanStdio,
  type HttpProxyOptions,
  type ScannedTool,
} from '@ambit/guard/mcp';
import { readOperator } from '@ambit/identity';
import { serverFile } from './transports.ts';
import { AUDIENCE, world, type World } from './world.ts';

type Result = { isError?: boolean; content: { text?: string }[]; _meta?: Record<string, { code?: string }> };
const codeOf = (r: unknown): string | undefined => (r as Result)._meta?.[DENIAL_KEY]?.code;
interface Seen {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let everything: ChildProcess;
let port: number;
let w: World;
let recorder: Server;
let upstream: string;
let seen: Seen[];

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

/** What stands between proxy and server and keeps what comes by. */
const recording = (): Server =>
  createServer((req, res) => {
    const chunks: Buffer[] = [];
    req
      .on('data', (c: Buffer) => chunks.push(c))
      .on('end', () => {
        const body = Buffer.concat(chunks).toString();
        seen.push({ method: req.method ?? '', headers: req.headers, body });
        const on = httpRequest(
          { port, host: '127.0.0.1', path: req.url, method: req.method, headers: req.headers },
          (answer) => {
            res.writeHead(answer.statusCode ?? 500, answer.headers);
            answer.pipe(res);
            answer.on('error', () => res.destroy());
          },
        );
        on.on('error', () => res.destroy());
        res.on('close', () => on.destroy());
        on.end(body);
      });
  });

beforeAll(async () => {
  const probe = createServer();
  port = await listen(probe);
  await new Promise((resolve) => probe.close(resolve));
  everything = spawn(process.execPath, [serverFile('everything'), 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: 'ignore',
  });
  await vi.waitFor(async () => fetch(`http://127.0.0.1:${port}/mcp`), { timeout: 20_000, interval: 100 });
});
afterAll(() => void everything.kill());
beforeEach(async () => {
  w = await world();
  seen = [];
  recorder = recording();
  upstream = `http://127.0.0.1:${await listen(recorder)}/mcp`;
});
afterEach(async () => {
  recorder.closeAllConnections();
  recorder.close();
  await w.end();
});

const proxy = (more: Partial<HttpProxyOptions> = {}): ((r: Request) => Promise<Response>) =>
  proxyHttp({ guard: w.guard, upstream, ...more });
type Client = InstanceType<typeof ClientV1>;
const url = new URL('http://proxy.test/mcp');
const sdks: readonly [
  string,
  (fetch: typeof globalThis.fetch) => readonly [Client, InstanceType<typeof HttpV1>],
][] = [
  ['v1', (fetch) => [new ClientV1({ name: 't', version: '1' }), new HttpV1(url, { fetch: fetch })]],
  [
    'v2',
    (fetch) => [
      new ClientV2({ name: 't', version: '1' }) as unknown as Client,
      new HttpV2(url, { fetch: fetch }) as never,
    ],
  ],
];
async function connected(
  make: (typeof sdks)[number][1],
  token: string,
): Promise<readonly [Client, InstanceType<typeof HttpV1>]> {
  const handle = proxy();
  // The client believes that it has to log in as well: its credential is not the server's business.
  const [client, transport] = make((to, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', 'Bearer callers-own');
    headers.set('cookie', 'sid=1');
    return handle(new Request(to, { ...init, headers }));
  });
  attach(transport as never, { token, signer: w.agent, audience: AUDIENCE });
  await client.connect(transport);
  return [client, transport];
}

describe.each(sdks)('server-everything behind the HTTP proxy, SDK %s', (_, make) => {
  it('allowed calls, progress and sessions work; refused ones go nowhere; no credential goes upstream', async () => {
    const [client, transport] = await connected(
      make,
      w.token({ tools: ['echo', 'trigger-long-running-operation'] }),
    );
    expect((await client.listTools()).tools.map((t) => t.name).sort()).toEqual([
      'echo',
      'trigger-long-running-operation',
    ]);
    expect(JSON.stringify(await client.callTool({ name: 'echo', arguments: { message: 'hi' } }))).toContain(
      'hi',
    );
    const progress: number[] = [];
    const params = { name: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 } };
    const options = { onprogress: (p: { progress: number }): void => void progress.push(p.progress) };
    const slow =
      make === sdks[0]![1]
        ? client.callTool(params, undefined, options)
        : (client.callTool as (p: object, o: object) => Promise<unknown>)(params, options);
    expect(((await slow) as Result).isError ?? false).toBe(false);
    expect(progress).toEqual([1, 2, 3, 4]);
    expect(codeOf(await client.callTool({ name: 'get-sum', arguments: { a: 1, b: 2 } }))).toBe(
      'tool_not_granted',
    );
    expect(transport.sessionId).toBeTypeOf('string');
    await transport.terminateSession();
    await client.close();
    expect(seen.some((s) => s.method === 'DELETE' && s.headers['mcp-session-id'] !== undefined)).toBe(true);
    const all = JSON.stringify(seen);
    for (const never of ['get-sum', 'amb1_', 'ambp1_', 'callers-own', 'sid=1', 'dev.ambit'])
      expect(all).not.toContain(never);
    await w.guard.settled();
    const log = await w.records();
    expect(log.filter((r) => r.kind === 'decision').map((r) => r.code)).toEqual([
      'allowed',
      'allowed',
      'tool_not_granted',
    ]);
    expect(log.filter((r) => r.kind === 'outcome').map((r) => r.result?.status)).toEqual(['ok', 'ok']);
  });
});

describe('what else comes over HTTP', () => {
  const post = (
    handle: (r: Request) => Promise<Response>,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> =>
    handle(
      new Request(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    );
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

  it('headers that say something else than the body are refused, plain or encoded', async () => {
    const handle = proxy();
    const call = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'echo', arguments: { region: 'eu' } },
    };
    const encoded = `=?base64?${btoa('get-env')}?=`;
    for (const headers of [
      { 'mcp-method': 'tools/list' },
      { 'mcp-name': 'get-env' },
      { 'mcp-name': encoded },
      { 'mcp-param-region': 'us' },
    ])
      expect((await post(handle, call, headers as unknown as Record<string, string>)).status).toBe(400);
    const honest = await post(handle, call, {
      'mcp-method': 'tools/call',
      'mcp-name': `=?base64?${btoa('echo')}?=`,
      'mcp-param-region': 'eu',
    });
    expect(await honest.text()).toContain('token_missing');
    expect(seen).toEqual([]);
  });

  it('G1 batches, G2 duplicate keys, unknown methods: refused, logged, and not forwarded', async () => {
    const handle = proxy();
    expect((await post(handle, [ping])).status).toBe(400);
    expect(
      (await post(handle, '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}')).status,
    ).toBe(400);
    expect(await (await post(handle, { ...ping, method: 'tasks/get' })).text()).toContain(
      'method_not_allowed',
    );
    expect((await handle(new Request(url, { method: 'PUT', body: '{}' }))).status).toBe(405);
    expect(seen).toEqual([]);
    expect((await w.records()).map((r) => r.code)).toEqual([
      'request_invalid',
      'request_invalid',
      'method_not_allowed',
    ]);
  });

  it('G8 a body too large, stated or not, and one that never ends are refused', async () => {
    const handle = proxy({ bodyTime: 50 });
    expect((await post(handle, `{"x":"${'a'.repeat(1_100_000)}"}`)).status).toBe(413);
    const drip = new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(new Uint8Array([123])) });
    const slow = await handle(new Request(url, { method: 'POST', body: drip, duplex: 'half' }));
    expect(slow.status).toBe(408);
    expect(seen).toEqual([]);
  });

  it('a page of another origin is refused (DNS rebinding)', async () => {
    expect((await post(proxy(), ping, { origin: 'https://evil.example' })).status).toBe(403);
    expect(
      (await post(proxy({ origins: ['https://app.acme.com'] }), ping, { origin: 'https://app.acme.com' }))
        .status,
    ).not.toBe(403);
  });

  it('made-up sessions push nobody out, and an upstream that fails closes the call', async () => {
    const handle = proxy({ maxSessions: 2 });
    const [client, transport] = sdks[0]![1]((to, init) => handle(new Request(to, init)));
    attach(transport as never, {
      token: w.token({ tools: ['echo', 'trigger-long-running-operation'] }),
      signer: w.agent,
      audience: AUDIENCE,
    });
    await client.connect(transport);
    const slow = client.callTool({
      name: 'trigger-long-running-operation',
      arguments: { duration: 0.6, steps: 2 },
    });
    for (let i = 0; i < 8; i++) await post(handle, ping, { 'mcp-session-id': `made-up-${i}` });
    expect(((await slow) as Result).isError ?? false).toBe(false);
    await w.guard.settled();
    expect((await w.records()).flatMap((r) => r.result?.status ?? [])).toEqual(['ok']);

    const broken = proxyHttp({ guard: w.guard, upstream: 'http://127.0.0.1:9/' });
    const sent: { m?: unknown } = {};
    const pipe = { send: async (m: never) => void (sent.m = m), onmessage: undefined };
    attach(pipe as never, { token: w.token(), signer: w.agent, audience: AUDIENCE });
    await pipe.send({
      jsonrpc: '2.0',
      id: 3,
      method: 'tools/call',
      params: { name: 'echo', arguments: {} },
    } as never);
    expect((await post(broken, sent.m)).status).toBe(502);
    await w.guard.settled();
    expect((await w.records()).flatMap((r) => r.result?.status ?? [])).toEqual(['ok', 'error']);
    await client.close();
  });

  it('events are cut where they end, also across chunks, and what is no message does not pass', async () => {
    const message = (id: number): string =>
      JSON.stringify({ jsonrpc: '2.0', id, result: { tools: [{ name: 'evil' }] } });
    const chunks = [
      'id: 1\r',
      '\nevent: message\r\n',
      `data: ${message(1).slice(0, 20)}`,
      `${message(1).slice(20)}\r\n\r`,
      `\ndata: [${message(1)}]\n\n`,
      `data: ${message(2)}\n\n: alive\n\n`,
    ];
    const fake = (async () =>
      new Response(Readable.toWeb(Readable.from(chunks.map((c) => Buffer.from(c)))) as never, {
        headers: { 'content-type': 'text/event-stream; charset=utf-8' },
      })) as typeof fetch;
    const answer = await post(proxy({ fetch: fake }), { jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const text = await answer.text();
    // One filtered answer; the list of messages and the answer to nothing are gone.
    expect(text).not.toContain('evil');
    expect(text).toContain('id: 1\nevent: message\ndata: {"jsonrpc":"2.0","id":1,"result":{"tools":[]');
    expect(text).toContain(': alive');
  });
});

describe('scan', () => {
  const tool = (name: string, more: object = {}): ScannedTool => ({
    name,
    writes: true,
    external: true,
    untrusted: true,
    worth: [],
    ...more,
  });

  it('writes a configuration that the identity package reads, whatever a server calls its tools', () => {
    const hostile = [
      tool('read_file', { writes: false, external: false, worth: ['path'] }),
      tool('write_file'),
      tool('write_file'),
      tool('yes'),
      tool('123'),
      tool('a: {}\nallow: [b]'),
      tool('#'),
      tool('../x'),
    ];
    const text = configurationOf(hostile);
    const operator = readOperator(text);
    expect(operator.config.allow.tools).toEqual(['read_file']);
    expect(operator.facts('read_file')).toMatchObject({ writes: false, external: false });
    expect(operator.facts('123')).toMatchObject({ writes: true, external: true });
    expect(text.split('\n').filter((l) => l.startsWith('allow:'))).toHaveLength(1);
  });

  it('the least that annotations allow: a tool that says nothing writes and reaches outside', async () => {
    const tools = await scanStdio(process.execPath, [serverFile('everything'), 'stdio']);
    expect(tools.find((t) => t.name === 'echo')).toBeDefined();
    const found = await scanStdio(process.execPath, [serverFile('filesystem'), w.directory]);
    expect(found.find((t) => t.name === 'write_file')).toMatchObject({ writes: true });
    expect(found.find((t) => t.name === 'move_file')?.worth).toEqual(['source', 'destination']);
  });
});
