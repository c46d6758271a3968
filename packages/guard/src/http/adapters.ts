// Thin adapters: node:http, Express, Fastify, Hono and plain Fetch. Frameworks are described by structure; none is
// imported. The raw body is needed before anything parses it: node and Fetch read it here, Express takes
// `express.raw()`, Fastify a `rawBody` string or buffer.
import type { Permit } from '../guard.ts';
import type { HttpRefusal } from './answer.ts';
import type { Capability } from './capability.ts';
import { BODY_BYTES, type HttpCall } from './request.ts';

/** The part of `http.IncomingMessage` that is used; a framework's request has it as well. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined;
}
/** The part of `http.ServerResponse` that is used. */
export interface NodeResponse {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body?: string): unknown;
  once(event: 'finish' | 'close', listener: () => void): unknown;
  readonly writableFinished: boolean;
  readonly statusCode: number;
}

function headerOf(raw: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) if (raw[i]!.toLowerCase() === name) values.push(raw[i + 1]!);
  return values;
}

const httpCall = (r: NodeRequest, target: string, body: Uint8Array | undefined): HttpCall => ({
  method: r.method ?? '',
  target,
  header: (name) => headerOf(r.rawHeaders, name),
  body,
  address: r.socket?.remoteAddress,
});

/** Finishes the permit when the response has gone out, or was cut. */
function finishWith(permit: Permit, response: NodeResponse): void {
  const done = (): void =>
    void permit
      .finish({
        status: !response.writableFinished ? 'cancelled' : response.statusCode < 400 ? 'ok' : 'error',
      })
      .catch(() => undefined);
  response.once('finish', done);
  response.once('close', done);
}

function answerNode(response: NodeResponse, refused: HttpRefusal): void {
  response.writeHead(refused.status, { ...refused.headers });
  response.end(refused.body);
}

/** Reads a body of at most `BODY_BYTES`; null when it is longer. */
export async function readBody(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** node:http: `http.createServer(nodeHandler(cap, (req, res, { permit, body }) => ...))`. */
export function nodeHandler<Q extends NodeRequest & AsyncIterable<Uint8Array>, S extends NodeResponse>(
  cap: Capability,
  handler: (request: Q, response: S, checked: { readonly permit: Permit; readonly body: Uint8Array }) => void,
): (request: Q, response: S) => void {
  return (request, response) => {
    void (async () => {
      const body = await readBody(request);
      const bytes = body ?? new Uint8Array(BODY_BYTES + 1);
      const answer = await cap(httpCall(request, request.url ?? '/', bytes.length === 0 ? undefined : bytes));
      if (!answer.ok) return answerNode(response, answer.refusal);
      finishWith(answer.permit, response);
      handler(request, response, { permit: answer.permit, body: bytes });
    })().catch(() => response.end());
  };
}

/** Express 5: `app.use(express.raw({ type: '*\/*' }), expressCapability(cap))`; then `req.capability` is the permit. */
export function expressCapability(cap: Capability) {
  return (
    request: NodeRequest & { originalUrl: string; body?: unknown; capability?: Permit },
    response: NodeResponse,
    next: (error?: unknown) => void,
  ): void => {
    const { body } = request;
    if (body !== undefined && !(body instanceof Uint8Array)) {
      return next(
        new TypeError('expressCapability: expected a raw body; use express.raw() and no parser before it'),
      );
    }
    cap(httpCall(request, request.originalUrl, body)).then((answer) => {
      if (!answer.ok) return answerNode(response, answer.refusal);
      finishWith(answer.permit, response);
      request.capability = answer.permit;
      next();
      return undefined;
    }, next);
  };
}

/** Fastify 5: `app.addHook('preHandler', fastifyCapability(cap))` with a content parser that keeps `rawBody`. */
export function fastifyCapability(cap: Capability) {
  return async (
    request: { raw: NodeRequest; rawBody?: Uint8Array | string; capability?: Permit },
    reply: {
      code(status: number): unknown;
      headers(headers: Record<string, string>): unknown;
      send(body: string): unknown;
      raw: NodeResponse;
    },
  ): Promise<unknown> => {
    const { raw, rawBody } = request;
    const body = typeof rawBody === 'string' ? new TextEncoder().encode(rawBody) : rawBody;
    const answer = await cap(httpCall(raw, raw.url ?? '/', body));
    if (!answer.ok) {
      reply.code(answer.refusal.status);
      reply.headers({ ...answer.refusal.headers });
      return reply.send(answer.refusal.body);
    }
    finishWith(answer.permit, reply.raw);
    request.capability = answer.permit;
    return undefined;
  };
}

/** The target of a Fetch request: what stands behind its origin. */
const targetOf = (url: string): string => {
  const { pathname, search } = new URL(url);
  return pathname + search;
};

const fetchCall = (request: Request, body: Uint8Array | undefined): HttpCall => ({
  method: request.method,
  target: targetOf(request.url),
  header: (name) => {
    const value = request.headers.get(name);
    return value === null ? [] : [value];
  },
  body,
});

const answerFetch = ({ status, headers, body }: HttpRefusal): Response =>
  new Response(body, { status, headers });

/** Plain Fetch handlers: `fetchHandler(cap, (request, permit) => new Response(...))`. */
export function fetchHandler(
  cap: Capability,
  handler: (request: Request, permit: Permit, body: Uint8Array) => Response | Promise<Response>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const read = request.body === null ? new Uint8Array(0) : await readBody(request.body as never);
    const body = read ?? new Uint8Array(BODY_BYTES + 1);
    const answer = await cap(fetchCall(request, body.length === 0 ? undefined : body));
    if (!answer.ok) return answerFetch(answer.refusal);
    try {
      const response = await handler(request, answer.permit, body);
      await answer.permit.finish({ status: response.status < 400 ? 'ok' : 'error' });
      return response;
    } catch (error) {
      await answer.permit.finish({ status: 'error' });
      throw error;
    }
  };
}

/** Hono 4: `app.use(honoCapability(cap))`; then `c.get('capability')` is the permit. */
export function honoCapability(cap: Capability) {
  return async (
    c: {
      req: { raw: Request; arrayBuffer(): Promise<ArrayBuffer> };
      res: Response;
      set(key: string, value: unknown): void;
    },
    next: () => Promise<void>,
  ): Promise<Response | undefined> => {
    const body = c.req.raw.body === null ? new Uint8Array(0) : new Uint8Array(await c.req.arrayBuffer());
    const answer = await cap(fetchCall(c.req.raw, body.length === 0 ? undefined : body));
    if (!answer.ok) return answerFetch(answer.refusal);
    c.set('capability', answer.permit);
    try {
      await next();
      await answer.permit.finish({ status: c.res.status < 400 ? 'ok' : 'error' });
    } catch (error) {
      await answer.permit.finish({ status: 'error' });
      throw error;
    }
    return undefined;
  };
}
