// The stdio proxy before the published MCP servers, with the clients of both SDK lines: allowed calls work
// unchanged, everything else is refused, every decision is in the audit log, and nothing refused reaches the server.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { prove, restrict, parseCall as makeCall, delegate } from '@ambit/core';
import { attach } from '@ambit/agent';
import { DENIAL_KEY } from '@ambit/guard/mcp';
import { proxied, recorded, serverFile, type Proxied } from './transports.ts';
import { AUDIENCE, seconds, world, type World } from './world.ts';

interface ToolResult {
  readonly isError?: boolean;
  readonly content: readonly { readonly text?: string }[];
  readonly _meta?: Readonly<Record<string, { readonly code?: string }>>;
}
interface AnyClient {
  connect(transport: never): Promise<void>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(params: { name: string; arguments?: Record<string, unknown> }, ...rest: never[]): Promise<unknown>;
  close(): Promise<void>;
}
const SDKS: readonly (readonly [string, () => AnyClient])[] = [
  ['v1', () => new ClientV1({ name: 'test', version: '1' })],
  ['v2', () => new ClientV2({ name: 'test', version: '1' })],
];
const codeOf = (r: unknown): string | undefined => (r as ToolResult)._meta?.[DENIAL_KEY]?.code;
const textOf = (r: unknown): string => (r as ToolResult).content[0]?.text ?? '';

let w: World;
let docs: string;
let seen: string;
beforeEach(async () => {
  w = await world();
  docs = join(w.directory, 'docs');
  seen = join(w.directory, 'received');
  mkdirSync(docs);
  writeFileSync(join(docs, 'a.txt'), 'hello');
  writeFileSync(join(w.directory, 'secret.txt'), 'top secret');
});
afterEach(async () => w.end());

/** The filesystem server, allowed the whole world directory: what keeps the agent in `docs` is its token. */
const filesystem = (): Proxied =>
  proxied(w.guard, process.execPath, recorded(seen, [serverFile('filesystem'), w.directory]));
const inDocs = (): ReturnType<typeof restrict.args> =>
  restrict.args(['read_*', 'write_file', 'list_directory'], { path: { kind: 'subpath', roots: [docs] } });

async function connected(
  make: () => AnyClient,
  p: Proxied,
  token: string,
  signer = w.agent,
): Promise<AnyClient> {
  attach(p.transport, { token, signer, audience: AUDIENCE });
  const client = make();
  await client.connect(p.transport as never);
  return client;
}

describe.each(SDKS)('filesystem server behind the proxy, SDK %s', (_, make) => {
  it('allowed calls work, out-of-scope ones are refused and logged, and the server never hears of them', async () => {
    const p = filesystem();
    const token = w.token({ deny: ['read_media_file'] }, inDocs(), restrict.tools('read_*', 'list_*'));
    const client = await connected(make, p, token);
    const names = (await client.listTools()).tools.map((t) => t.name);
    expect(names).toContain('read_text_file');
    expect(names).not.toContain('write_file');
    expect(names).not.toContain('read_media_file');
    const read = await client.callTool({ name: 'read_text_file', arguments: { path: join(docs, 'a.txt') } });
    expect(textOf(read)).toBe('hello');
    const refused: [string, Record<string, unknown>, string][] = [
      ['read_text_file', { path: join(w.directory, 'secret.txt') }, 'argument_refused'],
      ['read_text_file', { path: `${docs}/../secret.txt` }, 'argument_refused'],
      ['write_file', { path: join(docs, 'b.txt'), content: 'x' }, 'tool_not_granted'],
      ['read_media_file', { path: join(docs, 'a.txt') }, 'tool_denied'],
      ['Read_Text_File', { path: join(docs, 'a.txt') }, 'tool_not_granted'],
      ['move_file', { source: join(docs, 'a.txt'), destination: join(docs, 'c') }, 'tool_not_granted'],
    ];
    for (const [name, args, code] of refused) {
      expect(codeOf(await client.callTool({ name, arguments: args }))).toBe(code);
    }
    await client.close();
    expect(await p.exit).toBe(0);
    const received = readFileSync(seen, 'utf8');
    expect(received).toContain('read_text_file');
    for (const never of [
      'secret.txt',
      'write_file',
      'move_file',
      'read_media_file',
      'Read_Text',
      'amb1_',
      'ambp1_',
    ]) {
      expect(received).not.toContain(never);
    }
    const decisions = (await w.records()).filter((r) => r.kind === 'decision');
    expect(decisions.map((d) => d.code)).toEqual(['allowed', ...refused.map(([, , code]) => code)]);
    expect((await w.records()).filter((r) => r.kind === 'outcome')).toHaveLength(1);
  });

  it('a budget is exhausted after as many calls as it says, over all connections', async () => {
    const token = w.token({ budgets: [{ unit: 'calls', limit: 5 }] });
    const codes: (string | undefined)[] = [];
    for (let connection = 0; connection < 2; connection++) {
      const p = filesystem();
      const client = await connected(make, p, token);
      const all = Array.from({ length: 4 }, () =>
        client.callTool({ name: 'read_text_file', arguments: { path: join(docs, 'a.txt') } }),
      );
      codes.push(...(await Promise.all(all)).map(codeOf));
      await client.close();
      await p.exit;
    }
    expect(codes.filter((c) => c === undefined)).toHaveLength(5);
    expect(codes.filter((c) => c === 'budget_exceeded')).toHaveLength(3);
  });
});

describe('what a thief, a clock and a closed session get', () => {
  const read = { name: 'read_text_file', arguments: {} as Record<string, unknown> };
  beforeEach(() => {
    read.arguments = { path: join(docs, 'a.txt') };
  });

  it('P3 a proof sent twice is refused the second time', async () => {
    const p = filesystem();
    const token = w.token();
    const made = makeCall({ tool: read.name, args: read.arguments });
    if (!made.ok) throw new Error(made.message);
    const proof = prove(token, made.call, { audience: AUDIENCE, time: seconds() }, w.agent);
    const client = SDKS[0]![1]();
    await client.connect(p.transport as never);
    const params = { ...read, _meta: { 'dev.ambit/capability': { token, proof } } };
    expect(codeOf(await client.callTool(params))).toBeUndefined();
    expect(codeOf(await client.callTool(params))).toBe('replayed');
    await client.close();
    await p.exit;
  });

  it('P1 no token, no proof, and a stolen token are refused', async () => {
    const p = filesystem();
    const token = w.token();
    const client = SDKS[0]![1]();
    await client.connect(p.transport as never);
    const withMeta = (meta: object) => ({ ...read, _meta: { 'dev.ambit/capability': meta } });
    expect(codeOf(await client.callTool(read))).toBe('token_missing');
    expect(codeOf(await client.callTool(withMeta({ token })))).toBe('proof_missing');
    const made = makeCall({ tool: read.name, args: read.arguments });
    if (!made.ok) throw new Error(made.message);
    // The thief can't delegate to itself either: it has no key that the token names.
    expect(() => delegate(token, { to: w.thief.publicKey, label: 'me', time: seconds() }, w.thief)).toThrow();
    expect(
      codeOf(await client.callTool(withMeta({ token: token.slice(0, -4) + 'AAAA', proof: 'ambp1_x' }))),
    ).toBe('token_invalid');
    await client.close();
    await p.exit;
    expect(readFileSync(seen, 'utf8')).not.toContain('tools/call');
    const forged = (await w.records()).find((r) => r.code === 'token_invalid');
    expect(forged?.token?.unverified).toBe(true);
    expect(forged?.session).toBeUndefined();
  });

  it('I4 a closed session ends every token of it at once', async () => {
    const p = filesystem();
    const client = await connected(SDKS[0]![1], p, w.token());
    expect(codeOf(await client.callTool(read))).toBeUndefined();
    await w.store.sessions.close('iam.acme.com', 's-1', 'task ended', seconds());
    expect(['session_closed', 'revoked']).toContain(codeOf(await client.callTool(read)));
    await client.close();
    await p.exit;
  });

  it('an expired token is refused', async () => {
    const p = filesystem();
    const client = await connected(
      SDKS[0]![1],
      p,
      w.token({ issuedAt: seconds() - 100, expires: seconds() - 1 }),
    );
    expect(codeOf(await client.callTool(read))).toBe('expired');
    await client.close();
    await p.exit;
  });
});

describe('attacks on the wire (group G)', () => {
  it('G1 resources, batches, unknown methods and unknown notifications go nowhere unasked', async () => {
    const p = proxied(w.guard, process.execPath, recorded(seen, [serverFile('everything'), 'stdio']));
    const client = await connected(SDKS[0]![1], p, w.token());
    const answer = async (text: string, id: string): Promise<string> => {
      p.raw(`${text}\n`);
      for (let i = 0; i < 200; i++) {
        const line = p.lines.find((l) => l.includes(id));
        if (line !== undefined) return line;
        await new Promise((r) => setTimeout(r, 10));
      }
      throw new Error('no answer');
    };
    expect(
      await answer(
        '{"jsonrpc":"2.0","id":"r1","method":"resources/read","params":{"uri":"test://x"}}',
        '"r1"',
      ),
    ).toContain('token_missing');
    expect(
      await answer('{"jsonrpc":"2.0","id":"m1","method":"sampling/createMessage","params":{}}', '"m1"'),
    ).toContain('method_not_allowed');
    const batch = '[{"jsonrpc":"2.0","id":"b1","method":"tools/call","params":{"name":"echo"}}]';
    expect(await answer(batch, '-32600')).toContain('request_invalid');
    p.raw('{"jsonrpc":"2.0","method":"notifications/evil"}\n');
    await client.close();
    await p.exit;
    const received = readFileSync(seen, 'utf8');
    for (const never of ['resources/read', 'sampling', '"b1"', 'evil']) expect(received).not.toContain(never);
    expect((await w.records()).map((r) => r.code)).toContain('method_not_allowed');
  });

  it('G2 duplicate keys are refused; what is forwarded is what was checked', async () => {
    const p = filesystem();
    const client = await connected(SDKS[0]![1], p, w.token({}, inDocs()));
    p.raw(
      `{"jsonrpc":"2.0","id":"d1","method":"tools/call","params":{"name":"read_text_file","arguments":{"path":"${docs}/a.txt","path":"/etc/passwd"}}}\n`,
    );
    p.raw('{"jsonrpc":"2.0","id":"d2","method":"ping","method":"tools/call"}\n');
    await client.listTools();
    await vi.waitFor(() => expect(p.lines.filter((l) => l.includes('-32700'))).toHaveLength(2), 30_000);
    await client.close();
    await p.exit;
    expect(readFileSync(seen, 'utf8')).not.toContain('passwd');
  });

  it('G8 a line beyond the limit is refused without being held', async () => {
    const p = filesystem();
    const client = await connected(SDKS[0]![1], p, w.token());
    p.raw(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"${'a'.repeat(2_000_000)}"}}\n`);
    await client.listTools();
    await vi.waitFor(() => expect(p.lines.some((l) => l.includes('-32700'))).toBe(true), 30_000);
    await client.close();
    await p.exit;
  });

  it('G9 a denial and the log hold no token, proof or key', async () => {
    const p = filesystem();
    const token = w.token({}, inDocs());
    const client = await connected(SDKS[0]![1], p, token);
    const r = await client.callTool({
      name: 'write_file',
      arguments: { path: '/etc/x', content: 'amb1_abc' },
    });
    expect(JSON.stringify(r)).not.toMatch(/amb[1p]/);
    await client.close();
    await p.exit;
    expect(JSON.stringify(await w.records())).not.toMatch(/amb1_|ambp1_|ambsec_/);
  });
});

describe('the other servers', () => {
  it('memory: entities are created through the proxy', async () => {
    const file = join(w.directory, 'memory.jsonl');
    const env = { ...process.env, MEMORY_FILE_PATH: file };
    const p = proxied(w.guard, process.execPath, [serverFile('memory')], { env });
    const client = await connected(SDKS[1]![1], p, w.token({ tools: ['create_entities'] }));
    const entities = [{ name: 'ambit', entityType: 'thing', observations: ['guards'] }];
    expect(
      codeOf(await client.callTool({ name: 'create_entities', arguments: { entities } })),
    ).toBeUndefined();
    expect(
      codeOf(await client.callTool({ name: 'delete_entities', arguments: { entityNames: ['ambit'] } })),
    ).toBe('tool_not_granted');
    await client.close();
    await p.exit;
    expect(readFileSync(file, 'utf8')).toContain('ambit');
  });

  it('everything: progress is streamed through', async () => {
    const p = proxied(w.guard, process.execPath, [serverFile('everything'), 'stdio']);
    attach(p.transport, {
      token: w.token({ tools: ['trigger-long-running-operation', 'echo'] }),
      signer: w.agent,
      audience: AUDIENCE,
    });
    const client = new ClientV1({ name: 'test', version: '1' });
    await client.connect(p.transport as never);
    const progress: number[] = [];
    const options = { onprogress: (x: { progress: number }) => void progress.push(x.progress) };
    const params = { name: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 } };
    const result = await client.callTool(params, undefined, options);
    expect((result as ToolResult).isError ?? false).toBe(false);
    expect(progress).toEqual([1, 2, 3, 4]);
    await client.close();
    await p.exit;
  });
});
