// The wire forms of a proof: `ambp1_` and base64url of canonical CBOR.
//   signed            [1, time, nonce, signature]
//   session           [2, session id, sequence, time, mac]
//   session, opening  [3, ticket, ticket signature, sequence, time, mac]
import { base64urlLength, copyOf, decodeBase64url, toBase64url } from '../bytes.ts';
import { encode, MALFORMED, Reader } from '../cbor/index.ts';
import { LIMITS } from '../limits.ts';

/** Prefix of a proof's text. */
export const PROOF_PREFIX = 'ambp1_';

/** A signature over the statement by the current holder. */
export interface SignedProof {
  readonly kind: 'signed';
  readonly time: number;
  /** 16 bytes. */
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
}
/** A MAC over the statement, under the key of an open session. */
export interface SessionProof {
  readonly kind: 'session';
  readonly session: Uint8Array;
  readonly sequence: number;
  readonly time: number;
  readonly mac: Uint8Array;
}
/** The first of a session: it brings the ticket. */
export interface OpeningProof {
  readonly kind: 'opening';
  /** The ticket's canonical CBOR as received. */
  readonly ticket: Uint8Array;
  readonly signature: Uint8Array;
  readonly sequence: number;
  readonly time: number;
  readonly mac: Uint8Array;
}
/** Any proof. */
export type Proof = SignedProof | SessionProof | OpeningProof;

// One scratch for the proof at hand: what a verifier looks at is gone when it has answered.
const scratch = new Uint8Array(LIMITS.proofBytes);
const sessionScratch = new Uint8Array(32);
const macScratch = new Uint8Array(32);

/**
 * Reads a proof's text; null for anything that is not exactly one. Its byte strings lie in a scratch that the next
 * call overwrites: for a verifier, which is done with them before it answers.
 */
export function readProofBriefly(text: string): Proof | null {
  if (
    !text.startsWith(PROOF_PREFIX) ||
    text.length > PROOF_PREFIX.length + base64urlLength(LIMITS.proofBytes)
  ) {
    return null;
  }
  const size = decodeBase64url(text, PROOF_PREFIX.length, scratch);
  if (size < 0) return null;
  try {
    const r = new Reader(scratch, 0, size);
    const proof = readBody(r);
    r.done();
    return proof;
  } catch (error) {
    if (error === MALFORMED) return null;
    throw error;
  }
}

/** Reads a proof's text, into memory of its own; null for anything that is not exactly one. */
export function readProof(text: string): Proof | null {
  const proof = readProofBriefly(text);
  if (proof === null) return null;
  if (proof.kind === 'signed')
    return { ...proof, nonce: copyOf(proof.nonce), signature: copyOf(proof.signature) };
  if (proof.kind === 'session') return { ...proof, session: copyOf(proof.session), mac: copyOf(proof.mac) };
  return {
    ...proof,
    ticket: copyOf(proof.ticket),
    signature: copyOf(proof.signature),
    mac: copyOf(proof.mac),
  };
}

function readBody(r: Reader): Proof {
  const n = r.array();
  const kind = r.uint();
  if (kind === 1 && n === 4) {
    return { kind: 'signed', time: r.uint(), nonce: r.byteString(16), signature: r.byteString(64) };
  }
  if (kind === 2 && n === 5) {
    return {
      kind: 'session',
      session: r.byteStringInto(sessionScratch),
      sequence: r.uint(),
      time: r.uint(),
      mac: r.byteStringInto(macScratch),
    };
  }
  if (kind === 3 && n === 6) {
    return {
      kind: 'opening',
      ticket: r.byteString(),
      signature: r.byteString(64),
      sequence: r.uint(),
      time: r.uint(),
      mac: r.byteString(32),
    };
  }
  throw MALFORMED;
}

/** The text of a proof. */
export function proofText(p: Proof): string {
  const body =
    p.kind === 'signed'
      ? [1, p.time, p.nonce, p.signature]
      : p.kind === 'session'
        ? [2, p.session, p.sequence, p.time, p.mac]
        : [3, p.ticket, p.signature, p.sequence, p.time, p.mac];
  return PROOF_PREFIX + toBase64url(encode(body));
}
