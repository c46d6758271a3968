// The client: a `fetch` that sends the token and proves method, target, body and what they ask for.
import { AmbitError, parseCall as makeCall, prove, type Signer } from '@ambit/core';
import { byMethod, contextOf, PROOF_HEADER, type CallMapping } from '@ambit/wire/http';
import { HOLDER, noOther, type Names } from './options.ts';

/** Who calls. */
export interface FetchHolder {
  readonly token: string | (() => string);
  readonly signer: Signer<'holder'>;
  /** The audience of the service's verifier. */
  readonly audience: string;
  /** The same mapping that the service uses; default `http.<method>`. */
  readonly toCall?: CallMapping;
  /** Unix milliseconds. */
  readonly nowMs?: () => number;
  readonly fetch?: typeof fetch;
}

/**
 * A `fetch` that carries token and proof. Throws AmbitError for an unknown option of `holder`. The `fetch` rejects
 * with AmbitError for a request that can't be a call, and with `service_unreachable` where `fetch` itself has no
 * answer.
 */
export function capabilityFetch(holder: FetchHolder): typeof fetch {
  noOther('capabilityFetch', holder, HOLDER satisfies Names<FetchHolder>);
  const send = holder.fetch ?? fetch;
  return async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const sent = request.body === null ? undefined : new Uint8Array(await request.clone().arrayBuffer());
    const http = { method: request.method, target: url.pathname + url.search, body: sent };
    const asked = (holder.toCall ?? byMethod)({ ...http, header: (name) => headerValues(request, name) });
    const made = makeCall({ ...asked, http: contextOf(http, url.origin) });
    if (!made.ok) throw new AmbitError(made.code, made.message);
    const token = typeof holder.token === 'string' ? holder.token : holder.token();
    const time = (holder.nowMs ?? Date.now)() / 1000;
    const headers = new Headers(request.headers);
    headers.set('authorization', `Capability ${token}`);
    headers.set(PROOF_HEADER, prove(token, made.call, { audience: holder.audience, time }, holder.signer));
    const body = sent === undefined ? null : sent;
    try {
      return await send(request.url, {
        method: request.method,
        headers,
        body: body as never,
        signal: request.signal,
        redirect: 'error',
      });
    } catch (error) {
      throw unreachable(url.origin, error);
    }
  };
}

// Fetch says "fetch failed" of whatever has no answer, as a TypeError. Anything else (an abort, an error of the
// caller's own `fetch`) has its own words. Only the origin is named: a path may hold anything.
function unreachable(origin: string, error: unknown): unknown {
  if (!(error instanceof TypeError)) return error;
  const { code, message } = (error.cause ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  const words =
    message === 'unexpected redirect'
      ? `${origin} answered with a redirect, and the proof is for this URL alone; call the URL that it leads to.`
      : `${origin} could not be reached${typeof code === 'string' ? ` (${code})` : ''}; check the URL and that the service runs.`;
  return new AmbitError('service_unreachable', words, { cause: error });
}

const headerValues = (request: Request, name: string): readonly string[] => {
  const value = request.headers.get(name);
  return value === null ? [] : [value];
};
