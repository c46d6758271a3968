// The doors of a service: middleware for each framework and a handler for Fetch, for one tool each. What a request asks
// for is the tool, with arguments that the service reads from the request; the agent proves the same. No framework
// is imported; a request's permit is found by `permit(request)`, so that no type of a framework is changed.
import type { CallInput } from '@ambit/core';
import type { CallMapping, HttpCall } from '@ambit/wire/http';
import type { Guard, Permit } from '../contract.ts';
import { httpGuard, type Capability } from '../http/capability.ts';
import { fetchHandler, honoCapability } from '../http/fetch.ts';
import { expressCapability, fastifyCapability, type NodeRequest, type NodeResponse } from '../http/node.ts';

/** A call's arguments, from the framework's request; `http` has the raw body. What it throws refuses the request. */
export type ArgsOf<R> = (request: R, http: HttpCall) => NonNullable<CallInput['args']>;

/** What is read of an Express request. */
export interface ExpressRequest extends NodeRequest, AsyncIterable<Uint8Array> {
  readonly originalUrl: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: unknown;
  body?: unknown;
}
/** What is read of a Hono context. */
export interface HonoContext {
  readonly req: {
    raw: Request;
    param(name: string): string | undefined;
    query(name: string): string | undefined;
  };
  res: Response;
}
/** What is read of a Fastify request. */
export interface FastifyRequest {
  readonly raw: NodeRequest;
  readonly params: unknown;
  readonly query: unknown;
}
type FastifyReply = Parameters<ReturnType<typeof fastifyCapability>>[1];

/** The doors of one service. */
export interface Doors {
  /** Express 5: `app.get(path, guard.express(tool, (req) => args), handler)`, before any parser. */
  express(
    tool: string,
    args?: ArgsOf<ExpressRequest>,
  ): (request: ExpressRequest, response: NodeResponse, next: (error?: unknown) => void) => void;
  /** Hono 4: `app.get(path, guard.hono(tool, (c) => args), handler)`. */
  hono(
    tool: string,
    args?: ArgsOf<HonoContext>,
  ): (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>;
  /** Fastify 5: `app.get(path, { preParsing: guard.fastify(tool, (request) => args) }, handler)`. */
  fastify(
    tool: string,
    args?: ArgsOf<FastifyRequest>,
  ): (request: FastifyRequest, reply: FastifyReply, payload: AsyncIterable<Uint8Array>) => Promise<unknown>;
  /** Fetch: `{ fetch: guard.fetch(tool, (request, permit) => new Response(...)) }`. */
  fetch(
    tool: string,
    handler: (request: Request, permit: Permit, body: Uint8Array) => Response | Promise<Response>,
    args?: ArgsOf<Request>,
  ): (request: Request) => Promise<Response>;
  /** The permit of a request (of a context, for Hono) that one of these has let through; TypeError for any other. */
  permit(request: object): Permit;
}

/** The doors of `guard` at `origin`; without an origin, the HTTP ones throw TypeError. */
export function doorsOf(guard: Guard, origin: string | undefined): Doors {
  const permits = new WeakMap<object, Permit>();

  // One for each request: it closes over what the framework knows of it, its route's parameters above all.
  function capability<R extends object>(
    tool: string,
    args: ArgsOf<R> | undefined,
  ): (request: R) => Capability {
    if (origin === undefined) throw new TypeError('openGuard: HTTP needs `origin`, https://host[:port]');
    const mapping = (request: R): CallMapping =>
      args === undefined ? () => ({ tool }) : (http) => ({ tool, args: args(request, http) });
    return (request) => {
      const inner = httpGuard({ guard, origin, toCall: mapping(request) });
      const noted = async (http: HttpCall): ReturnType<Capability> => {
        const answer = await inner(http);
        if (answer.ok) permits.set(request, answer.permit);
        return answer;
      };
      return Object.assign(noted, { read: inner.read });
    };
  }

  return {
    express: (tool, args) => {
      const of = capability(tool, args);
      return (request, response, next) => expressCapability(of(request))(request, response, next);
    },
    hono: (tool, args) => {
      const of = capability(tool, args);
      return (context, next) => honoCapability(of(context))(context as never, next);
    },
    fastify: (tool, args) => {
      const of = capability(tool, args);
      return (request, reply, payload) => fastifyCapability(of(request))(request, reply, payload);
    },
    fetch: (tool, handler, args) => {
      const of = capability(tool, args);
      return (request) => fetchHandler(of(request), handler)(request);
    },
    permit: (request) => {
      const permit = permits.get(request);
      if (permit === undefined) throw new TypeError('permit: this request did not pass a guard');
      return permit;
    },
  };
}
