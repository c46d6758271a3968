// `guard(server)`: one line for a server author, at the transport, on both SDK lines and on every transport they
// come with; tools, resources, prompts and completion; what a hostile client or server can do to the gate.
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport as MemoryV1 } from '@modelcontextprotocol/sdk/inMemory.js';
import {
  McpServer as ServerV1,
  ResourceTemplate as TemplateV1,
} from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport as StdioV1 } from '@modelcontextprotocol/sdk/server/stdio.js';
import { completable as completableV1 } from '@modelcontextprotocol/sdk/server/completable.js';
import {
  Client as ClientV2,
  InMemoryTransport as MemoryV2,
  StreamableHTTPClientTransport as HttpV2,
} from '@modelcontextprotocol/client';
import {
  completable as completableV2,
  createMcpHandler,
  McpServer as ServerV2,
  ResourceTemplate as TemplateV2,
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import { createVerifier, SecretKey } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { createGuard, type GuardRequest } from '@ambit/guard';
import { attach, type Holder } from '@ambit/agent';
import { DENIAL_KEY, guardServer } from '@ambit/guard/mcp';
import { AUDIENCE, world, type World } from './world.ts';

type Result = {
  isError?: boolean;
  content: { text?: string }[];
  _meta?: Record<string, { code?: string }>;
  structuredContent?: unknown;
};
const codeOf = (r: unknown): string | undefined => (r as Result)._meta?.[DENIAL_KEY]?.code;
const textOf = (r: unknown): string => (r as Result).content[0]?.text ?? '';
const codeOfError = async (p: Promise<unknown>): Promise<unknown> => {
  try {
    await p;
  } catch (error) {
    return (error as { data?: { code?: string } }).data?.code;
  }
  return 'no error';
};

let w: World;
let ran: string[];
beforeEach(async () => {
  w = await world();
  ran = [];
});
afterEach(async () => w.end());
const holder = (token: string): Holder => ({ token, signer: w.agent, audience: AUDIENCE });

/** The same server on both lines. Types differ, so it is built through the part they share. */
interface Build {
  registerTool(name: string, config: object, run: (args: never, extra: never) => Promise<object>): unknown;
  registerResource(name: string, uri: unknown, config: object, read: (uri: URL) => Promise<object>): unknown;
  registerPrompt(name: string, config: object, get: (args: never) => object): unknown;
  connect(transport: never): Promise<void>;
}
function build(line: 1 | 2): Build {
  const info = { name: 'test', version: '1' };
  const server = (line === 1 ? new ServerV1(info) : new ServerV2(info)) as unknown as Build;
  const shape = { text: z.string(), n: z.number().default(7) };
  const schema = line === 1 ? shape : z.object(shape);
  server.registerTool(
    'echo',
    { inputSchema: schema, outputSchema: line === 1 ? { said: z.string() } : z.object({ said: z.string() }) },
    async ({ text, n }: { text: string; n: number }) => {
      ran.push(`echo ${text}`);
      return { content: [{ type: 'text', text: `${text} ${n}` }], structuredContent: { said: text } };
    },
  );
  server.registerTool('secret_tool', { inputSchema: line === 1 ? {} : z.object({}) }, async () => {
    ran.push('secret_tool');
    return { content: [{ type: 'text', text: 'never' }] };
  });
  server.registerTool(
    'slow',
    { inputSchema: line === 1 ? {} : z.object({}) },
    async (
      _: never,
      extra: {
        sendNotification?: (n: object) => Promise<void>;
        mcpReq?: { notify(n: object): Promise<void>; _meta?: { progressToken?: string } };
        _meta?: { progressToken?: string };
      },
    ) => {
      const progressToken = extra._meta?.progressToken ?? extra.mcpReq?._meta?.progressToken;
      for (let progress = 1; progress <= 3; progress++) {
        const note = { method: 'notifications/progress', params: { progressToken, progress, total: 3 } };
        await (extra.sendNotification === undefined
          ? extra.mcpReq!.notify(note)
          : extra.sendNotification(note));
      }
      return { content: [{ type: 'text', text: 'done' }] };
    },
  );
  server.registerResource('doc', 'docs://a', {}, async (uri) => {
    ran.push(`read ${uri.href}`);
    return { contents: [{ uri: uri.href, text: 'the document' }] };
  });
  const template =
    line === 1
      ? new TemplateV1('docs://{name}', { list: undefined })
      : new TemplateV2('docs://{name}', { list: undefined });
  server.registerResource('docs', template, {}, async (uri) => ({
    contents: [{ uri: uri.href, text: 'templated' }],
  }));
  const complete = line === 1 ? completableV1 : (completableV2 as unknown as typeof completableV1);
  const name = complete(z.string(), () => ['alice', 'bob']);
  server.registerPrompt(
    'greet',
    { argsSchema: line === 1 ? { name } : z.object({ name }) },
    ({ name: who }: { name: string }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `hello ${who}` } }],
    }),
  );
  return server;
}

type AnyClient = InstanceType<typeof ClientV1>;
const makers: readonly [string, 1 | 2, () => AnyClient, typeof MemoryV1][] = [
  ['v1', 1, () => new ClientV1({ name: 't', version: '1' }), MemoryV1],
  [
    'v2',
    2,
    () => new ClientV2({ name: 't', version: '1' }) as unknown as AnyClient,
    MemoryV2 as unknown as typeof MemoryV1,
  ],
];

describe.each(makers)('guard(server) in memory, SDK %s', (_, line, make, Memory) => {
  async function connected(token: string): Promise<AnyClient> {
    const [a, b] = Memory.createLinkedPair();
    await guardServer(build(line), { guard: w.guard }).connect(b as never);
    attach(a, holder(token));
    const client = make();
    await client.connect(a);
    return client;
  }

  it('tools: allowed ones run, others are refused before they do, lists show what is allowed', async () => {
    const client = await connected(w.token({ tools: ['echo'] }));
    expect((await client.listTools()).tools.map((t) => t.name)).toEqual(['echo']);
    const said = await client.callTool({ name: 'echo', arguments: { text: ' hi ' } });
    expect(textOf(said)).toBe(' hi  7');
    // Tools with an output schema are refused as well without the client's validation hiding the denial.
    const refused = await client.callTool({ name: 'secret_tool', arguments: {} });
    expect(codeOf(refused)).toBe('tool_not_granted');
    expect(refused.isError).toBe(true);
    expect(textOf(refused)).toBe(
      'Denied: The tool is not among those this token grants. (allowed: echo) This token allows: echo.',
    );
    expect(ran).toEqual(['echo  hi ']);
    await client.close();
    await w.guard.settled();
    const log = await w.records();
    expect(log.map((r) => r.code ?? r.result?.status)).toEqual(['allowed', 'ok', 'tool_not_granted']);
  });

  it('resources, templates, prompts and completion are calls like any other', async () => {
    const bare = await connected(w.token({ tools: ['echo'] }));
    for (const [list, field] of [
      [await bare.listResources(), 'resources'],
      [await bare.listResourceTemplates(), 'resourceTemplates'],
      [await bare.listPrompts(), 'prompts'],
    ] as const)
      expect((list as Record<string, unknown>)[field]).toEqual([]);
    expect(await codeOfError(bare.readResource({ uri: 'docs://a' }))).toBe('tool_not_granted');
    expect(await codeOfError(bare.getPrompt({ name: 'greet', arguments: { name: 'x' } }))).toBe(
      'tool_not_granted',
    );
    const ref = { type: 'ref/prompt' as const, name: 'greet' };
    expect(await codeOfError(bare.complete({ ref, argument: { name: 'name', value: 'a' } }))).toBe(
      'tool_not_granted',
    );
    expect(ran).toEqual([]);
    await bare.close();

    const client = await connected(
      w.token({ tools: ['mcp.resources.*', 'mcp.prompts.*', 'mcp.completion.*'] }),
    );
    expect((await client.listResources()).resources).toHaveLength(1);
    expect((await client.listPrompts()).prompts).toHaveLength(1);
    expect((await client.readResource({ uri: 'docs://a' })).contents).toMatchObject([
      { text: 'the document' },
    ]);
    const prompt = await client.getPrompt({ name: 'greet', arguments: { name: 'ann' } });
    expect(prompt.messages[0]?.content).toMatchObject({ text: 'hello ann' });
    expect(
      (await client.complete({ ref, argument: { name: 'name', value: 'a' } })).completion.values,
    ).toContain('alice');
    await client.close();
  });

  it('progress passes', async () => {
    const client = await connected(w.token({ tools: ['slow'] }));
    const seen: number[] = [];
    const options = { onprogress: (p: { progress: number }): void => void seen.push(p.progress) };
    const done =
      line === 1
        ? client.callTool({ name: 'slow', arguments: {} }, undefined, options)
        : (client.callTool as (p: object, o: object) => Promise<unknown>)(
            { name: 'slow', arguments: {} },
            options,
          );
    expect(textOf(await done)).toBe('done');
    expect(seen).toEqual([1, 2, 3]);
    await client.close();
  });

  it('the connection closes without harm, and the server can be connected again', async () => {
    const client = await connected(w.token({ tools: ['echo'] }));
    await client.callTool({ name: 'echo', arguments: { text: 'a' } });
    await client.close();
    const again = await connected(w.token({ tools: ['echo'] }));
    expect(codeOf(await again.callTool({ name: 'echo', arguments: { text: 'b' } }))).toBeUndefined();
    await again.close();
  });
});

describe('other transports', () => {
  it('v1 over stdio', async () => {
    const toServer = new PassThrough();
    const toClient = new PassThrough();
    await guardServer(build(1), { guard: w.guard }).connect(new StdioV1(toServer, toClient) as never);
    toServer.write(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}}}\n',
    );
    const [chunk] = (await once(toClient, 'data')) as [Buffer];
    expect(chunk.toString()).toContain('token_missing');
    expect(ran).toEqual([]);
  });

  it('v2 serveStdio', async () => {
    const toServer = new PassThrough();
    const toClient = new PassThrough();
    const transport = new (await import('@modelcontextprotocol/server/stdio')).StdioServerTransport(
      toServer,
      toClient,
    );
    const served = serveStdio(() => guardServer(build(2) as unknown as ServerV2, { guard: w.guard }), {
      transport,
    });
    toServer.write(
      '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}\n',
    );
    await once(toClient, 'data');
    toServer.write(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}}}\n',
    );
    const [chunk] = (await once(toClient, 'data')) as [Buffer];
    expect(chunk.toString()).toContain('token_missing');
    expect(ran).toEqual([]);
    await served.close();
  });

  it.each(['legacy', 'auto'] as const)('v2 createMcpHandler, a server a request, era %s', async (mode) => {
    const handler = createMcpHandler(() => guardServer(build(2) as unknown as ServerV2, { guard: w.guard }));
    const http = new HttpV2(new URL('http://mcp.test/mcp'), {
      fetch: (url, init) => handler.fetch(new Request(url, init)),
    });
    attach(http as never, holder(w.token({ tools: ['echo'] })));
    const client = new ClientV2({ name: 't', version: '1' }, { versionNegotiation: { mode } });
    await client.connect(http);
    expect((await client.listTools()).tools.map((t) => t.name)).toEqual(['echo']);
    expect(textOf(await client.callTool({ name: 'echo', arguments: { text: 'x' } }))).toBe('x 7');
    expect(codeOf(await client.callTool({ name: 'secret_tool', arguments: {} }))).toBe('tool_not_granted');
    expect(ran).toEqual(['echo x']);
    await client.close();
    await w.guard.settled();
    expect((await w.records()).map((r) => r.proof).filter((p) => p !== undefined)).toContain('session');
  });
});

describe('a hostile client', () => {
  async function raw(): Promise<{
    send: (m: object) => Promise<void>;
    got: Record<string, unknown>[];
    sees: object[];
    answer: (m: object) => Promise<void>;
  }> {
    const [a, b] = MemoryV1.createLinkedPair();
    const sees: object[] = [];
    const got: Record<string, unknown>[] = [];
    const server = {
      connect: async (t: InstanceType<typeof MemoryV1>) => {
        t.onmessage = (m) => void sees.push(m);
        await t.start();
      },
    };
    guardServer(server as never, { guard: w.guard });
    await (server.connect as (t: unknown) => Promise<void>)(b);
    a.onmessage = (m) => void got.push(m);
    await a.start();
    const turn = (): Promise<void> => new Promise((r) => setTimeout(r, 60));
    return {
      got,
      sees,
      send: async (m) => {
        await a.send({ jsonrpc: '2.0', ...m } as never);
        await turn();
      },
      answer: async (m) => {
        await b.send({ jsonrpc: '2.0', ...m } as never);
        await turn();
      },
    };
  }
  const callWith = (id: unknown, token: string): object => {
    const params: Record<string, unknown> = { name: 'echo', arguments: {} };
    const sent: { message?: Record<string, unknown> } = {};
    const pipe = { send: async (m: never) => void (sent.message = m), onmessage: undefined };
    attach(pipe as never, holder(token));
    void pipe.send({ jsonrpc: '2.0', id, method: 'tools/call', params } as never);
    return sent.message!;
  };

  it('answers that nobody asked for go no further, in either direction', async () => {
    const c = await raw();
    await c.send({ id: 5, result: { roots: [{ uri: 'file:///' }] } });
    expect(c.sees).toEqual([]);
    await c.answer({ id: 9, result: { tools: [{ name: 'evil' }] } });
    expect(c.got).toEqual([]);
    await c.answer({ id: 's1', method: 'sampling/createMessage', params: {} });
    await c.send({ id: 's1', result: { ok: 1 } });
    await c.send({ id: 's1', result: { ok: 2 } });
    expect(c.sees).toEqual([{ jsonrpc: '2.0', id: 's1', result: { ok: 1 } }]);
  });

  it('a server that answers before the call is decided, or twice, is not heard', async () => {
    const c = await raw();
    const slow = c.send(callWith(1, w.token()));
    await c.answer({ id: 1, result: { content: [{ type: 'text', text: 'forged' }] } });
    await slow;
    await vi.waitFor(() => expect(c.sees).toHaveLength(1), 30_000);
    expect(JSON.stringify(c.got)).not.toContain('forged');
    expect(c.sees).toHaveLength(1);
    await c.answer({ id: 1, result: { content: [] } });
    await c.answer({ id: 1, result: { content: [{ type: 'text', text: 'second' }] } });
    expect(c.got).toHaveLength(1);
    await w.guard.settled();
    expect((await w.records()).filter((r) => r.kind === 'outcome')).toHaveLength(1);
  });

  it('an id in use and an id beyond the limit are refused; a list result is filtered whatever its shape', async () => {
    const c = await raw();
    await c.send(callWith(7, w.token()));
    await vi.waitFor(() => expect(c.sees).toHaveLength(1), 30_000);
    await c.send(callWith(7, w.token()));
    await vi.waitFor(() => expect(c.got).toHaveLength(1), 30_000);
    await c.send({ id: 'x'.repeat(10_000), method: 'ping' });
    expect(JSON.stringify(c.got)).not.toContain('xxxx');
    expect(c.sees).toHaveLength(1);
    await c.send({ id: 8, method: 'tools/list' });
    await c.answer({ id: 8, result: { tools: { name: 'not a list' } } });
    expect(c.got.at(-1)?.['result']).toMatchObject({ tools: [] });
  });

  it('a call cancelled while it is decided never reaches the server; cancelled later, its outcome says so', async () => {
    const c = await raw();
    const pending = c.send(callWith(1, w.token()));
    await c.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
    await pending;
    expect(c.sees).toEqual([]);
    await c.send(callWith(2, w.token()));
    await vi.waitFor(() => expect(c.sees).toHaveLength(1), 30_000);
    await c.send({ method: 'notifications/cancelled', params: { requestId: 2 } });
    expect(c.sees).toHaveLength(2);
    await w.guard.settled();
    expect((await w.records()).flatMap((r) => r.result?.status ?? [])).toEqual(['cancelled', 'cancelled']);
  });

  it('a client cannot widen a server with roots', async () => {
    const c = await raw();
    const capabilities = { roots: { listChanged: true }, sampling: {} };
    await c.send({ id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities } });
    expect(c.sees[0]).toMatchObject({ params: { capabilities: { sampling: {} } } });
    expect(JSON.stringify(c.sees)).not.toContain('roots');
    await c.send({ method: 'notifications/roots/list_changed' });
    await c.answer({ id: 'r', method: 'roots/list' });
    await c.send({ id: 'r', result: { roots: [{ uri: 'file:///etc' }] } });
    expect(c.sees).toHaveLength(1);
  });

  it('nothing but what was checked is forwarded: no token, no unknown fields', async () => {
    const c = await raw();
    await c.send({ ...callWith(1, w.token()), extra: 'smuggled' });
    await vi.waitFor(() => expect(c.sees).toHaveLength(1), 30_000);
    expect(c.sees).toEqual([
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } },
    ]);
  });
});

describe('proof sessions', () => {
  it('a verifier that has forgotten a session gets the call again, signed, and the caller notices nothing', async () => {
    // Another process of the same service takes over: the same keys, another epoch, no sessions.
    const verifier = createVerifier({
      audience: AUDIENCE,
      keys: w.keyring.exportFor(AUDIENCE),
      provider: nodeProvider,
      proofSessions: { key: SecretKey.generate('x25519') },
    });
    const tools = (): { external: boolean; data: string[] } => ({ external: false, data: ['internal'] });
    const other = createGuard({ verifier, store: w.store, audit: w.recorder, tools });
    let current = w.guard;
    const [a, b] = MemoryV1.createLinkedPair();
    const switching = { ...w.guard, authorize: (p: GuardRequest) => current.authorize(p) };
    await guardServer(build(1), { guard: switching }).connect(b as never);
    attach(a, holder(w.token({ tools: ['echo'] })));
    const client = new ClientV1({ name: 't', version: '1' });
    await client.connect(a);
    const say = async (text: string): Promise<string | undefined> =>
      codeOf(await client.callTool({ name: 'echo', arguments: { text } }));
    expect(await say('a')).toBeUndefined();
    current = other;
    expect(await say('b')).toBeUndefined();
    expect(ran).toEqual(['echo a', 'echo b']);
    await client.close();
    const seen = (await w.records()).filter((r) => r.kind === 'decision').map((r) => [r.code, r.proof]);
    expect(seen[0]).toEqual(['allowed', 'session']);
    expect(seen.slice(1).map(([code]) => code)).toEqual([expect.not.stringMatching('allowed'), 'allowed']);
    expect(seen[2]).toEqual(['allowed', 'signed']);
  });
});
