// A proxy before an unmodified server on streamable HTTP (MCP transports): a Fetch handler that reads the body,
// checks it, forwards what was checked, and streams the answer through, server-sent events included. One gate a
// session. The caller's credentials never go upstream. Headers that name method or tool are for routing only:
// the body decides, and a header that says otherwise is refused.
import { CODES, deny, parseJson, type DenialCode } from '@ambit/core';
import { readBody } from '../body.ts';
import type { Guard } from '../contract.ts';
import { errorResponse } from './denial.ts';
import { eventGate, readMessage } from './events.ts';
import { Gate, type McpOptions } from './gate.ts';
import { headersUp, headersDown, disagrees } from './headers.ts';
import { asMessage, isRequest, type Id, type Message } from '@ambit/wire/mcp';
import { GateTable } from './sessions.ts';
import { LINE_BYTES } from './stdio.ts';

/** The server behind an HTTP proxy. */
export interface HttpProxyOptions extends McpOptions {
  readonly guard: Guard;
  /** The guarded server's endpoint. */
  readonly upstream: string | URL;
  /** Gates kept for sessions; beyond it the one unused longest is dropped and its client has to start again. */
  readonly maxSessions?: number;
  /** Origins of web pages that may call, `https://host[:port]`; default none (MCP transports, DNS rebinding). */
  readonly origins?: readonly string[];
  /** Milliseconds that a request's body may take; default 10 000. */
  readonly bodyTime?: number;
  readonly fetch?: typeof fetch;
}

/** The most bytes of an answer, or of one event of a stream. */
const ANSWER_BYTES = 64 * LINE_BYTES;

/** A Fetch handler in front of `upstream`. Rejects never; an upstream that fails is a 502. */
export function proxyHttp(options: HttpProxyOptions): (request: Request) => Promise<Response> {
  const { guard, upstream } = options;
  const call = options.fetch ?? fetch;
  const origins = new Set(options.origins ?? []);
  const gates = new GateTable(options.maxSessions ?? 1024, () => new Gate(guard, options));

  /** Sends on and streams back; `id` is the request that waits for an answer. */
  async function forward(request: Request, m: Message | null, gate: Gate, id: Id | null): Promise<Response> {
    const session = request.headers.get('mcp-session-id');
    const answer = await call(upstream, {
      method: request.method,
      headers: headersUp(request.headers, m),
      body: m === null ? null : JSON.stringify(m),
      signal: request.signal,
      redirect: 'error',
    });
    // Only a session that the server knows gets a place: invented ids must not evict real sessions.
    if (answer.ok && request.method === 'DELETE') await gates.end(session);
    else if (answer.ok) gates.keep(answer.headers.get('mcp-session-id') ?? session, gate);
    const init = { status: answer.status, headers: headersDown(answer.headers) };
    const type = answer.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
    if (answer.body === null) {
      if (id !== null) await gate.failed(id);
      return new Response(null, init);
    }
    if (type === 'text/event-stream') {
      const events = answer.body.pipeThrough(eventGate(gate, ANSWER_BYTES));
      return new Response(id === null ? events : watched(events, () => gate.interrupted(id)), init);
    }
    const bytes = await readBody(answer.body, ANSWER_BYTES, 600_000);
    const text = typeof bytes === 'string' ? '' : new TextDecoder().decode(bytes);
    const message = type === 'application/json' ? readMessage(text) : null;
    const passed = message === null ? null : await gate.fromServer(message, text.length);
    if (id !== null) await gate.failed(id);
    if (passed !== null) return new Response(JSON.stringify(passed), init);
    // What is no answer is shown as an error, never as content.
    return answer.ok && text !== '' ? failure(502, 'upstream_failed') : new Response(null, init);
  }

  const refused = async (code: DenialCode): Promise<Response> => {
    await guard.refuse(deny(code));
    return failure(CODES[code].status, code);
  };

  return async (request) => {
    let gate: Gate | null = null;
    let id: Id | null = null;
    try {
      const origin = request.headers.get('origin');
      if (origin !== null && !origins.has(origin)) return await refused('method_not_allowed');
      gate = gates.of(request.headers.get('mcp-session-id'));
      if (request.method === 'GET' || request.method === 'DELETE')
        return await forward(request, null, gate, null);
      if (request.method !== 'POST')
        return new Response(null, { status: 405, headers: { allow: 'GET, POST, DELETE' } });
      const stream = request.body as unknown as AsyncIterable<Uint8Array> | null;
      const body =
        stream === null ? new Uint8Array(0) : await readBody(stream, LINE_BYTES, options.bodyTime ?? 10_000);
      if (typeof body === 'string') return await refused(body);
      const read = parseJson(body, LINE_BYTES);
      if (!read.ok) return await refused('request_invalid');
      const message = asMessage(read.value);
      if (message === null || disagrees(request.headers, message)) return await refused('request_invalid');
      const verdict = await gate.fromClient(message);
      if ('reply' in verdict) return json(verdict.reply, 200);
      if ('drop' in verdict) return new Response(null, { status: 202 });
      if (isRequest(verdict.forward)) ({ id } = verdict.forward);
      return await forward(request, verdict.forward, gate, id);
    } catch (error) {
      // A client that has left is no fault.
      if (!request.signal.aborted) guard.fault(error);
      if (id !== null) await gate?.failed(id);
      return failure(502, 'upstream_failed');
    }
  };
}

const json = (message: unknown, status: number): Response =>
  new Response(JSON.stringify(message), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
const failure = (status: number, code: DenialCode): Response =>
  json(errorResponse(null, status === 502 ? -32603 : -32600, code), status);

/** The same stream; `over` is called when it has ended, broken or was left. */
function watched(stream: ReadableStream<Uint8Array>, over: () => Promise<void>): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream({
    pull: async (controller) => {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        await over();
        controller.close();
      } catch (error) {
        await over();
        controller.error(error);
      }
    },
    cancel: async (reason) => {
      await over();
      await reader.cancel(reason);
    },
  });
}
