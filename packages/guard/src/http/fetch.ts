// Adapters over Fetch: plain handlers, and Hono 4. Only Web APIs; no framework is imported.
import type { Permit } from '../contract.ts';
import { warningFields, type HttpRefusal } from './answer.ts';
import type { Capability } from './capability.ts';
import type { HttpCall } from '@ambit/wire/http';

/** The target of a Fetch request: what follows its origin. */
const targetOf = (url: string): string => {
  const { pathname, search } = new URL(url);
  return pathname + search;
};

const fetchCall = (request: Request, body: HttpCall['body']): HttpCall => ({
  method: request.method,
  target: targetOf(request.url),
  // Fetch joins the values of a repeated header with commas, which no token and no proof holds.
  header: (name) => {
    const value = request.headers.get(name);
    return value === null ? [] : [value];
  },
  body,
});

const answerFetch = ({ status, headers, body }: HttpRefusal): Response =>
  new Response(body, { status, headers });

/** The service's answer with the guard's fields; what came from elsewhere (`fetch`) has headers that can't be changed. */
function withWarnings(response: Response, { warnings }: Permit): Response {
  const fields = Object.entries(warningFields(warnings));
  // An answer that is none (`Response.error()`) can't be made again.
  if (fields.length === 0 || response.status < 200) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of fields) headers.append(name, value);
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}

async function bodyOf(cap: Capability, request: Request): Promise<HttpCall['body']> {
  if (!request.bodyUsed) return request.body === null ? undefined : cap.read(request.body);
  const error = new TypeError(
    'The body was read before the guard, and the proof covers its bytes: put the guard before whatever reads it.',
  );
  cap.fault(error);
  throw error;
}

/** The request with the bytes that were checked, to be read again. */
const again = (request: Request, body: HttpCall['body']): Request =>
  body instanceof Uint8Array ? new Request(request, { body: body as Uint8Array<ArrayBuffer> }) : request;

/** Plain Fetch handlers: `fetchHandler(cap, (request, permit, body) => new Response(...))`. `request` can be read as usual. */
export function fetchHandler(
  cap: Capability,
  handler: (request: Request, permit: Permit, body: Uint8Array) => Response | Promise<Response>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const body = await bodyOf(cap, request);
    const answer = await cap(fetchCall(request, body));
    if (!answer.ok) return answerFetch(answer.refusal);
    const { permit } = answer;
    try {
      const bytes = body instanceof Uint8Array ? body : new Uint8Array(0);
      const response = await handler(again(request, body), permit, bytes);
      await permit.finish({ status: response.status < 400 ? 'ok' : 'error' });
      return withWarnings(response, permit);
    } catch (error) {
      await permit.finish({ status: 'error' });
      throw error;
    }
  };
}

/** Hono 4: `app.use(honoCapability(cap))`; then `c.get('capability')` is the permit. The body can be read as usual. */
export function honoCapability(cap: Capability): (
  c: {
    req: { raw: Request };
    res: Response;
    set(key: 'capability', value: Permit): void;
  },
  next: () => Promise<void>,
) => Promise<Response | undefined> {
  return async (c, next) => {
    const request = c.req.raw;
    const body = await bodyOf(cap, request);
    const answer = await cap(fetchCall(request, body));
    if (!answer.ok) return answerFetch(answer.refusal);
    const { permit } = answer;
    // The handler reads the bytes that were checked.
    c.req.raw = again(request, body);
    c.set('capability', permit);
    try {
      await next();
      if (permit.warnings.length > 0) c.res = withWarnings(c.res, permit);
      await permit.finish({ status: c.res.status < 400 ? 'ok' : 'error' });
    } catch (error) {
      await permit.finish({ status: 'error' });
      throw error;
    }
    return undefined;
  };
}
