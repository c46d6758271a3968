// One line for a server author: `guard(server, options).connect(transport)`, on both SDK lines. It sits at the
// transport, where the wire's own arguments and `_meta` are still to be seen (a tool's handler gets them after
// defaults and transforms, so a proof could not be checked there), and uses public API only.
import type { Guard } from '../contract.ts';
import { Gate, type McpOptions } from './gate.ts';
import { interpose } from '@ambit/wire/interpose';
import { asMessage, type Message, type TransportLike } from '@ambit/wire/mcp';

/** What is used of a server: `McpServer` of either SDK, or its low-level `Server`. */
export interface ServerLike {
  connect: (transport: never) => Promise<void>;
}

/** How a server is guarded. */
export interface GuardServerOptions extends McpOptions {
  readonly guard: Guard;
}

type Handler = (message: Message, extra?: unknown) => void;
type Send = (message: Message, options?: unknown) => Promise<void>;
type Connect = (transport: TransportLike) => Promise<void>;

const guarded = new WeakSet<TransportLike>();

/** Guards every connection that `server` makes from now on, and returns it. */
export function guardServer<S extends ServerLike>(server: S, options: GuardServerOptions): S {
  before(server, options);
  // The low-level server inside an McpServer can be connected past it.
  const { server: inner } = server as { readonly server?: ServerLike };
  if (typeof inner?.connect === 'function') before(inner, options);
  return server;
}

function before(server: ServerLike, options: GuardServerOptions): void {
  const connect = server.connect.bind(server) as Connect;
  server.connect = async (transport: TransportLike) => {
    guardTransport(transport, options);
    await connect(transport);
  };
}

/** Puts a gate into a server-side transport, before the SDK takes hold of it; once. */
export function guardTransport(transport: TransportLike, options: GuardServerOptions): void {
  if (guarded.has(transport)) return;
  guarded.add(transport);
  const gate = new Gate(options.guard, options);
  const send = transport.send.bind(transport) as Send;
  const fault = (error: unknown): void =>
    transport.onerror?.(error instanceof Error ? error : new Error('the gate failed'));

  interpose<Handler>(transport, 'onmessage', (inner) => (message, extra) => {
    gate
      .fromClient(message)
      .then(async (verdict) => {
        if ('forward' in verdict) inner()?.(verdict.forward, extra);
        else if ('reply' in verdict) await send(verdict.reply, { relatedRequestId: verdict.reply.id });
      })
      .catch(fault);
  });
  interpose<() => void>(transport, 'onclose', (inner) => () => {
    gate.close().catch(fault);
    inner()?.();
  });
  transport.send = async (message: Message, sendOptions?: unknown) => {
    const checked = asMessage(message);
    // The server is ours, but what it sends must still be one message: a list would pass by the filter.
    const passed = checked === null ? null : await gate.fromServer(checked);
    if (passed !== null) await send(passed, sendOptions);
  };
}
