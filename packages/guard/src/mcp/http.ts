// A proxy before an unmodified server on streamable HTTP (MCP transports): a Fetch handler that reads the body,
// checks it, forwards what was checked, and streams the answer through, server-sent events included. One gate a
// session. The caller's credentials never go upstream. Headers that name method or tool are for routing only:
// the body decides, and a header that says otherwise is refused.
import { deny, parseJson } from '@ambit/core';
import type { Guard } from '../guard.ts';
import { errorResponse } from './denial.ts';
import { Gate, type McpOptions } from './gate.ts';
import { asMessage, isRequest, type Message } from './message.ts';
import { LINE_BYTES } from './stdio.ts';

/** What an HTTP proxy stands before. */
export interface HttpProxyOptions extends McpOptions {
  readonly guard: Guard;
  /** The guarded server's endpoint. */
  readonly upstream: string | URL;
  /** Gates kept for sessions; beyond it the oldest is dropped and its client has to start again. */
  readonly sessions?: number;
  readonly fetch?: typeof fetch;
}

// What goes on upstream and what comes back: by name, everything else stays here (hop-by-hop, credentials).
const UP = ['accept', 'mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name', 'last-event-id'];
const DOWN = ['content-type', 'mcp-session-id', 'mcp-protocol-version', 'allow', 'retry-after'];

/** A Fetch handler in front of `upstream`. Rejects never; an upstream that fails is a 502. */
export function proxyHttp(options: HttpProxyOptions): (request: Request) => Promise<Response> {
  const { guard, upstream } = options;
  const call = options.fetch ?? fetch;
  const gates = new Map<string, Gate>();
  const limit = options.sessions ?? 1024;

  const gateOf = (session: string | null): Gate => {
    const known = session === null ? undefined : gates.get(session);
    return known ?? new Gate(guard, options);
  };
  const keep = (session: string | null, gate: Gate): void => {
    if (session === null || gates.get(session) === gate) return;
    gates.set(session, gate);
    if (gates.size > limit) {
      const oldest = gates.keys().next().value!;
      void gates
        .get(oldest)!
        .close()
        .catch(() => undefined);
      gates.delete(oldest);
    }
  };

  async function forward(request: Request, body: string | null, gate: Gate): Promise<Response> {
    const headers = new Headers();
    for (const name of UP) {
      const value = request.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    if (body !== null) headers.set('content-type', 'application/json');
    const answer = await call(upstream, {
      method: request.method,
      headers,
      body,
      signal: request.signal,
      redirect: 'error',
    });
    const session = answer.headers.get('mcp-session-id') ?? request.headers.get('mcp-session-id');
    if (request.method === 'DELETE' && session !== null) gates.delete(session);
    else keep(session, gate);
    const kept = new Headers({ 'cache-control': 'no-store' });
    for (const name of DOWN) {
      const value = answer.headers.get(name);
      if (value !== null) kept.set(name, value);
    }
    const type = answer.headers.get('content-type') ?? '';
    const init = { status: answer.status, headers: kept };
    if (answer.body === null) return new Response(null, init);
    if (type.startsWith('text/event-stream'))
      return new Response(answer.body.pipeThrough(eventGate(gate)), init);
    const text = await answer.text();
    const message = type.startsWith('application/json') ? parsed(text) : null;
    return new Response(message === null ? text : JSON.stringify(await gate.fromServer(message)), init);
  }

  const refused = async (
    code: 'request_invalid' | 'request_too_large',
    status: number,
  ): Promise<Response> => {
    await guard.refuse(deny(code));
    return json(errorResponse(null, -32600, code), status);
  };

  return async (request) => {
    try {
      const session = request.headers.get('mcp-session-id');
      const gate = gateOf(session);
      if (request.method === 'GET' || request.method === 'DELETE') return await forward(request, null, gate);
      if (request.method !== 'POST')
        return new Response(null, { status: 405, headers: { allow: 'GET, POST, DELETE' } });
      const body = await boundedBody(request);
      if (body === null) return await refused('request_too_large', 413);
      const read = parseJson(body, LINE_BYTES);
      if (!read.ok) return await refused('request_invalid', 400);
      const message = asMessage(read.value);
      if (message === null || disagrees(request, message)) return await refused('request_invalid', 400);
      const verdict = await gate.fromClient(message);
      if ('reply' in verdict) return json(verdict.reply, 200);
      if ('drop' in verdict) return new Response(null, { status: 202 });
      return await forward(request, JSON.stringify(verdict.forward), gate);
    } catch {
      return json(errorResponse(null, -32603, 'upstream_failed'), 502);
    }
  };
}

const json = (message: unknown, status: number): Response =>
  new Response(JSON.stringify(message), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  });

const parsed = (text: string): Message | null => {
  try {
    return asMessage(JSON.parse(text));
  } catch {
    return null;
  }
};

// `Mcp-Method` and `Mcp-Name` may be there for routing; a lie in them is refused.
function disagrees(request: Request, m: Message): boolean {
  const method = request.headers.get('mcp-method');
  if (method !== null && 'method' in m && method !== m.method) return true;
  const name = request.headers.get('mcp-name');
  if (name === null || !isRequest(m) || name.startsWith('=?base64?')) return false;
  const said = m.params?.['name'] ?? m.params?.['uri'];
  return said !== undefined && said !== name;
}

/** The body as bytes, or null when it is longer than a line may be; never more than that is held. */
async function boundedBody(request: Request): Promise<Uint8Array | null> {
  if (Number(request.headers.get('content-length') ?? 0) > LINE_BYTES) return null;
  if (request.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > LINE_BYTES) return null;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Server-sent events, event by event: data that is a message passes the gate, the rest passes as it is. */
function eventGate(gate: Gate): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let pending = '';
  const event = async (block: string): Promise<string> => {
    const lines = block.split('\n');
    const data = lines.filter((l) => l.startsWith('data:')).map((l) => l.slice(l[5] === ' ' ? 6 : 5));
    const message = data.length === 0 ? null : parsed(data.join('\n'));
    if (message === null) return `${block}\n\n`;
    const others = lines.filter((l) => !l.startsWith('data:'));
    return `${[...others, `data: ${JSON.stringify(await gate.fromServer(message))}`].join('\n')}\n\n`;
  };
  return new TransformStream({
    async transform(chunk, controller) {
      pending += decoder.decode(chunk, { stream: true }).replace(/\r\n?/g, '\n');
      for (let at = pending.indexOf('\n\n'); at >= 0; at = pending.indexOf('\n\n')) {
        const block = pending.slice(0, at);
        pending = pending.slice(at + 2);
        controller.enqueue(encoder.encode(await event(block)));
      }
    },
    async flush(controller) {
      if (pending.trim() !== '') controller.enqueue(encoder.encode(await event(pending)));
    },
  });
}
