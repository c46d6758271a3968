// The statement a holder makes at each use (docs/design.md section 5): canonical CBOR [audience, D(n), tool,
// arguments digest, time, nonce / [session id, sequence], context digest]. What is signed or MACed is label ||
// statement, the label first as everywhere, outside the array (SPEC.md says why). It is written straight into
// one scratch, since a session proof costs little more than hashing it; a test compares it with the general
// encoder.
import { sharedDigest } from '../args/arguments.ts';
import type { Call, HttpContext } from '../call.ts';
import { encode, type Cbor } from '../cbor/index.ts';
import { sha256 } from '../crypto/index.ts';
import { LABELS, type Label } from '../labels.ts';
import { LIMITS } from '../limits.ts';

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

/**
 * SHA-256(label || body): the body digest of an HTTP context. Undefined for no bytes: HTTP does not tell an empty body
 * from none in every framing, so both are no body, for holder and verifier (SPEC.md section 5).
 */
export const bodyDigest = (body: Uint8Array): Uint8Array | undefined =>
  body.length === 0 ? undefined : sha256(LABELS.body.bytes, body);

// Label, two names of at most 256 bytes, four digests, heads: under 768 bytes.
const scratch = new Uint8Array(1024);
const encoder = new TextEncoder();
let at = 0;

function bytes(value: Uint8Array): void {
  if (value.length > 23) scratch[at++] = 0x58;
  scratch[at++] = value.length > 23 ? value.length : 0x40 | value.length;
  for (let i = 0; i < value.length; i++) scratch[at++] = value[i]!;
}

function text(value: string): void {
  if (value.length < 24) {
    // Short ASCII, which most names are, in place; anything else goes the general way.
    const start = at++;
    let i = 0;
    for (; i < value.length; i++) {
      const c = value.charCodeAt(i);
      if (c > 127) break;
      scratch[at++] = c;
    }
    if (i === value.length) {
      scratch[start] = 0x60 | i;
      return;
    }
    at = start;
  }
  const raw = value.length > LIMITS.nameBytes ? null : encoder.encode(value);
  if (raw === null || raw.length > LIMITS.nameBytes) throw new RangeError('statement: a name is too long');
  if (raw.length > 255) {
    scratch[at++] = 0x79;
    scratch[at++] = raw.length >> 8;
    scratch[at++] = raw.length & 0xff;
  } else if (raw.length > 23) {
    scratch[at++] = 0x78;
    scratch[at++] = raw.length;
  } else scratch[at++] = 0x60 | raw.length;
  scratch.set(raw, at);
  at += raw.length;
}

function uint(n: number): void {
  if (n < 24) scratch[at++] = n;
  else if (n < 0x100) {
    scratch[at++] = 0x18;
    scratch[at++] = n;
  } else if (n < 0x10000) {
    scratch[at++] = 0x19;
    scratch[at++] = n >> 8;
    scratch[at++] = n;
  } else if (n < 0x1_0000_0000) {
    scratch[at++] = 0x1a;
    scratch[at++] = n >>> 24;
    scratch[at++] = n >>> 16;
    scratch[at++] = n >>> 8;
    scratch[at++] = n;
  } else {
    const raw = encode(n);
    scratch.set(raw, at);
    at += raw.length;
  }
}

/**
 * Writes label || statement into a scratch that the next call overwrites, and returns how many bytes it took;
 * `statementScratch` holds them.
 */
export function writeStatement(label: Label, f: StatementFields, call: Call): number {
  scratch.set(label.bytes);
  at = label.bytes.length;
  scratch[at++] = 0x87;
  text(f.audience);
  bytes(f.token);
  text(call.tool);
  bytes(sharedDigest(call.args));
  uint(f.time);
  if (f.freshness instanceof Uint8Array) bytes(f.freshness);
  else {
    scratch[at++] = 0x82;
    bytes(f.freshness.session);
    uint(f.freshness.sequence);
  }
  bytes(contextDigest(call.http));
  return at;
}

/** Where `writeStatement` writes. */
export const statementScratch: Uint8Array = scratch;

/** The statement's bytes, without label. */
export function statement(f: StatementFields, call: Call): Uint8Array {
  const label = LABELS.statementSigned;
  return scratch.slice(label.bytes.length, writeStatement(label, f, call));
}

/** label || statement, for the signed form. */
export const signedMessage = (f: StatementFields, call: Call): Uint8Array =>
  scratch.slice(0, writeStatement(LABELS.statementSigned, f, call));
