// Adapters over node streams: node:http, Express 5, Fastify 5. Frameworks are described by structure; none is
// imported. The raw body is read here, before anything parses it, because the proof covers its bytes.
import { Readable } from 'node:stream';
import type { Permit } from '../contract.ts';
import { warningFields, type HttpRefusal } from './answer.ts';
import type { Capability } from './capability.ts';
import type { HttpCall } from '@ambit/wire/http';

/** The part of `http.IncomingMessage` that is used; a framework's request has it as well. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined;
}
/** The part of `http.ServerResponse` that is used. */
export interface NodeResponse {
  setHeader(name: string, value: string): unknown;
  writeHead(status: number, headers?: Record<string, string>): unknown;
  end(body?: string): unknown;
  once(event: 'finish' | 'close', listener: () => void): unknown;
  readonly headersSent: boolean;
  readonly writableFinished: boolean;
  readonly statusCode: number;
}

/** All values of a header. */
export function headerOf(raw: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) if (raw[i]!.toLowerCase() === name) values.push(raw[i + 1]!);
  return values;
}

const httpCall = (r: NodeRequest, target: string, body: HttpCall['body']): HttpCall => ({
  method: r.method ?? '',
  target,
  header: (name) => headerOf(r.rawHeaders, name),
  body,
  address: r.socket?.remoteAddress,
});

/** Says what warns in the response's headers, and finishes the permit when it has gone out, or was cut. */
function finishWith(permit: Permit, response: NodeResponse): void {
  for (const [name, value] of Object.entries(warningFields(permit.warnings))) response.setHeader(name, value);
  const done = (): void => {
    const { writableFinished, statusCode } = response;
    void permit.finish({ status: !writableFinished ? 'cancelled' : statusCode < 400 ? 'ok' : 'error' });
  };
  response.once('finish', done);
  response.once('close', done);
}

function answerNode(response: NodeResponse, refused: HttpRefusal): void {
  response.writeHead(refused.status, { ...refused.headers });
  response.end(refused.body);
}

/** node:http: `http.createServer(nodeHandler(cap, (req, res, { permit, body }) => ...))`. */
export function nodeHandler<Q extends NodeRequest & AsyncIterable<Uint8Array>, S extends NodeResponse>(
  cap: Capability,
  handler: (
    request: Q,
    response: S,
    checked: { readonly permit: Permit; readonly body: Uint8Array },
  ) => void | Promise<void>,
): (request: Q, response: S) => void {
  return (request, response) => {
    const serve = async (): Promise<void> => {
      const body = await cap.read(request);
      const answer = await cap(httpCall(request, request.url ?? '/', body));
      if (!answer.ok) return answerNode(response, answer.refusal);
      const { permit } = answer;
      finishWith(permit, response);
      await handler(request, response, { permit, body: typeof body === 'string' ? new Uint8Array(0) : body });
    };
    serve().catch((error: unknown) => {
      // A handler that failed: an error for the client, and nothing of it in the answer.
      cap.fault(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
}

/** A request of Express as it comes to a guard. `rawBody`: the bytes, kept by a parser that ran before. */
export interface ExpressLike extends NodeRequest, AsyncIterable<Uint8Array> {
  readonly originalUrl: string;
  body?: unknown;
  readonly rawBody?: unknown;
  capability?: Permit;
}

/** Whether a parser has run before; one that found no body may have left anything. */
const isParsed = (r: ExpressLike): boolean =>
  r.body !== undefined && !(r.body instanceof Uint8Array) && hasBody(r);

/** RFC 9112 section 6: a request has a body when it says so. */
const hasBody = ({ rawHeaders }: NodeRequest): boolean =>
  headerOf(rawHeaders, 'transfer-encoding').length > 0 ||
  headerOf(rawHeaders, 'content-length').some((length) => length !== '0');

/** The bytes of a body that was read before; undefined when it still is to be read. Throws TypeError when they are lost. */
export function rawBody(request: ExpressLike): Uint8Array | undefined {
  const { body, rawBody: kept } = request;
  if (kept instanceof Uint8Array) return kept;
  if (body instanceof Uint8Array) return body;
  if (!isParsed(request)) return undefined;
  throw new TypeError(
    'The guard came after a body parser, and the proof covers the bytes: put the guard before express.json(), or keep them, express.json({ verify: (req, res, bytes) => { req.rawBody = bytes; } }).',
  );
}

/** Express 5: `app.use(expressCapability(cap))` before any parser; then `req.capability` is the permit, `req.body` raw. */
export function expressCapability(
  cap: Capability,
): (request: ExpressLike, response: NodeResponse, next: (error?: unknown) => void) => void {
  return (request, response, next) => {
    const serve = async (): Promise<void> => {
      const body = rawBody(request) ?? (await cap.read(request));
      const answer = await cap(httpCall(request, request.originalUrl, body));
      if (!answer.ok) return answerNode(response, answer.refusal);
      finishWith(answer.permit, response);
      if (!isParsed(request))
        request.body =
          typeof body === 'string' ? undefined : Buffer.from(body.buffer, body.byteOffset, body.length);
      request.capability = answer.permit;
      next();
    };
    serve().catch((error: unknown) => {
      cap.fault(error);
      next(error);
    });
  };
}

/**
 * Fastify 5: `app.addHook('preParsing', fastifyCapability(cap))`; then `request.capability` is the permit. The
 * parsers get the bytes that were checked.
 */
export function fastifyCapability(cap: Capability): (
  request: { raw: NodeRequest; capability?: Permit },
  reply: {
    code(status: number): unknown;
    headers(headers: Record<string, string>): unknown;
    send(body: string): unknown;
    raw: NodeResponse;
  },
  payload: AsyncIterable<Uint8Array>,
) => Promise<Readable | undefined> {
  return async (request, reply, payload) => {
    const { raw } = request;
    if (typeof payload?.[Symbol.asyncIterator] !== 'function')
      throw new TypeError('The guard is a preParsing hook: { preParsing: guard.fastify(tool) }.');
    const body = await cap.read(payload);
    const answer = await cap(httpCall(raw, raw.url ?? '/', body));
    if (!answer.ok) {
      reply.code(answer.refusal.status);
      reply.headers({ ...answer.refusal.headers });
      reply.send(answer.refusal.body);
      return undefined;
    }
    finishWith(answer.permit, reply.raw);
    request.capability = answer.permit;
    const bytes = typeof body === 'string' ? Buffer.alloc(0) : Buffer.from(body);
    // Fastify holds this against Content-Length.
    return Object.assign(Readable.from(bytes.length === 0 ? [] : [bytes]), {
      receivedEncodedLength: bytes.length,
    });
  };
}
