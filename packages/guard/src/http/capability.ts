// The guard over HTTP, shaped like Fetch: one function from a request to a permit or an answer. Every adapter is a
// few lines over it.
import { parseCall as makeCall, deny, type Call, type Denial } from '@ambit/core';
import { readBody } from '../body.ts';
import type { Guard, Permit } from '../contract.ts';
import { refusal, type HttpRefusal } from './answer.ts';
import {
  BODY_BYTES,
  byMethod,
  contextOf,
  credentials,
  type CallMapping,
  type BodyFault,
  type HttpCall,
} from '@ambit/wire/http';

/** How a service is guarded. */
export interface CapabilityOptions {
  readonly guard: Guard;
  /** The service's own origin, `https://host[:port]`: what clients prove against. */
  readonly origin: string;
  /** What a request asks for; default `http.<method>` without arguments. */
  readonly toCall?: CallMapping;
  /** What the service knows of a request beside the configuration: data labels that it touches, bytes it may move. */
  readonly known?: (
    request: HttpCall,
    call: Call,
  ) => { readonly data?: readonly string[]; readonly bytes?: number };
  /** Milliseconds that a request's body may take; default 10 000. For adapters that read it. */
  readonly bodyTime?: number;
}

/** The request may be served; or the answer to give instead. */
export type HttpAnswer =
  { readonly ok: true; readonly permit: Permit } | { readonly ok: false; readonly refusal: HttpRefusal };

/** Authorises requests. */
export interface Capability {
  (request: HttpCall): Promise<HttpAnswer>;
  /** Reads a request's body within the limits of size and time; undefined for none. */
  readonly read: (stream: AsyncIterable<Uint8Array>) => Promise<Uint8Array<ArrayBuffer> | BodyFault>;
}

/** The function for `options`; throws TypeError for an invalid origin. */
export function httpGuard(options: CapabilityOptions): Capability {
  const { guard, origin, toCall = byMethod, known, bodyTime = 10_000 } = options;
  if (!/^https?:\/\/[^\s/?#@\\]+$/.test(origin)) throw new TypeError('origin: expected https://host[:port]');
  const realm = guard.verifier.audience;
  const refused = async (denial: Denial, token?: string): Promise<HttpAnswer> => {
    const { publicDenial: shown, record } = await guard.refuse(denial, token === undefined ? {} : { token });
    return { ok: false, refusal: refusal(shown, realm, record) };
  };

  const answer = async (request: HttpCall): Promise<HttpAnswer> => {
    if (typeof request.body === 'string') return refused(deny(request.body));
    if (request.body !== undefined && request.body.length > BODY_BYTES)
      return refused(deny('request_too_large'));
    const given = credentials(request);
    if (!given.ok) return refused(deny('request_invalid', given.why));
    let wanted: ReturnType<CallMapping>;
    try {
      wanted = toCall(request);
    } catch {
      return refused(deny('request_invalid'), given.token);
    }
    const made = makeCall({ ...wanted, http: contextOf(request, origin) });
    if (!made.ok) return refused(made, given.token);
    const decided = await guard.authorize({
      token: given.token,
      proof: given.proof,
      call: made.call,
      ...(known === undefined ? {} : { known: (call: Call) => known(request, call) }),
      ...(request.address === undefined ? {} : { address: request.address }),
    });
    if (decided.ok) return { ok: true, permit: decided };
    return { ok: false, refusal: refusal(decided.publicDenial, realm, decided.record) };
  };
  const read: Capability['read'] = (stream) => readBody(stream, BODY_BYTES, bodyTime);
  return Object.freeze(Object.assign(answer, { read }));
}
