// The guard over HTTP, shaped like Fetch: one function from a request to a permit or an answer. Every adapter is a
// few lines over it.
import { call as makeCall, deny, type Denial } from '@ambit/core';
import type { Guard, Permit } from '../guard.ts';
import { refusal, type HttpRefusal } from './answer.ts';
import { BODY_BYTES, byMethod, contextOf, credentials, type AskedFor, type HttpCall } from './request.ts';

/** How a service is guarded. */
export interface CapabilityOptions {
  readonly guard: Guard;
  /** The service's own origin, `https://host[:port]`: what clients prove against. */
  readonly origin: string;
  /** What a request asks for; default `http.<method>` without arguments. */
  readonly asked?: AskedFor;
}

/** The request may be served; or the answer to give instead. */
export type HttpAnswer =
  { readonly ok: true; readonly permit: Permit } | { readonly ok: false; readonly refusal: HttpRefusal };

/** Authorises requests. */
export type Capability = (request: HttpCall) => Promise<HttpAnswer>;

/** The function for `options`; throws TypeError for an origin that is none. */
export function capability(options: CapabilityOptions): Capability {
  const { guard, origin, asked = byMethod } = options;
  if (!/^https?:\/\/[^\s/?#@\\]+$/.test(origin)) throw new TypeError('origin: expected https://host[:port]');
  const realm = guard.verifier.audience;
  const refused = async (denial: Denial, token?: string): Promise<HttpAnswer> => {
    const { shown, record } = await guard.refuse(denial, token === undefined ? {} : { token });
    return { ok: false, refusal: refusal(shown, realm, record) };
  };

  return async (request) => {
    if (request.body !== undefined && request.body.length > BODY_BYTES)
      return refused(deny('request_too_large'));
    const given = credentials(request);
    if (!given.ok) return refused(deny('request_invalid', given.why));
    let wanted: ReturnType<AskedFor>;
    try {
      wanted = asked(request);
    } catch {
      return refused(deny('request_invalid'), given.token);
    }
    const made = makeCall({ ...wanted, http: contextOf(request, origin) });
    if (!made.ok) return refused(made, given.token);
    const answer = await guard.authorize({
      token: given.token,
      proof: given.proof,
      call: made.call,
      ...(request.address === undefined ? {} : { address: request.address }),
    });
    if (answer.ok) return { ok: true, permit: answer };
    return { ok: false, refusal: refusal(answer.shown, realm, answer.record) };
  };
}
