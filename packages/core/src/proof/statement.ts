// The statement a holder makes at each use (DESIGN section 5): canonical CBOR [audience, D(n), tool, arguments
// digest, time, nonce / [session id, sequence], context digest]. What is signed or MACed is label || statement,
// the label first as everywhere, outside the array (SPEC.md says why).
import { concat } from '../bytes.ts';
import type { Call, HttpContext } from '../call.ts';
import { encode, type Cbor } from '../cbor/index.ts';
import { sha256 } from '../crypto/index.ts';
import { LABELS } from '../labels.ts';

/** What makes one statement unlike any other: a nonce of 16 bytes, or a session's id (32 bytes) and number. */
export type Freshness = Uint8Array | { readonly session: Uint8Array; readonly sequence: number };

/** The fields of a statement beside the call. */
export interface StatementFields {
  readonly audience: string;
  /** D(n) of the token shown, 32 bytes. */
  readonly token: Uint8Array;
  /** Unix seconds. */
  readonly time: number;
  readonly freshness: Freshness;
}

const digest = (context: Cbor): Uint8Array => sha256(LABELS.context.bytes, encode(context));
const NO_CONTEXT = digest(null);

/** SHA-256 over what else of the request a caveat may read: [method, origin, target, body digest / null], or null. */
export function contextDigest(http: HttpContext | undefined): Uint8Array {
  if (http === undefined) return NO_CONTEXT;
  return digest([http.method, http.origin, http.target, http.bodyDigest ?? null]);
}

/** SHA-256(label || body): the body digest of an HTTP context. */
export const bodyDigest = (body: Uint8Array): Uint8Array => sha256(LABELS.body.bytes, body);

/** The statement's bytes, without label. */
export function statement(f: StatementFields, call: Call): Uint8Array {
  const fresh: Cbor = f.freshness instanceof Uint8Array ? f.freshness : [f.freshness.session, f.freshness.sequence];
  return encode([f.audience, f.token, call.tool, call.args.digest(), f.time, fresh, contextDigest(call.http)]);
}

/** label || statement, for the signed form. */
export const signedMessage = (f: StatementFields, call: Call): Uint8Array =>
  concat(LABELS.statementSigned.bytes, statement(f, call));
