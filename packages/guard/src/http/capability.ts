// The guard over HTTP, shaped like Fetch: one function from a request to a permit or an answer. Every adapter is a
// few lines over it.
import { parseCall as makeCall, deny, type Call, type Denial } from '@ambit/core';
import { readBody } from '../body.ts';
import { blamesRequest, threw } from '../cause.ts';
import type { Guard, Permit } from '../contract.ts';
import { originProblem } from './origin.ts';
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
  /** Tells the operator what failed; the caller is told nothing of it. */
  readonly fault: (error: unknown) => void;
}

/** The function for `options`; throws TypeError for an invalid origin. */
export function httpGuard(options: CapabilityOptions): Capability {
  const { guard, origin, toCall = byMethod, known, bodyTime = 10_000 } = options;
  const wrong = originProblem(origin);
  if (wrong !== null) throw new TypeError(`origin: ${wrong}`);
  const { audience: realm, bearer } = guard.verifier;
  const refused = async (denial: Denial, token?: string, cause?: string): Promise<HttpAnswer> => {
    const { publicDenial: shown, record } = await guard.refuse(denial, { token, cause });
    return { ok: false, refusal: refusal(shown, realm, record, bearer) };
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
    } catch (error) {
      // The service's own code: what it says of the request is the caller's, anything else is its operator's.
      const cause = threw('reading what the request asks for', error);
      if (blamesRequest(error)) return refused(deny('request_invalid'), given.token, cause);
      guard.fault(error);
      return refused(deny('service_failed'), given.token, cause);
    }
    const made = makeCall({ ...wanted, http: contextOf(request, origin) });
    if (!made.ok) return refused(made, given.token);
    const decided = await guard.authorize({
      token: given.token,
      proof: given.proof,
      call: made.call,
      origins: () => originsOf(request),
      ...(known === undefined ? {} : { known: (call: Call) => known(request, call) }),
      ...(request.address === undefined ? {} : { address: request.address }),
    });
    if (decided.ok) return { ok: true, permit: decided };
    return { ok: false, refusal: refusal(decided.publicDenial, realm, decided.record, bearer) };
  };
  const read: Capability['read'] = (stream) => readBody(stream, BODY_BYTES, bodyTime);
  return Object.freeze(Object.assign(answer, { read, fault: (error: unknown) => guard.fault(error) }));
}

// By the client's word, for the operator's log alone: what is checked is the configured origin.
function originsOf({ header }: HttpCall): readonly string[] {
  const [host] = header('host');
  if (host === undefined || !/^[\w.:[\]-]{1,255}$/.test(host)) return [];
  return [`http://${host}`, `https://${host}`];
}
