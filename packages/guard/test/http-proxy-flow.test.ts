// Information flow through the HTTP proxy: an answer of an unmodified MCP server, made with the official SDK and on
// streamable HTTP, taints its session, as one JSON text and as an event; what writes is then refused before the server.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { attach } from '@ambit/agent';
import { restrict } from '@ambit/core';
import { Behavior, createGuard } from '@ambit/guard';
import { DENIAL_KEY, proxyHttp } from '@ambit/guard/mcp';
import { AUDIENCE, world, type World } from './world.ts';

const TOOLS: { readonly [tool: string]: { readonly untrusted: boolean; readonly writes: boolean } } = {
  read_page: { untrusted: true, writes: false },
  read_notes: { untrusted: false, writes: false },
  write_file: { untrusted: false, writes: true },
};

let w: World;
let http: Server;
let server: McpServer;
/** The tools that have run, in their order. */
let ran: string[];
beforeEach(async () => {
  w = await world();
  ran = [];
});
afterEach(async () => {
  await server.close();
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
  await w.end();
});

async function serving(enableJsonResponse: boolean): Promise<string> {
  server = new McpServer({ name: 'files', version: '1' });
  for (const tool of Object.keys(TOOLS))
    server.registerTool(tool, { description: tool }, () => {
      ran.push(tool);
      return { content: [{ type: 'text', text: `${tool}: done` }] };
    });
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID, enableJsonResponse });
  await server.connect(transport);
  http = createServer((req, res) => void transport.handleRequest(req, res));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
}

describe.each([
  ['as JSON', true],
  ['as events', false],
])('answers %s', (_, json) => {
  it('an untrusted one taints the session, and what writes is then refused and does not reach the server', async () => {
    const upstream = await serving(json);
    const behavior = new Behavior({ audit: w.recorder, tools: (tool) => TOOLS[tool] ?? {} });
    const guard = createGuard({
      verifier: w.verifier,
      store: w.store,
      audit: w.recorder,
      tools: () => ({ external: true, data: ['internal'] }),
      flow: behavior,
      watcher: behavior,
      observer: behavior,
    });
    behavior.begin({ issuer: 'iam.acme.com', session: 's-1' }, 'Read the page and note what it says.');
    const handle = proxyHttp({ guard, upstream });
    const client = new Client({ name: 't', version: '1' });
    const transport = new StreamableHTTPClientTransport(new URL('http://proxy.test/mcp'), {
      fetch: (to, init) => handle(new Request(to, init)),
    });
    const token = w.token({}, restrict.flow('refuse', 'write_*'));
    attach(transport as never, { token, signer: w.agent, audience: AUDIENCE });
    await client.connect(transport);
    const call = async (name: string): Promise<string> => {
      const { _meta: meta } = await client.callTool({ name, arguments: {} });
      return (meta?.[DENIAL_KEY] as { code?: string } | undefined)?.code ?? 'allowed';
    };
    expect(await call('read_notes')).toBe('allowed');
    expect(await call('write_file')).toBe('allowed');
    expect(await call('read_page')).toBe('allowed');
    expect(await call('write_file')).toBe('flow_refused');
    expect(await call('read_notes')).toBe('allowed');
    expect(ran).toEqual(['read_notes', 'write_file', 'read_page', 'read_notes']);
    await client.close();
    await guard.settled();
    const untrusted = (await w.records()).flatMap((r) =>
      r.kind === 'ingest' && r.ingest?.trust === 'untrusted' ? [r.ingest.source] : [],
    );
    expect(untrusted).toEqual(['read_page']);
  });
});
