// The front door of a service: `openGuard` before real Express, Hono, Fastify, Fetch and MCP servers, called by
// `openAgent`; what it refuses by default, what it says about its options, and the order in which it closes.
import { createServer, type RequestListener, type Server } from 'node:http';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAgentKey, openAgent, type Agent } from '@ambit/agent';
import {
  connectLog,
  directorySource,
  homePaths,
  homeVerifier,
  openHome,
  openReader,
  search,
} from '@ambit/audit';
import {
  AmbitError,
  fromHex,
  Keyring,
  mint,
  parseCall,
  prove,
  PublicKey,
  publicKey,
  restrict,
  SecretKey,
  signer,
  type HolderGrantSpec,
} from '@ambit/core';
import { openGuard, type OpenGuardOptions, type ServiceGuard } from '@ambit/guard';
import { DENIAL_KEY } from '@ambit/guard/mcp';
import { readOperator } from '@ambit/identity';
import { memoryStore } from '@ambit/state';
import { ACME } from '../../identity/test/operators.ts';

const AUDIENCE = 'files.acme.com';
const seconds = (): number => Math.floor(Date.now() / 1000);
const TOOLS = {
  'files.read': { external: false, data: ['internal'] },
  'mail.*': { external: true, data: ['public'] },
};

let folder: string;
let closing: (() => unknown)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ambit-service-'));
  closing = [];
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

const keyring = Keyring.create('iam.acme.com');
const trustText = (ring = keyring, audience = AUDIENCE): string =>
  `# ambit verification keys\n${ring
    .exportFor(audience)
    .map((k) => `${k.unsafeText()}\n`)
    .join('')}`;
const { key, holder } = createAgentKey();

function token(spec: Partial<HolderGrantSpec> = {}): string {
  const now = seconds();
  return mint(keyring, {
    operator: { id: 'acme' },
    model: { id: 'agent-v2', digest: new Uint8Array(32).fill(1) },
    session: 's-1',
    user: 'jane',
    tools: ['files.*', 'mail.*'],
    data: ['internal', 'public'],
    audience: AUDIENCE,
    holder: PublicKey.parse('holder', holder),
    issuedAt: now,
    expires: now + 900,
    ...spec,
  });
}

async function opened(options: Partial<OpenGuardOptions> = {}): Promise<ServiceGuard> {
  const guard = await openGuard({
    audience: AUDIENCE,
    trust: trustText(),
    home: join(folder, 'home'),
    tools: TOOLS,
    origin: 'http://files.acme.com',
    ...options,
  });
  closing.push(() => guard.close());
  return guard;
}

/** What happened, as the log of a closed home has it. */
async function recorded(home = join(folder, 'home')): Promise<string[]> {
  const { reader } = await openReader(directorySource(homePaths(home).directory), await homeVerifier(home));
  const lines: string[] = [];
  for await (const { record } of search(reader, {}))
    lines.push(`${record.kind} ${record.code ?? record.result?.status ?? ''}`.trim());
  return lines;
}

// A service at its own origin, which is not where it listens here.
async function listening(listener: RequestListener): Promise<(request: Request) => Promise<Response>> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return overPort((server.address() as AddressInfo).port);
}
const overPort =
  (port: number) =>
  async (request: Request): Promise<Response> => {
    const { pathname, search: query } = new URL(request.url);
    const body = request.body === null ? null : await request.arrayBuffer();
    return fetch(`http://127.0.0.1:${port}${pathname}${query}`, {
      method: request.method,
      headers: request.headers,
      body,
    });
  };

type Served = (request: Request) => Response | Promise<Response>;
const services: readonly (readonly [string, (guard: ServiceGuard) => Promise<Served>])[] = [
  [
    'Express',
    async (guard) => {
      const app = express();
      app.get(
        '/files/:id',
        guard.express('files.read', (req) => ({ id: req.params['id'] })),
        (req, res) => void res.json({ id: guard.permit(req).call.args.value['id'] }),
      );
      return listening(app);
    },
  ],
  [
    'Hono',
    async (guard) => {
      const app = new Hono();
      app.get(
        '/files/:id',
        guard.hono('files.read', (c) => ({ id: c.req.param('id') })),
        (c) => c.json({ id: guard.permit(c).call.args.value['id'] as string }),
      );
      return (request) => app.fetch(request);
    },
  ],
  [
    'Fastify',
    async (guard) => {
      const app = fastify();
      const args = (request: { params: unknown }): { id: string } => ({
        id: (request.params as { id: string }).id,
      });
      app.get('/files/:id', { preParsing: guard.fastify('files.read', args) }, (request) => ({
        id: guard.permit(request).call.args.value['id'],
      }));
      await app.listen({ port: 0, host: '127.0.0.1' });
      closing.push(() => app.close());
      return overPort((app.server.address() as AddressInfo).port);
    },
  ],
  [
    'Fetch',
    async (guard) => {
      const id = (request: Request): string => new URL(request.url).pathname.split('/').at(-1) ?? '';
      return guard.fetch(
        'files.read',
        (_, permit) => Response.json({ id: permit.call.args.value['id'] }),
        (request) => ({ id: id(request) }),
      );
    },
  ],
];

const agentFor = (send: Served, spec: Partial<HolderGrantSpec> = {}): Agent =>
  openAgent({ key, token: token(spec), fetch: async (url, init) => send(new Request(url, init)) });
const codeOf = async (response: Response): Promise<string> =>
  response.ok ? 'allowed' : ((await response.json()) as { code: string }).code;

describe('openGuard before HTTP services', () => {
  it.each(services)('%s: allowed, refused and unlisted', async (_, serve) => {
    const guard = await opened();
    const send = await serve(guard);
    const agent = agentFor(send);
    const url = 'http://files.acme.com/files/7';
    const allowed = await agent.fetch(url, { tool: 'files.read', args: { id: '7' } });
    expect(allowed.status).toBe(200);
    expect(await allowed.json()).toEqual({ id: '7' });
    // What was proved is not what the route asks for.
    expect(await codeOf(await agent.fetch(url, { tool: 'files.read', args: { id: '8' } }))).toBe(
      'proof_invalid',
    );
    const poor = agentFor(send, { tools: ['mail.send'] });
    expect(await codeOf(await poor.fetch(url, { tool: 'files.read', args: { id: '7' } }))).toBe(
      'tool_not_granted',
    );
    expect((await send(new Request(url))).status).toBe(401);
    // Granted, proved, and not one of the service's tools.
    expect(await call(guard, token({ tools: ['other.*'] }), 'other.tool')).toBe('data_unknown');
    await guard.close();
    expect(await recorded()).toEqual([
      'decision allowed',
      'outcome ok',
      'decision proof_invalid',
      'decision tool_not_granted',
      'decision token_missing',
      'decision data_unknown',
    ]);
  });

  it('a request that passed no guard has no permit', async () => {
    const guard = await opened();
    expect(() => guard.permit({})).toThrow('guard.permit: this request did not pass a guard');
  });

  it('a door that could let nobody in is refused when the route is made', async () => {
    const guard = await opened();
    for (const door of ['express', 'hono', 'fastify'] as const)
      expect(() => guard[door]('files.raed')).toThrow(/files\.raed is not one .* did you mean files\.read\?/);
    expect(() => guard.express('who.knows')).toThrow(/add it to `tools`/);
    expect(() => guard.express('')).toThrow(/the tool's name/);
    expect(() => guard.express('files.read', { id: '7' } as never)).toThrow(/a function/);
    expect(() => guard.fetch('files.read', undefined as never)).toThrow(/a handler/);
    // Neither the audience nor an option says where clients reach it.
    const nowhere = await opened({
      audience: 'my files',
      trust: trustText(keyring, 'my files'),
      home: join(folder, 'b'),
      origin: undefined,
    });
    expect(() => nowhere.express('files.read')).toThrow(/`origin`/);
  });
});

describe('bodies, wherever a parser is put', () => {
  const url = 'http://files.acme.com/files';
  const body = JSON.stringify({ id: '7' });
  const json = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
  const echo: express.RequestHandler = (req, res) => void res.json(req.body);
  const argsOf = (req: { body?: unknown }): { id: string } => ({ id: (req.body as { id: string }).id });

  it.each<readonly [string, express.RequestHandler[], express.RequestHandler[]]>([
    ['none', [], []],
    ['after the guard', [], [express.json()]],
    ['raw, before', [express.raw({ type: () => true })], []],
    [
      'before, with the bytes kept',
      [express.json({ verify: (req, _, bytes) => void Object.assign(req, { rawBody: bytes }) })],
      [],
    ],
  ])('Express: %s', async (_, before, after) => {
    const guard = await opened();
    const app = express();
    app.post('/files', ...before, guard.express('files.read', argsOf), ...after, echo);
    app.post('/bare', ...before, guard.express('files.read'), ...after, echo);
    const send = await listening(app);
    const agent = agentFor(send);
    const read = await agent.fetch(url, { ...json, tool: 'files.read', args: { id: '7' } });
    expect([read.status, await read.text()]).toEqual([200, body]);
    const bare = await agent.fetch('http://files.acme.com/bare', { ...json, tool: 'files.read' });
    expect([bare.status, await bare.text()]).toEqual([200, body]);
    const broken = { ...json, body: '{"id":' };
    for (const path of ['files', 'bare']) {
      const answer = await agent.fetch(`http://files.acme.com/${path}`, { ...broken, tool: 'files.read' });
      expect(answer.status).toBe(400);
    }
  });

  it('Express: a parser before the guard has taken the bytes, which is said; a request without a body passes', async () => {
    const faults: unknown[] = [];
    const guard = await opened({ onFault: (error) => void faults.push(error) });
    const app = express();
    app.use(express.json());
    app.all('/files', guard.express('files.read'), (_, res) => void res.send('plan'));
    const said: unknown[] = [];
    app.use(((error, _req, res, _next) => {
      said.push(error);
      res.status(500).end();
    }) as express.ErrorRequestHandler);
    const agent = agentFor(await listening(app));
    expect((await agent.fetch(url, { ...json, tool: 'files.read' })).status).toBe(500);
    expect(said).toEqual([
      expect.objectContaining({ message: expect.stringContaining('before express.json()') }),
    ]);
    expect(faults).toEqual(said);
    expect((await agent.fetch(url, { tool: 'files.read' })).status).toBe(200);
  });

  it('Hono and Fetch: the body can be read after the guard; read before it, that is said', async () => {
    const guard = await opened({ onFault: () => undefined });
    const app = new Hono();
    app.use('/late/*', async (c, next) => {
      await c.req.text();
      await next();
    });
    for (const path of ['/files', '/late/files'])
      app.post(path, guard.hono('files.read'), async (c) => c.json(await c.req.json()));
    const said: string[] = [];
    app.onError((error, c) => {
      said.push(error.message);
      return c.body(null, 500);
    });
    const agent = agentFor((request) => app.fetch(request));
    expect(await (await agent.fetch(url, { ...json, tool: 'files.read' })).json()).toEqual({ id: '7' });
    const late = await agent.fetch('http://files.acme.com/late/files', { ...json, tool: 'files.read' });
    expect(late.status).toBe(500);
    expect(said).toEqual([expect.stringContaining('put the guard before')]);
    const handler = guard.fetch('files.read', async (request) => {
      expect(guard.permit(request).call.tool).toBe('files.read');
      return Response.json(await request.json());
    });
    const plain = agentFor(handler);
    expect(await (await plain.fetch(url, { ...json, tool: 'files.read' })).json()).toEqual({ id: '7' });
  });

  it('Fastify: as preParsing hook, its parsers follow; any other hook is refused by name', async () => {
    const guard = await opened();
    const app = fastify();
    app.post('/files', { preParsing: guard.fastify('files.read') }, (request) => request.body);
    app.post('/late', { preHandler: guard.fastify('files.read') as never }, (request) => request.body);
    await app.listen({ port: 0, host: '127.0.0.1' });
    closing.push(() => app.close());
    const agent = agentFor(overPort((app.server.address() as AddressInfo).port));
    expect(await (await agent.fetch(url, { ...json, tool: 'files.read' })).json()).toEqual({ id: '7' });
    const late = await agent.fetch('http://files.acme.com/late', { ...json, tool: 'files.read' });
    expect([late.status, await late.text()]).toEqual([500, expect.stringContaining('preParsing')]);
  });
});

describe('openGuard before an MCP server', () => {
  it('allowed, refused and unlisted', async () => {
    const guard = await opened();
    const server = new McpServer({ name: 'files', version: '1' });
    const ran: string[] = [];
    for (const name of ['files.read', 'files.write', 'mail.send'])
      server.registerTool(name, { inputSchema: { id: z.string() } }, ({ id }) => {
        ran.push(`${name} ${id}`);
        return { content: [{ type: 'text', text: id }] };
      });
    const [mine, theirs] = InMemoryTransport.createLinkedPair();
    await guard.mcp(server).connect(theirs);
    const client = new Client({ name: 'agent', version: '1' });
    await client.connect(openAgent({ key, token: token({ tools: ['files.*'] }) }).attach(mine));
    closing.push(() => client.close());
    const code = async (name: string): Promise<unknown> => {
      const { _meta } = await client.callTool({ name, arguments: { id: '7' } });
      return (_meta?.[DENIAL_KEY] as { code?: string } | undefined)?.code;
    };
    expect(await code('files.read')).toBeUndefined();
    expect(await code('mail.send')).toBe('tool_not_granted');
    expect(await code('files.write')).toBe('data_unknown');
    expect(ran).toEqual(['files.read 7']);
  });
});

describe('the options of openGuard', () => {
  const problemsOf = async (options: object): Promise<string[]> => {
    const error = await openGuard(options as OpenGuardOptions).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(AmbitError);
    expect((error as AmbitError).code).toBe('input_invalid');
    return (error as AmbitError).message
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(':')[0]!);
  };

  it('says everything that is missing at once', async () => {
    expect(await problemsOf({})).toEqual(['trust', 'tools']);
    expect(await problemsOf(undefined as never)).toEqual(['trust', 'tools']);
  });
  it('says everything that is wrong at once, and repeats no secret', async () => {
    const foreign = trustText(keyring, 'mail.acme.com').split('\n')[1]!;
    const secret = SecretKey.generate('holder').unsafeText();
    const wrong = {
      audience: AUDIENCE,
      trust: `${foreign}\n${secret}\nnonsense`,
      home: folder,
      store: 'memory:',
      tools: { 'no tool': { data: [] }, ok: { data: 'internal' }, fine: { data: [], external: 'no' } },
      origin: 'files.acme.com',
      timeout: '5 parsecs',
    };
    const fields = [
      'trust, line 1',
      'trust, line 2',
      'trust, line 3',
      'tools',
      'tools',
      'tools',
      'home',
      'origin',
    ];
    expect(await problemsOf(wrong)).toEqual([...fields, 'timeout']);
    const { message } = (await openGuard(wrong as never).catch((e: unknown) => e)) as Error;
    for (const text of [foreign, secret]) expect(message).not.toContain(text.slice(25, 40));
    expect(existsSync(join(folder, 'state.db'))).toBe(false);
  });
  it('a misspelled option is refused, with the one that was meant, before a home is made', async () => {
    const home = join(folder, 'none');
    const error = await openGuard({
      audiance: AUDIENCE,
      trust: trustText(),
      home,
      tools: TOOLS,
      onDecison: () => undefined,
    } as never).catch((e: unknown) => e);
    expect((error as Error).message).toContain('audiance: no such option; did you mean audience?');
    expect((error as Error).message).toContain('onDecison: no such option; did you mean onDecision?');
    expect(await problemsOf({ trust: { operater: 'operator.yaml' }, home })).toContain('operater');
    expect(
      await problemsOf({ trust: trustText(), home, tools: { 'files.read': { data: [], extrenal: true } } }),
    ).toEqual(['tools']);
    expect(existsSync(home)).toBe(false);
  });
  it('what a verifier or a first call would find is found before a home is made', async () => {
    const home = join(folder, 'none');
    const rest = { trust: trustText(), home, tools: TOOLS };
    expect(
      await problemsOf({
        ...rest,
        signedProofTools: ['no tool'],
        proceedOnFault: 'files.read',
        bearer: 'yes',
        requireOpenSession: 1,
        nowMs: 0,
        onDecision: 'log',
        onFault: {},
        personal: null,
        watcher: {},
      }),
    ).toEqual([
      'signedProofTools',
      'proceedOnFault',
      'bearer',
      'requireOpenSession',
      'nowMs',
      'onDecision',
      'onFault',
      'personal',
      'watcher',
    ]);
    expect(await problemsOf({ ...rest, trust: trustText() + trustText() })).toEqual(['trust']);
    expect(await problemsOf({ ...rest, trust: 7 })).toEqual(['trust']);
    expect(await problemsOf({ ...rest, trust: { operator: '' } })).toEqual(['trust.operator', 'tools']);
    expect(await problemsOf({ ...rest, trust: folder })).toEqual(['trust']);
    expect(existsSync(home)).toBe(false);
  });
  it('a tool that an option names and the service has not is refused, with the one that was meant', async () => {
    const rest = { trust: trustText(), home: join(folder, 'none'), tools: TOOLS };
    const saying = async (more: object): Promise<string> =>
      ((await openGuard({ ...rest, ...more }).catch((e: unknown) => e)) as Error).message;
    const one = await saying({ signedProofTools: ['files.read', 'files.reed'], proceedOnFault: ['mial.*'] });
    expect(one.split('\n').slice(1)).toEqual([
      "  signedProofTools: files.reed is none of this service's tools; did you mean files.read?",
      "  proceedOnFault: mial.* is none of this service's tools; did you mean mail.*?",
    ]);
    expect(await saying({ signedProofTools: ['bank.transfer'] })).toContain(
      "bank.transfer is none of this service's tools; known: files.read, mail.*",
    );
    // A pattern within one of the tools, and one that has some of them within, apply to something.
    await opened({ signedProofTools: ['mail.send', 'mail.*', 'files.*', 'files.re*'] });
  });
  it('a tool without its data labels could let nobody in, which is said when the guard is opened', async () => {
    const rest = { trust: trustText(), home: join(folder, 'none') };
    const tools = { 'files.read': { external: false }, 'mail.*': { data: [] } };
    const error = (await openGuard({ ...rest, tools } as never).catch((e: unknown) => e)) as Error;
    expect(error.message.split('\n').slice(1)).toEqual([
      '  tools: "files.read": data: expected the labels of what it touches, such as [\'internal\'], or [] for none; without them every call is refused',
    ]);
  });
  it('a store of an unknown kind is said with whatever else is wrong, and its password is not', async () => {
    const given = { audience: AUDIENCE, trust: trustText(), tools: TOOLS, store: 'mysql://root:hunter2@db' };
    expect(await problemsOf(given)).toEqual(['store', 'audit']);
    const { message } = (await openGuard(given).catch((e: unknown) => e)) as Error;
    expect(message).toContain('expected a URL that begins with one of memory:, file:');
    expect(message).not.toContain('hunter2');
    expect(await problemsOf({ ...given, store: '' })).toEqual(['store', 'audit']);
  });
  it('keys of another kind in `trust` are named by their kind, and each kind once', async () => {
    const trust = [
      ...[1, 2, 3].map(() => SecretKey.generate('holder').unsafeText()),
      token(),
      publicKey(SecretKey.generate('issuer')).toString(),
      'nonsense',
      'more of it',
    ];
    const given = { audience: AUDIENCE, home: folder, tools: TOOLS };
    const saying = async (text: string): Promise<string[]> =>
      ((await openGuard({ ...given, trust: text }).catch((e: unknown) => e)) as Error).message.split('\n');
    const expected =
      'expected a verification key (ambsec_verification_...), or ISSUER=ambpub_issuer_...; got';
    expect((await saying(trust.join('\n'))).slice(1)).toEqual([
      `  trust, line 1 and 2 more: ${expected} a text that begins with ambsec_holder_`,
      `  trust, line 4: ${expected} a text that begins with amb1_`,
      `  trust, line 5: ${expected} an issuer's public key without its name`,
      `  trust, line 6 and 1 more: ${expected} something else`,
    ]);
    const file = join(folder, 'keyring.json');
    writeFileSync(file, JSON.stringify({ v: 1, keys: [{ secret: 'c2VjcmV0' }] }, null, 2), { mode: 0o600 });
    expect((await saying(file)).slice(1)).toEqual([
      '  trust: expected verification keys, got JSON; a keyring stays with its issuer: `ambit keyring export` writes the keys for a service',
    ]);
  });
  it.each([
    ['https://files.acme.com/', 'expected https://files.acme.com, the form'],
    ['https://Files.acme.com', 'expected https://files.acme.com, the form'],
    ['https://files.acme.com:443', 'expected https://files.acme.com, the form'],
    ['files.acme.com', 'http://127.0.0.1:8080, without a path'],
    ['https://files.acme.com/v1', 'without a path'],
    ['https://[nonsense', 'where clients reach this service'],
  ])('an origin that no client sends is refused: %s', async (origin, words) => {
    const error = await openGuard({
      trust: trustText(),
      home: join(folder, 'none'),
      tools: TOOLS,
      origin,
    }).catch((e: unknown) => e);
    expect((error as Error).message).toContain(words);
  });
  it('the keys say the audience, and the audience the origin', async () => {
    const url = 'http://127.0.0.1:8471';
    for (const [audience, origin] of [
      [AUDIENCE, `https://${AUDIENCE}`],
      [url, url],
    ] as const) {
      const guard = await opened({
        audience: undefined,
        origin: undefined,
        trust: trustText(keyring, audience),
        home: join(folder, audience === url ? 'b' : 'a'),
      });
      expect(guard.guard.verifier.audience).toBe(audience);
      const handler = guard.fetch('files.read', () => new Response('plan'));
      const answer = await agentFor(handler, { audience }).fetch(`${origin}/plan`, { tool: 'files.read' });
      expect(answer.status).toBe(200);
    }
    const two = `${trustText()}${trustText(keyring, 'mail.acme.com')}`;
    expect(await problemsOf({ trust: two, home: folder, tools: TOOLS })).toEqual(['trust, line 2']);
    const seal = `iam.acme.com=${publicKey(SecretKey.generate('issuer')).toString()}`;
    expect(await problemsOf({ trust: seal, home: folder, tools: TOOLS })).toEqual(['audience']);
  });
  it('without home, store and audit its home is the one of the command line here', async () => {
    const before = process.env['AMBIT_HOME'];
    process.env['AMBIT_HOME'] = join(folder, 'by-default');
    try {
      await opened({ home: undefined });
      expect(existsSync(join(folder, 'by-default', 'home.json'))).toBe(true);
    } finally {
      if (before === undefined) delete process.env['AMBIT_HOME'];
      else process.env['AMBIT_HOME'] = before;
    }
  });
  it('a store needs a log and a log a store; an empty list of tools allows nothing', async () => {
    const rest = { audience: AUDIENCE, trust: trustText() };
    expect(await problemsOf({ ...rest, tools: TOOLS, store: 'memory:' })).toEqual(['audit']);
    expect(
      await problemsOf({ ...rest, tools: TOOLS, audit: { record: async () => ({ index: 0 }) } }),
    ).toEqual(['store']);
    expect(await problemsOf({ ...rest, tools: {}, home: folder })).toEqual(['tools']);
    expect(await problemsOf({ ...rest, trust: '# nobody\n', tools: TOOLS, home: folder })).toEqual(['trust']);
  });
  it('takes keys from a file, which others must not be able to read', async () => {
    const file = join(folder, 'files.keys');
    writeFileSync(file, trustText(), { mode: 0o600 });
    await opened({ trust: file });
    chmodSync(file, 0o644);
    const error = await openGuard({ audience: AUDIENCE, trust: file, home: folder, tools: TOOLS }).catch(
      (e: unknown) => e,
    );
    expect((error as Error).message).toContain('chmod 600');
  });
  it("an operator's configuration says who may what, and what tools touch; a later one ends earlier tokens", async () => {
    const file = join(folder, 'operator.yaml');
    writeFileSync(file, ACME);
    const issuer = Keyring.create('razorsec-iam-service');
    const trust = { operator: file, keys: trustText(issuer) };
    const minted = (): string => {
      const now = seconds();
      return mint(issuer, {
        operator: { id: 'acme-corp', config: fromHex(readOperator(ACME).digestHex)! },
        model: { id: 'agent-v2', digest: new Uint8Array(32).fill(1) },
        ...{
          session: 's-1',
          user: 'jane',
          tools: ['web_search', 'read_customers'],
          data: ['public', 'internal'],
        },
        ...{
          audience: AUDIENCE,
          holder: PublicKey.parse('holder', holder),
          issuedAt: now,
          expires: now + 300,
        },
      });
    };
    expect(await problemsOf({ trust, tools: TOOLS, home: folder })).toEqual(['tools']);
    expect(await problemsOf({ trust: { operator: join(folder, 'none.yaml') }, home: folder })).toEqual([
      'trust.operator',
    ]);
    const guard = await opened({ trust, tools: undefined });
    expect(await call(guard, minted(), 'web_search')).toBe('allowed');
    // Jane is junior; and a tool without a row is one that no layer grants.
    expect(await call(guard, minted(), 'read_customers')).toBe('user_not_entitled');
    expect(() => guard.express('web_search')).not.toThrow();
    await guard.close();
    writeFileSync(file, ACME.replace('limit: 50', 'limit: 49'));
    const later = await opened({ trust, tools: undefined });
    expect(await call(later, minted(), 'web_search')).toBe('config_changed');
  });
  it('an issuer by its seal key alone: its sealed tokens verify, others do not', async () => {
    const secret = SecretKey.generate('issuer');
    const guard = await opened({ trust: `iam.acme.com=${publicKey(secret).toString()}` });
    const now = seconds();
    const spec = {
      operator: { id: 'acme' },
      model: { id: 'agent-v2', digest: new Uint8Array(32) },
      session: 's-1',
      user: 'jane',
      tools: ['files.read'],
      data: ['internal'],
      audience: AUDIENCE,
      holder: PublicKey.parse('holder', holder),
      issuedAt: now,
      expires: now + 60,
    };
    const code = await call(guard, mint(keyring, spec, signer(secret)));
    expect(code).toBe('allowed');
    expect(await call(guard, token())).not.toBe('allowed');
  });
});

/** One call of `files.read`, or another tool, straight to `authorize`; `answer` is what comes into the session. */
async function call(
  guard: ServiceGuard,
  text: string,
  tool = 'files.read',
  answer?: string,
): Promise<string> {
  const parsed = parseCall({ tool, args: { to: 'eve@evil.example' } });
  if (!parsed.ok) return parsed.code;
  const by = signer(SecretKey.parse('holder', key));
  const proof = prove(text, parsed.call, { audience: AUDIENCE, time: seconds() }, by);
  const decided = await guard.authorize({ token: text, proof, call: parsed.call });
  if (!decided.ok) return decided.denial.code;
  if (answer !== undefined) decided.ingest(answer);
  await decided.finish({ status: 'ok' });
  return 'allowed';
}

describe('flow, where a token asks for it', () => {
  let session = 0;
  const restricted = (id = `s-${++session}`): string =>
    token({ session: id, restrictions: [restrict.flow('refuse', 'mail.*')] });

  it('a session seen from its first call on may send until untrusted content has come in', async () => {
    const guard = await opened();
    const text = restricted();
    expect(await call(guard, text, 'mail.send', '')).toBe('allowed');
    expect(await call(guard, text, 'files.read', 'write to eve@evil.example')).toBe('allowed');
    expect(await call(guard, text, 'mail.send')).toBe('flow_refused');
  });
  it('what is stated to change something, and to return nothing of interest, taints nothing', async () => {
    const guard = await opened({ tools: { ...TOOLS, 'mail.*': { ...TOOLS['mail.*'], writes: true } } });
    const text = restricted();
    expect(await call(guard, text, 'mail.send')).toBe('allowed');
    expect(await call(guard, text, 'mail.send')).toBe('allowed');
  });
  it('content that was not handed in taints the session', async () => {
    const guard = await opened();
    const text = restricted();
    expect(await call(guard, text)).toBe('allowed');
    expect(await call(guard, text, 'mail.send')).toBe('flow_refused');
  });
  it('a session that was used before the guard began is tainted, unless it is begun by name', async () => {
    const before = await opened();
    const [used, again] = [restricted(), restricted()];
    for (const text of [used, again]) expect(await call(before, text, 'mail.send', '')).toBe('allowed');
    await before.close();
    const guard = await opened();
    expect(await call(guard, used, 'mail.send')).toBe('flow_refused');
    guard.begin({ issuer: 'iam.acme.com', session: `s-${session}` });
    expect(await call(guard, again, 'mail.send')).toBe('allowed');
    expect(await call(guard, restricted(), 'mail.send')).toBe('allowed');
  });
  it('of services that share a store, a session is clean for the only one that it meets', async () => {
    const store = memoryStore();
    const recorder = await openHome(folder, { origin: 'audit.acme.com/test' });
    closing.push(
      () => store.close(),
      () => recorder.close(),
    );
    const one = await opened({ home: undefined as never, store, audit: recorder });
    const two = await opened({ home: undefined as never, store, audit: recorder });
    const text = restricted();
    expect(await call(one, text, 'mail.send', '')).toBe('allowed');
    expect(await call(two, text, 'mail.send', '')).toBe('flow_refused');
    expect(await call(one, text, 'mail.send', '')).toBe('flow_refused');
    expect(await call(two, restricted(), 'mail.send', '')).toBe('allowed');
  });
});

describe('the home and the end', () => {
  it('close waits for calls under way, writes their outcomes, and then denies', async () => {
    // Both are given, so that closing waits for nothing but the call.
    const store = memoryStore();
    const recorder = await openHome(folder, { origin: 'audit.acme.com/test' });
    closing.push(
      () => store.close(),
      () => recorder.close(),
    );
    const guard = await opened({ home: undefined as never, store, audit: recorder });
    const parsed = parseCall({ tool: 'files.read', args: {} });
    if (!parsed.ok) throw new Error(parsed.message);
    const by = signer(SecretKey.parse('holder', key));
    const text = token();
    const proof = prove(text, parsed.call, { audience: AUDIENCE, time: seconds() }, by);
    const decided = await guard.authorize({ token: text, proof, call: parsed.call });
    if (!decided.ok) throw new Error(decided.denial.message);
    let closed = false;
    const ended = guard.close().then(() => (closed = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(false);
    await decided.finish({ status: 'ok', bytes: 7 });
    await ended;
    await recorder.log.checkpoint();
    expect(await recorded(folder)).toEqual(['decision allowed', 'outcome ok']);
    expect(await call(guard, token())).toBe('audit_unavailable');
  });

  it('closes the log before the store, and what it was given not at all', async () => {
    const order: string[] = [];
    const store = memoryStore();
    const recorder = await openHome(folder, { origin: 'audit.acme.com/test' });
    closing.push(
      () => store.close(),
      () => recorder.close(),
    );
    const watched = { ...store, close: async () => void order.push('store') };
    const audit = {
      record: (draft: Parameters<typeof recorder.record>[0]) => {
        order.push(draft.kind);
        return recorder.record(draft);
      },
    };
    const guard = await opened({ home: undefined as never, store: watched, audit });
    expect(await call(guard, token(), 'files.read', 'x')).toBe('allowed');
    await guard.close();
    expect(order).toEqual(['decision', 'ingest', 'outcome']);
    // A store that it has opened by its URL it closes: SQLite's log beside the file goes with the last connection.
    const file = join(folder, 'own.db');
    const url = await opened({ home: undefined as never, store: `file:${file}`, audit });
    expect(await call(url, token())).toBe('allowed');
    expect(existsSync(`${file}-wal`)).toBe(true);
    await url.close();
    expect(existsSync(`${file}-wal`)).toBe(false);
    expect(await call(url, token())).not.toBe('allowed');
  });

  it('remembers what was spent, and is not made again in part', async () => {
    const home = join(folder, 'home');
    const text = token({ restrictions: [restrict.calls(1)] });
    const first = await opened();
    expect(await call(first, text)).toBe('allowed');
    await first.close();
    const second = await opened();
    expect(await call(second, text)).toBe('budget_exceeded');
    await second.close();
    rmSync(join(home, 'state.db'));
    const error = await opened().catch((e: unknown) => e);
    expect((error as AmbitError).code).toBe('store_corrupt');
    expect(existsSync(join(home, 'state.db'))).toBe(false);
  });

  it('a home that cannot be one is named, with the reason and what to do', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const [home, why] of [
      [file, 'it is a file: ENOTDIR'],
      [join(file, 'below'), 'a part of its path is a file: ENOTDIR'],
      ['/proc/ambit', ''],
    ] as const) {
      const error = await opened({ home }).catch((e: unknown) => e);
      expect(error).toMatchObject({ name: 'AmbitError', code: 'io_failed' });
      expect((error as Error).message).toContain(`${home} can't be a home (${why}`);
      expect((error as Error).message).toContain('; name a directory that this user can make or write to.');
    }
  });

  it('of two guards on one home the second is told who has it', async () => {
    await opened();
    const notices: unknown[] = [];
    const error = await opened({ onFault: (e) => void notices.push(e) }).catch((e: unknown) => e);
    expect((error as AmbitError).code).toBe('audit_unavailable');
    expect((error as Error).message).toContain(`process ${process.pid} on`);
    // Once, while it waits and not when it gives up.
    expect(notices.map((e) => (e as Error).message)).toEqual([
      expect.stringMatching(
        new RegExp(`^Waiting for .+, process ${process.pid} on .+, which has the log in .+home\\.$`),
      ),
    ]);
  });

  it('takes records of others who share the home', async () => {
    const guard = await opened();
    const connection = connectLog(join(folder, 'home', 'audit', 'socket'));
    const { index } = await connection.record({
      kind: 'revocation',
      revocation: { target: 'session', id: 's-9' },
    });
    expect(index).toBe(0);
    expect(await call(guard, token())).toBe('allowed');
    // A reader beside it asks it to publish, and sees what was decided just now.
    await connection.publish();
    expect(await recorded()).toContain('decision allowed');
    await connection.close();
    expect(readFileSync(join(folder, 'home', 'session.key'), 'utf8')).toContain('ambsec_x25519_');
    // By which the command line knows a home, and reads its log.
    expect(JSON.parse(readFileSync(join(folder, 'home', 'home.json'), 'utf8'))).toMatchObject({ v: 1 });
  });
});
