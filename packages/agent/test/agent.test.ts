// The front door of an agent: key and token as texts or files, one error for everything that is wrong, and requests that
// a real verifier takes; sub-agents get less and end.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  attach,
  capabilityFetch,
  createAgentKey,
  createSubAgent,
  openAgent,
  type OpenAgentOptions,
} from '@ambit/agent';
import {
  AmbitError,
  createVerifier,
  inspect,
  Keyring,
  mint,
  parseCall,
  PublicKey,
  SecretKey,
  signer,
  toBase64url,
  type Verification,
} from '@ambit/core';
import { contextOf, credentials } from '@ambit/wire/http';

const AUDIENCE = 'files.acme.com';
const NOW = 1_772_373_600;
const keyring = Keyring.create('iam.acme.com');
const verifier = createVerifier({ audience: AUDIENCE, keys: keyring.exportFor(AUDIENCE) });
const { key, holder } = createAgentKey();
const tokenFor = (who: string, audience: string | null = AUDIENCE): string =>
  mint(keyring, {
    operator: { id: 'acme' },
    model: { id: 'agent-v2', digest: new Uint8Array(32) },
    session: 's-1',
    user: 'jane',
    tools: ['files.*'],
    delegations: 1,
    ...(audience === null ? {} : { audience }),
    holder: PublicKey.parse('holder', who),
    issuedAt: NOW,
    expires: NOW + 900,
  });
const token = tokenFor(holder);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ambit-agent-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string, mode = 0o600): string => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
};

/** What a service finds of a request for `tool`. */
function verify(request: Request, tool: string, args: { readonly [name: string]: unknown }): Verification {
  const url = new URL(request.url);
  const http = {
    method: request.method,
    target: url.pathname,
    header: (name: string) => [request.headers.get(name) ?? ''],
  };
  const given = credentials(http);
  const parsed = parseCall({ tool, args, http: contextOf(http, url.origin) });
  if (!given.ok || !parsed.ok) throw new Error('not a call');
  return verifier.verify({ token: given.token!, proof: given.proof, call: parsed.call, now: NOW });
}

function agentOf(options: Partial<OpenAgentOptions> = {}): {
  sent: Request[];
  agent: ReturnType<typeof openAgent>;
} {
  const sent: Request[] = [];
  const fetch: typeof globalThis.fetch = async (url, init) => {
    sent.push(new Request(url, init));
    return new Response('{}');
  };
  return { sent, agent: openAgent({ key, token, fetch, nowMs: () => NOW * 1000, ...options }) };
}

describe('openAgent', () => {
  it.each(['texts', 'files'])('takes %s, and proves what it sends', async (kind) => {
    const given =
      kind === 'texts'
        ? { key, token }
        : {
            key: file('agent.key', `# ambit holder key\n${key}\n`),
            token: file('agent.tok', `${token}\n`, 0o644),
          };
    const { sent, agent } = agentOf(given);
    expect(agent).toMatchObject({ audience: AUDIENCE, holder });
    await agent.fetch('https://files.acme.com/files/7', { tool: 'files.read', args: { id: '7' } });
    expect(verify(sent[0]!, 'files.read', { id: '7' }).ok).toBe(true);
    expect(verify(sent[0]!, 'files.read', { id: '8' }).ok).toBe(false);
    await agent.fetch('https://files.acme.com/files/7');
    expect(verify(sent[1]!, 'http.get', {}).ok).toBe(true);
  });

  it('says everything that is wrong at once, and repeats no secret', () => {
    const other = createAgentKey();
    const messageOf = (options: object): string => {
      try {
        openAgent(options as OpenAgentOptions);
      } catch (error) {
        expect((error as AmbitError).code).toBe('input_invalid');
        return (error as AmbitError).message;
      }
      return 'no error';
    };
    expect(messageOf({}).match(/^ {2}\w+/gm)).toEqual(['  key', '  token']);
    expect(messageOf({ key: holder, token: 'amb1_x' }).match(/^ {2}\w+/gm)).toEqual(['  key', '  token']);
    expect(messageOf({ key: other.key, token: tokenFor(holder, null) }).match(/^ {2}\w+/gm)).toEqual([
      '  audience',
      '  token',
    ]);
    expect(messageOf({ key, token, audiance: 'files.acme.com' })).toContain(
      'audiance: no such option; did you mean audience?',
    );
    expect(
      messageOf({ key, token, audience: '', revoke: 1, toCall: 1, nowMs: 1, fetch: 1 }).match(/^ {2}\w+/gm),
    ).toEqual(['  audience', '  revoke', '  toCall', '  nowMs', '  fetch']);
    expect(messageOf(undefined as never).match(/^ {2}\w+/gm)).toEqual(['  key', '  token']);
    const root = SecretKey.generate('root').unsafeText();
    expect(messageOf({ key: root, token })).not.toContain(root.slice(12));
    expect(messageOf({ key: join(folder, 'none'), token })).toContain('none');
  });

  it('a misspelled option of a request, a holder or a sub-agent is refused, with the one that was meant', async () => {
    const { sent, agent } = agentOf();
    const wrong = { tool: 'files.read', arg: { id: '7' }, metod: 'GET' } as never;
    const error: unknown = await agent.fetch('https://files.acme.com/7', wrong).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'input_invalid' });
    expect((error as AmbitError).message.split('\n')).toEqual([
      'agent.fetch',
      '  arg: no such option; did you mean args?',
      '  metod: no such option; did you mean method?',
    ]);
    expect(sent).toEqual([]);
    // Whatever Fetch itself has passes.
    const init = { method: 'POST', body: '{}', headers: {}, signal: AbortSignal.abort(), duplex: 'half' };
    await agent.fetch('https://files.acme.com/7', { ...init, signal: null } as RequestInit);
    expect(sent).toHaveLength(1);

    const by = { token, signer: signer(SecretKey.parse('holder', key)), audience: AUDIENCE };
    const transport = {
      start: async () => undefined,
      send: async () => undefined,
      close: async () => undefined,
    };
    expect(() => capabilityFetch({ ...by, toCal: () => ({ tool: 'a' }) } as never)).toThrow(
      'did you mean toCall?',
    );
    expect(() => attach(transport, { ...by, aliass: (n: string) => n } as never)).toThrow(
      'did you mean alias?',
    );
    // Refused, it is not attached: the same transport can be had with the right options.
    attach(transport, { ...by, toCall: () => ({ tool: 'a' }) } as never);
    const spawn = {
      to: PublicKey.parse('holder', holder),
      only: [],
      label: 'x',
      revoke: async () => undefined,
    };
    expect(() => createSubAgent(token, by.signer, { ...spawn, lifes: 5 } as never)).toThrow(
      'did you mean life?',
    );
  });

  it('refuses a secret that others can read', () => {
    const path = file('agent.key', key);
    chmodSync(path, 0o640);
    expect(() => agentOf({ key: path })).toThrow(/chmod 600/);
  });

  it('asks for the current token at each request, where tokens are renewed', async () => {
    let current = token;
    const { sent, agent } = agentOf({ token: () => current });
    current = tokenFor(holder);
    await agent.fetch('https://files.acme.com/');
    expect(sent[0]!.headers.get('authorization')).toContain(current);
  });
});

describe('a service that is not there', () => {
  const agent = openAgent({ key, token });
  const failing = async (url: string, init: RequestInit = {}): Promise<AmbitError> => {
    const error: unknown = await agent.fetch(url, init).catch((e: unknown) => e);
    if (!(error instanceof AmbitError)) throw new Error('no AmbitError', { cause: error });
    return error;
  };
  async function serving<T>(answer: RequestListener, use: (origin: string) => Promise<T>): Promise<T> {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  it('is said by a code and one sentence, without the path, and the cause is kept', async () => {
    // A port that was free a moment ago.
    const origin = await serving(
      () => undefined,
      async (at) => at,
    );
    const error = await failing(`${origin}/secret-path`);
    expect(error.code).toBe('service_unreachable');
    expect(error.message).toBe(
      `${origin} could not be reached (ECONNREFUSED); check the URL and that the service runs.`,
    );
    expect(error.cause).toBeInstanceOf(TypeError);
  });

  it('a redirect is not followed, and said to be one', async () => {
    const error = await serving(
      (_request, response) => void response.writeHead(302, { location: '/elsewhere' }).end(),
      (origin) => failing(`${origin}/`),
    );
    expect(error.code).toBe('service_unreachable');
    expect(error.message).toMatch(/answered with a redirect/);
  });

  it('an abort stays an abort, and what is no URL a TypeError', async () => {
    const asked = agent.fetch('http://127.0.0.1:1/', { signal: AbortSignal.abort() });
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    await expect(agent.fetch('files/7')).rejects.toBeInstanceOf(TypeError);
  });
});

describe('a sub-agent', () => {
  const worker = createAgentKey();
  it('has less, belongs to its own key, and is revoked when its task ends', async () => {
    const revoked: string[] = [];
    const { agent } = agentOf({ revoke: async (node) => void revoked.push(node) });
    const given = { to: worker.holder, tools: ['files.read'], calls: 3, for: '5m' } as const;
    const { node, text } = await agent.withSubAgent(given, async (child) => {
      expect(revoked).toEqual([]);
      return { node: child.node, text: child.token };
    });
    expect(revoked).toEqual([node]);
    const said = inspect(text);
    expect(said.holder).toBe(toBase64url(PublicKey.parse('holder', worker.holder).bytes));
    expect(said.expires).toBe(NOW + 300);
    const { sent, agent: child } = agentOf({ key: worker.key, token: text });
    await child.fetch('https://files.acme.com/7', { tool: 'files.read' });
    expect(verify(sent[0]!, 'files.read', {}).ok).toBe(true);
  });
  it('must get less, for a stated time, and all that is wrong is said at once', async () => {
    const { agent } = agentOf();
    const wrong = { to: worker.key, for: 'a while' };
    const error: unknown = await agent.withSubAgent(wrong, async () => undefined).catch((e: unknown) => e);
    const { message } = error as Error;
    expect(message.match(/^ {2}[\w, ]+/gm)).toEqual(['  to', '  for', '  tools, calls, only']);
    expect(message).not.toContain(worker.key.slice(15));
    const more = { to: undefined, tool: ['files.read'], tools: ['no tool'], calls: -1 };
    const other: unknown = await agent
      .withSubAgent(more as never, async () => undefined)
      .catch((e: unknown) => e);
    expect((other as AmbitError).code).toBe('input_invalid');
    expect((other as Error).message.match(/^ {2}[\w, ]+/gm)).toEqual([
      '  tool',
      '  to',
      '  tools',
      '  calls',
    ]);
  });
});
