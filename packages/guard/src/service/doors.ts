// The doors of a service: middleware for each framework and a handler for Fetch, for one tool each. What a request asks
// for is the tool, with arguments that the service reads from the request; the agent proves the same. No framework
// is imported; a request's permit is found by `permit(request)`, so that no type of a framework is changed.
import { isToolName, type CallInput } from '@ambit/core';
import type { CallMapping, HttpCall } from '@ambit/wire/http';
import type { Guard, Permit } from '../contract.ts';
import { httpGuard, type Capability } from '../http/capability.ts';
import { fetchHandler, honoCapability } from '../http/fetch.ts';
import {
  expressCapability,
  fastifyCapability,
  headerOf,
  type NodeRequest,
  type NodeResponse,
} from '../http/node.ts';

/** A call's arguments, from the framework's request; `http` has the raw body. What it throws refuses the request. */
export type ArgsOf<R> = (request: R, http: HttpCall) => NonNullable<CallInput['args']>;

/** What is read of an Express request. */
export interface ExpressRequest extends NodeRequest, AsyncIterable<Uint8Array> {
  readonly originalUrl: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: unknown;
  body?: unknown;
  readonly rawBody?: unknown;
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
  /**
   * Express: `app.get(path, guard.express(tool, (req) => args), handler)`. A JSON body is in `req.body`, parsed, for
   * `args` and the handler; any other is a Buffer. Before parsers that read bodies, or with `req.rawBody` kept by them.
   */
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

/**
 * The doors of `guard` at `origin`. `has`: whether the service has a tool, with the nearest of its tools if not; a door
 * for one that it has not could let nobody in. A door throws TypeError for what makes none.
 */
export function doorsOf(
  guard: Guard,
  origin: string | undefined,
  has: (tool: string) => { readonly ok: boolean; readonly near: string | null },
): Doors {
  const permits = new WeakMap<object, Permit>();

  // One for each request: it closes over what the framework knows of it, its route's parameters above all.
  function capability<R extends object>(
    door: string,
    tool: string,
    args: ArgsOf<R> | undefined,
  ): (request: R) => Capability {
    const why = wrong(tool, args, origin, has);
    if (why !== null) throw new TypeError(`guard.${door}: ${why}`);
    const mapping = (request: R): CallMapping =>
      args === undefined ? () => ({ tool }) : (http) => ({ tool, args: args(request, http) });
    return (request) => {
      const inner = httpGuard({ guard, origin: origin!, toCall: mapping(request) });
      const noted = async (http: HttpCall): ReturnType<Capability> => {
        const answer = await inner(http);
        if (answer.ok) permits.set(request, answer.permit);
        return answer;
      };
      return Object.assign(noted, { read: inner.read, fault: inner.fault });
    };
  }

  return {
    express: (tool, args) => {
      const read = typeof args !== 'function' ? args : forExpress(args);
      const of = capability<ExpressRequest>('express', tool, read);
      return (request, response, next) =>
        expressCapability(of(request))(request, response, (error) => {
          if (error !== undefined) return next(error);
          try {
            parsed(request, { body: request.body });
          } catch (malformed) {
            // As Express' own parser reports it.
            return next(Object.assign(malformed as SyntaxError, { status: 400 }));
          }
          next();
        });
    },
    hono: (tool, args) => {
      const of = capability('hono', tool, args);
      return (context, next) => honoCapability(of(context))(context as never, next);
    },
    fastify: (tool, args) => {
      const of = capability('fastify', tool, args);
      return (request, reply, payload) => fastifyCapability(of(request))(request, reply, payload);
    },
    fetch: (tool, handler, args) => {
      if (typeof handler !== 'function')
        throw new TypeError('guard.fetch: expected a handler after the tool');
      const of = capability('fetch', tool, args);
      return (request) =>
        fetchHandler(of(request), (checked, permit, body) => {
          permits.set(checked, permit);
          return handler(checked, permit, body);
        })(request);
    },
    permit: (request) => {
      const permit = permits.get(request);
      if (permit === undefined) throw new TypeError('guard.permit: this request did not pass a guard');
      return permit;
    },
  };
}

function wrong(
  tool: unknown,
  args: unknown,
  origin: string | undefined,
  has: Parameters<typeof doorsOf>[2],
): string | null {
  if (typeof tool !== 'string' || !isToolName(tool)) return "expected the tool's name, such as 'files.read'";
  if (args !== undefined && typeof args !== 'function')
    return 'expected a function that reads the arguments from a request, or nothing';
  if (origin === undefined)
    return 'give openGuard the `origin` at which clients reach this service, such as https://files.acme.com';
  const { ok, near } = has(tool);
  if (ok) return null;
  return `${tool} is not one of this service's tools; ${near === null ? 'add it to `tools`' : `did you mean ${near}?`}`;
}

const forExpress =
  (args: ArgsOf<ExpressRequest>): ArgsOf<ExpressRequest> =>
  (request, http) =>
    args(parsed(request, http), http);

// JSON is parsed here, for express.json() after the guard finds the stream read: `req.body` is then what a handler of
// Express expects. Anything else stays bytes. A parser of the service that ran before has its own way.
function parsed(request: ExpressRequest, { body }: { readonly body?: unknown }): ExpressRequest {
  if (!(body instanceof Uint8Array) || !(request.body === undefined || request.body instanceof Uint8Array))
    return request;
  const type = headerOf(request.rawHeaders, 'content-type')[0]?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (body.length > 0 && /^application\/(?:json|[\w.+-]+\+json)$/.test(type))
    request.body = JSON.parse(Buffer.from(body).toString('utf8'));
  return request;
}
