// One line for a server author: `guard(server, options).connect(transport)`, on both SDK lines. It sits at the
// transport, where the wire's own arguments and `_meta` are still to be seen (a tool's handler gets them after
// defaults and transforms, so a proof could not be checked there), and uses public API only.
import type { Guard } from '../guard.ts';
import { Gate, type McpOptions } from './gate.ts';
import { asMessage, type Message } from './message.ts';

/** What is used of a transport, of either SDK. */
export interface TransportLike {
  onmessage?: ((message: never, extra?: never) => void) | undefined;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  send(message: never, options?: never): Promise<void>;
}

/** What is used of a server: `McpServer` of either SDK, or its low-level `Server`. */
export interface ServerLike {
  connect(transport: never): Promise<void>;
}

/** How a server is guarded. */
export interface GuardServerOptions extends McpOptions {
  readonly guard: Guard;
}

type Handler = (message: Message, extra?: unknown) => void;
type Send = (message: Message, options?: unknown) => Promise<void>;

/** Guards every connection that `server` makes from now on, and returns it. */
export function guard<S extends ServerLike>(server: S, options: GuardServerOptions): S {
  const connect = server.connect.bind(server) as (transport: TransportLike) => Promise<void>;
  server.connect = (async (transport: TransportLike) => {
    guardTransport(transport, options);
    await connect(transport);
  }) as S['connect'];
  return server;
}

/** Puts a gate into a server-side transport, before the SDK takes hold of it. */
export function guardTransport(transport: TransportLike, options: GuardServerOptions): void {
  const gate = new Gate(options.guard, options);
  const send = transport.send.bind(transport) as Send;
  let handler: Handler | undefined = transport.onmessage as Handler | undefined;

  const receive: Handler = (message, extra) => {
    void gate.fromClient(message).then(
      async (verdict) => {
        if ('forward' in verdict) handler?.(verdict.forward, extra);
        else if ('reply' in verdict) await send(verdict.reply, { relatedRequestId: verdict.reply.id });
      },
      (error: unknown) => transport.onerror?.(error instanceof Error ? error : new Error('gate')),
    );
  };
  // The SDK assigns its handler while it connects; ours stays in front of whatever it assigns.
  Object.defineProperty(transport, 'onmessage', {
    configurable: true,
    enumerable: true,
    get: () => (handler === undefined ? undefined : receive),
    set: (next: Handler | undefined) => {
      handler = next;
    },
  });
  transport.send = (async (message: Message, sendOptions?: unknown) => {
    const checked = asMessage(message);
    await send(checked === null ? message : await gate.fromServer(checked), sendOptions);
  }) as TransportLike['send'];

  let onclose: (() => void) | undefined = transport.onclose;
  const closed = (): void => {
    void gate.close().catch(() => undefined);
    onclose?.();
  };
  Object.defineProperty(transport, 'onclose', {
    configurable: true,
    enumerable: true,
    get: () => closed,
    set: (next: (() => void) | undefined) => {
      onclose = next;
    },
  });
}
