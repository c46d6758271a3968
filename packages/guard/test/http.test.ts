// HTTP: the same answer from node:http, Express, Fastify, Hono and a plain Fetch handler; proofs over method, target
// and body; every way to present credentials badly; the client that proves what it sends.
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  bodyDigest,
  createVerifier,
  deny,
  Keyring,
  parseCall as makeCall,
  prove,
  restrict,
} from '@ambit/core';
import { capabilityFetch } from '@ambit/agent';
import { createGuard, type Permit } from '@ambit/guard';
import {
  httpGuard,
  expressCapability,
  fastifyCapability,
  fetchHandler,
  honoCapability,
  nodeHandler,
  type Capability,
  type CapabilityOptions,
  refusal,
} from '@ambit/guard/http';
import { AUDIENCE, seconds, world, type World } from './world.ts';

const ORIGIN = 'https://files.acme.com';
interface Sent {
  readonly method: string;
  readonly target: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
}
interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}
/** A service on one framework; `send` gives what came back, byte by byte as sent. */
interface Service {
  send(sent: Sent): Promise<Got>;
  close(): Promise<void>;
}

/** What every service does with a checked request. */
const served = (permit: Permit | undefined, body: string): string =>
  JSON.stringify({ tool: permit?.call.tool, body });

async function overNode(server: Server): Promise<Service> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const send = ({ method, target, headers = [], body }: Sent): Promise<Got> =>
    new Promise((resolve, reject) => {
      const flat = ['Host', 'files.acme.com', 'Connection', 'close', ...headers.flat()];
      if (body !== undefined)
        flat.push('Content-Length', String(Buffer.byteLength(body)), 'Content-Type', 'text/plain');
      const req = httpRequest(
        { port, host: '127.0.0.1', method, path: target, headers: flat as never },
        (res) => {
          const chunks: Buffer[] = [];
          res.on('data', (c: Buffer) => chunks.push(c)).on('error', reject);
          res.on('end', () => {
            const got = new Headers();
            for (const [name, value] of Object.entries(res.headers)) got.set(name, String(value));
            resolve({ status: res.statusCode ?? 0, headers: got, body: Buffer.concat(chunks).toString() });
          });
        },
      );
      req.on('error', reject);
      req.end(body);
    });
  return {
    send,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const overFetch = (handle: (r: Request) => Promise<Response> | Response): Service => ({
  send: async ({ method, target, headers = [], body }) => {
    const all = new Headers();
    for (const [name, value] of headers) all.append(name, value);
    const res = await handle(
      new Request(`http://10.0.0.1${target}`, {
        method,
        headers: all,
        ...(body === undefined ? {} : { body }),
      }),
    );
    return { status: res.status, headers: res.headers, body: await res.text() };
  },
  close: async () => undefined,
});

const services: readonly (readonly [string, (cap: Capability) => Promise<Service>])[] = [
  [
    'node:http',
    (cap) =>
      overNode(
        createServer(
          nodeHandler(cap, (_, res, { permit, body }) => {
            res.writeHead(200, { 'content-type': 'application/json' });
            res.end(served(permit, Buffer.from(body).toString()));
          }),
        ),
      ),
  ],
  [
    'Express',
    (cap) => {
      const app = express();
      app.use(expressCapability(cap) as never);
      app.use(
        (req, res) =>
          void res.json(
            JSON.parse(served((req as { capability?: Permit }).capability, (req.body as Buffer).toString())),
          ),
      );
      return overNode(createServer(app));
    },
  ],
  [
    'Fastify',
    async (cap) => {
      const app = fastify();
      app.addHook('preParsing', fastifyCapability(cap) as never);
      app.all('*', async (request, reply) => {
        reply.type('application/json');
        return served(
          (request as { capability?: Permit }).capability,
          (request.body as string | undefined) ?? '',
        );
      });
      await app.ready();
      return overNode(app.server);
    },
  ],
  [
    'Hono',
    async (cap) => {
      const app = new Hono<{ Variables: { capability: Permit } }>();
      app.use(honoCapability(cap) as never);
      app.all('*', async (c) =>
        c.body(served(c.get('capability'), await c.req.text()), 200, { 'content-type': 'application/json' }),
      );
      return overFetch((r) => app.fetch(r));
    },
  ],
  [
    'Fetch',
    async (cap) =>
      overFetch(
        fetchHandler(
          cap,
          (_, permit, body) =>
            new Response(served(permit, Buffer.from(body).toString()), {
              headers: { 'content-type': 'application/json' },
            }),
        ),
      ),
  ],
];

let w: World;
beforeEach(async () => {
  w = await world();
});
afterEach(async () => w.end());
const made = (more: Partial<CapabilityOptions> = {}): Capability =>
  httpGuard({ guard: w.guard, origin: ORIGIN, ...more });

/** Headers with token and proof over what is given. */
function credentials(token: string, over: Sent, scheme = 'Capability'): (readonly [string, string])[] {
  const http = {
    method: over.method,
    origin: ORIGIN,
    target: over.target,
    ...(over.body === undefined ? {} : { bodyDigest: bodyDigest(Buffer.from(over.body)) }),
  };
  const c = makeCall({ tool: `http.${over.method.toLowerCase()}`, args: {}, http });
  if (!c.ok) throw new Error(c.message);
  return [
    ['Authorization', `${scheme} ${token}`],
    ['Capability-Proof', prove(token, c.call, { audience: AUDIENCE, time: seconds() }, w.agent)],
  ];
}
const granted = (): string => w.token({ tools: ['http.*'] }, restrict.http(['GET', 'POST'], ['/docs/*']));

describe('the same answer everywhere', () => {
  it('P3 P10 G7 G8 allowed, refused, challenged: status, headers and body agree on all five', async () => {
    const all: Record<string, unknown[]> = {};
    for (const [name, make] of services) {
      const service = await make(made());
      const get: Sent = { method: 'GET', target: '/docs/a?x=%20y' };
      const post: Sent = { method: 'POST', target: '/docs/b', body: '{"a": 1}' };
      const outside: Sent = { method: 'GET', target: '/private' };
      const token = granted();
      const once = { ...get, headers: credentials(token, get) };
      const cases: Sent[] = [
        once,
        { ...post, headers: credentials(token, post, 'bearer') },
        once, // P3 again: replayed
        get, // nothing presented
        { ...get, headers: [['Authorization', `Bearer ${token}`]] },
        { ...outside, headers: credentials(token, outside) },
        { ...post, headers: credentials(token, get) }, // P10: method, target and body are another request's
        { ...get, target: '/docs/a?x=%20z', headers: credentials(token, get) }, // P10: target
        { ...post, body: '{"a": 2}', headers: credentials(token, post) }, // P10: body
        { method: 'GET', target: post.target, headers: credentials(token, { ...post, method: 'GET' }) }, // P10: body left out
        { ...get, headers: [...credentials(token, get), ['Authorization', `Bearer ${granted()}`]] }, // G7: two of them
        { ...get, headers: [...credentials(token, get), ['Capability-Proof', 'ambp1_x']] },
        { method: 'GET', target: `/docs/a?access_token=${token}` }, // G7: in the query
        { ...get, headers: [['Authorization', 'Basic YTpi']] },
        { ...get, headers: [['Authorization', `Bearer ${token}", error="x`]] }, // G7: header injection
        { ...get, headers: [['Authorization', 'Bearer amb1_AAAA']] },
        { ...post, body: 'x'.repeat(1_100_000), headers: credentials(token, post) }, // G8
      ];
      const got: unknown[] = [];
      for (const sent of cases) {
        const { status, headers, body } = await service.send(sent);
        const verified = (header: string): string | undefined =>
          headers.get(header)?.replace(/; ?charset=utf-8$/i, '');
        if (body.startsWith('<')) console.log(name, sent, body);
        const { instance: _, ...parsed } = JSON.parse(body) as Record<string, unknown>;
        got.push({
          status,
          type: verified('content-type'),
          cache: status === 200 ? 'free' : verified('cache-control'),
          vary: status === 200 ? 'free' : verified('vary'),
          challenge: verified('www-authenticate'),
          body: parsed,
        });
        expect(body).not.toMatch(/amb1_[A-Za-z0-9]{5}|ambp1_/);
      }
      await service.close();
      all[name] = got;
    }
    const reference = all['node:http'] as {
      status: number;
      challenge?: string;
      body: { code?: string; body?: string };
    }[];
    for (const [name] of services) expect([name, all[name]]).toEqual([name, reference]);
    expect(reference.map((r) => [r.status, r.body.code])).toEqual([
      [200, undefined],
      [200, undefined],
      [401, 'replayed'],
      [401, 'token_missing'],
      [401, 'proof_missing'],
      [403, 'http_refused'],
      [401, 'proof_invalid'],
      [401, 'proof_invalid'],
      [401, 'proof_invalid'],
      [401, 'proof_invalid'],
      [400, 'request_invalid'],
      [400, 'request_invalid'],
      [400, 'request_invalid'],
      [400, 'request_invalid'],
      [400, 'request_invalid'],
      [401, 'token_invalid'],
      [413, 'request_too_large'],
    ]);
    expect(reference[1]?.body.body).toBe('{"a": 1}');
    // RFC 6750 section 3.1: nothing presented, no error code; refused authority, insufficient_scope.
    expect(reference[3]?.challenge).toBe(`Capability realm="${AUDIENCE}"`);
    // A token alone lets nobody in here: no challenge of this service says that it would.
    for (const { challenge } of reference) expect(challenge ?? '').not.toContain('Bearer');
    expect(reference[5]?.challenge).toContain('error="insufficient_scope"');
    expect(reference[2]?.challenge).toContain('error="invalid_token"');
    await w.guard.settled();
    const log = await w.records();
    expect(log.filter((r) => r.kind === 'decision')).toHaveLength(services.length * reference.length);
  });

  it('an allowed request that uses a budget up to its threshold is told what is left, once, on all five', async () => {
    const verifier = w.verifier;
    const tools = (): { external: false; data: string[] } => ({ external: false, data: [] });
    const guard = createGuard({
      verifier,
      store: w.store,
      audit: w.recorder,
      tools,
      timeout: 30_000,
      warnAt: 50,
    });
    const get: Sent = { method: 'GET', target: '/docs/a' };
    for (const [name, make] of services) {
      const service = await make(made({ guard }));
      const spec = { tools: ['http.*'], budgets: [{ unit: 'calls', limit: 4 }] } as const;
      const token = w.token(spec, restrict.calls(3));
      const got: unknown[] = [];
      for (let i = 0; i < 4; i++) {
        const { status, headers, body } = await service.send({ ...get, headers: credentials(token, get) });
        got.push([status, headers.get('ratelimit')]);
        if (status === 200) expect(JSON.parse(body)).toMatchObject({ tool: 'http.get' });
      }
      await service.close();
      expect([name, ...got]).toEqual([
        name,
        [200, null],
        // Two of four are left of the grant's, one of three of the caveat's.
        [200, '"budget";r=2, "budget";r=1'],
        [200, null],
        [403, '"budget";r=0'],
      ]);
    }
  });

  it("the guard's word about a budget stands beside the service's own, whose answer may come from elsewhere", async () => {
    const tools = (): { external: false; data: string[] } => ({ external: false, data: [] });
    const parts = { verifier: w.verifier, store: w.store, audit: w.recorder, tools, timeout: 30_000 };
    const cap = made({ guard: createGuard({ ...parts, warnAt: 50 }) });
    const get: Sent = { method: 'GET', target: '/docs/a' };
    const upstream = createServer(
      (_, res) => void res.writeHead(201, { ratelimit: '"hour";r=9' }).end('theirs'),
    );
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { port } = upstream.address() as AddressInfo;
    const service = overFetch(fetchHandler(cap, () => fetch(`http://127.0.0.1:${port}/`)));
    const token = w.token({ tools: ['http.*'] }, restrict.calls(2));
    const { status, headers, body } = await service.send({ ...get, headers: credentials(token, get) });
    expect([status, body, headers.get('ratelimit')]).toEqual([201, 'theirs', '"hour";r=9, "budget";r=1']);
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
  });

  it('a service that accepts tokens without a holder asks for them by that name as well', async () => {
    const keys = Keyring.create('iam.acme.com').exportFor(AUDIENCE);
    const open = await world({ verifier: createVerifier({ audience: AUDIENCE, keys, bearer: true }) });
    const cap = httpGuard({ guard: open.guard, origin: ORIGIN });
    const answer = await cap({ method: 'GET', target: '/docs/a', header: () => [] });
    expect(!answer.ok && answer.refusal.headers['www-authenticate']).toBe(
      `Capability realm="${AUDIENCE}", Bearer realm="${AUDIENCE}"`,
    );
    await open.end();
  });

  it('G8 a body that never ends is refused after its time, and the answer gets out', async () => {
    for (const [name, make] of services.slice(0, 3)) {
      const service = await make(made({ bodyTime: 80 }));
      const hanging: Sent = {
        method: 'POST',
        target: '/docs/a',
        headers: [
          ['Content-Length', '1000'],
          ['Content-Type', 'text/plain'],
        ],
      };
      const { status, body } = await service.send(hanging);
      expect([name, status, (JSON.parse(body) as { code: string }).code]).toEqual([
        name,
        408,
        'request_timeout',
      ]);
      await service.close();
    }
  });

  it('a handler that fails is an error without words, and its outcome says so', async () => {
    const service = await overNode(
      createServer(
        nodeHandler(made(), () => {
          throw new Error('secret of the handler');
        }),
      ),
    );
    const get: Sent = { method: 'GET', target: '/docs/a' };
    const got = await service.send({ ...get, headers: credentials(granted(), get) });
    expect([got.status, got.body]).toEqual([500, '']);
    await service.close();
    await w.guard.settled();
    expect((await w.records()).flatMap((r) => r.result?.status ?? [])).toEqual(['error']);
  });
});

describe('a budget that is used up', () => {
  it('says over HTTP what is left and when to come again, and nothing of it when it is counted in all', () => {
    expect(refusal(deny('token_missing'), 'acme', null).headers['www-authenticate']).toBe(
      'Capability realm="acme"',
    );
    const windowed = refusal(
      { ...deny('budget_exceeded', '3 left', 2), left: 3, resets: 1_800_000_060 },
      'acme',
      null,
    );
    expect(windowed.headers).toMatchObject({
      'retry-after': 'Fri, 15 Jan 2027 08:01:00 GMT',
      ratelimit: '"budget";r=3',
    });
    expect(JSON.parse(windowed.body)).toMatchObject({ left: 3, resets: 1_800_000_060 });
    const inAll = refusal({ ...deny('budget_exceeded', '0 left', 2), left: 0 }, 'acme', null);
    expect(inAll.headers).not.toHaveProperty('retry-after');
    expect(inAll.headers).toMatchObject({ ratelimit: '"budget";r=0' });
  });
});

describe('what the handler knows', () => {
  it('bytes and outcome come from the handler; the budget keeps what was moved', async () => {
    const token = w.token({ tools: ['http.*'], budgets: [{ unit: 'bytes', limit: 1000 }] });
    const handle = fetchHandler(made({ known: () => ({ bytes: 600 }) }), (_, permit) => {
      permit.report({ bytes: 100, status: 'error', error: 'half_done' });
      return new Response('ok');
    });
    const service = overFetch(handle);
    const get: Sent = { method: 'GET', target: '/docs/a' };
    const codes: number[] = [];
    // Each reserves 600 and gives 500 back: five fit into 1000 (0, 100, 200, 300, 400 used before), the sixth does not.
    for (let i = 0; i < 6; i++)
      codes.push((await service.send({ ...get, headers: credentials(token, get) })).status);
    expect(codes).toEqual([200, 200, 200, 200, 200, 403]);
    await w.guard.settled();
    const results = (await w.records()).flatMap((r) => r.result ?? []);
    expect(results[0]).toMatchObject({ status: 'error', bytes: 100, error: 'half_done' });
  });

  it.each([-1, 0.5, Number.NaN, Infinity])(
    'L10 a handler that says it moved %d bytes gets nothing back',
    async (bytes) => {
      const token = w.token({ tools: ['http.*'], budgets: [{ unit: 'bytes', limit: 1000 }] });
      const handle = fetchHandler(made({ known: () => ({ bytes: 600 }) }), (_, permit) => {
        permit.report({ bytes });
        return new Response('ok');
      });
      const service = overFetch(handle);
      const get: Sent = { method: 'GET', target: '/docs/a' };
      const send = async (): Promise<number> =>
        (await service.send({ ...get, headers: credentials(token, get) })).status;
      expect(await send()).toBe(200);
      await w.guard.settled();
      expect(await send()).toBe(403);
    },
  );

  it('data labels of the handler count before the decision, and can only add', async () => {
    const token = w.token({ tools: ['http.*'], data: ['internal'] });
    const secret = made({ known: ({ target }) => (target.includes('salary') ? { data: ['hr'] } : {}) });
    const service = overFetch(fetchHandler(secret, () => new Response('ok')));
    const open: Sent = { method: 'GET', target: '/docs/a' };
    const closed: Sent = { method: 'GET', target: '/docs/salary' };
    expect((await service.send({ ...open, headers: credentials(token, open) })).status).toBe(200);
    const refused = await service.send({ ...closed, headers: credentials(token, closed) });
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'data_refused' });
    const failing = made({
      known: () => {
        throw new Error('no');
      },
    });
    const broken = overFetch(fetchHandler(failing, () => new Response('ok')));
    expect((await broken.send({ ...open, headers: credentials(token, open) })).status).toBe(403);
  });
});

describe('capabilityFetch', () => {
  it('proves each request anew: method, target with its query, body', async () => {
    const handle = fetchHandler(
      made(),
      async (request, permit, body) =>
        new Response(served(permit, `${request.method} ${Buffer.from(body).toString()}`)),
    );
    const get = capabilityFetch({
      token: granted,
      signer: w.agent,
      audience: AUDIENCE,
      fetch: (url, init) => handle(new Request(url, init)),
    });
    expect((await get(`${ORIGIN}/docs/a?q=ä b`)).status).toBe(200);
    const sent = await get(`${ORIGIN}/docs/a`, { method: 'POST', body: JSON.stringify({ x: 1 }) });
    expect(await sent.json()).toEqual({ tool: 'http.post', body: 'POST {"x":1}' });
    expect((await get(`${ORIGIN}/private`)).status).toBe(403);
    const elsewhere = capabilityFetch({
      token: granted(),
      signer: w.agent,
      audience: 'other.acme.com',
      fetch: (url, init) => handle(new Request(url, init)),
    });
    expect((await elsewhere(`${ORIGIN}/docs/a`)).status).toBe(401);
  });
});
