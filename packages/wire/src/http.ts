// An HTTP request as the guard sees it, independent of the framework: method, target as received, headers, raw
// body. The origin comes from the service's own configuration, never from `Host` or `X-Forwarded-*`.
import { bodyDigest, type CallInput, type HttpContext } from '@ambit/core';

/** The header that carries the proof. */
export const PROOF_HEADER = 'capability-proof';
/** The most bytes of a body that is read for its digest. */
export const BODY_BYTES = 1_048_576;

/** Why a body was not read. */
export type BodyFault = 'request_too_large' | 'request_timeout';

/** What an adapter hands in. */
export interface HttpCall {
  readonly method: string;
  /** Path and query as received. */
  readonly target: string;
  /** All values of a header, in order; none when it is absent. */
  readonly header: (name: string) => readonly string[];
  /** The raw body; undefined if absent; or why it could not be read. */
  readonly body?: Uint8Array | BodyFault | undefined;
  /** The client's address, from the connection. */
  readonly address?: string | undefined;
}

/** What a request asks for. `http` is added by the guard. */
export type CallMapping = (request: HttpCall) => Pick<CallInput, 'tool' | 'args'>;

/**
 * The default tool name for a request, when no mapping is configured: `http.get` and so on, without arguments.
 * The proof covers the rest.
 */
export const byMethod: CallMapping = ({ method }) => ({ tool: `http.${method.toLowerCase()}`, args: {} });

/** The part of a call that method, target and body make. */
export function contextOf(r: Pick<HttpCall, 'method' | 'target' | 'body'>, origin: string): HttpContext {
  const digest = r.body instanceof Uint8Array ? { bodyDigest: bodyDigest(r.body) } : {};
  return { method: r.method, origin, target: r.target, ...digest };
}

/** Token and proof as they came, or why they can't be read (attack G7). */
export type Credentials =
  | { readonly ok: true; readonly token: string | undefined; readonly proof: string | undefined }
  | { readonly ok: false; readonly why: string };

/** Reads `Authorization: Bearer|Capability <token>` and `Capability-Proof`. */
export function credentials(r: HttpCall): Credentials {
  const authorization = r.header('authorization');
  const proofs = r.header(PROOF_HEADER);
  // One header each: with two, this guard and a proxy in front of it could read different ones.
  if (authorization.length > 1 || authorization[0]?.includes(',') === true) {
    return { ok: false, why: 'more than one Authorization' };
  }
  if (proofs.length > 1 || proofs[0]?.includes(',') === true)
    return { ok: false, why: 'more than one proof' };
  if (/[?&](?:access_token|token|authorization)=|amb1_/i.test(r.target)) {
    return { ok: false, why: 'a token does not belong in a URL' };
  }
  const [line] = authorization;
  if (line === undefined) return { ok: true, token: undefined, proof: proofs[0] };
  const match = /^(?:Bearer|Capability) +([A-Za-z0-9_-]+)$/i.exec(line);
  if (match === null) return { ok: false, why: 'Authorization: expected Bearer or Capability and one token' };
  return { ok: true, token: match[1], proof: proofs[0] };
}
