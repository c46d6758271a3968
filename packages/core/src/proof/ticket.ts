// The session ticket (docs/design.md section 5): the holder signs, once, an ephemeral X25519 key for one verifier
// instance (its key and epoch), for at most five minutes. Canonical CBOR [holder key, ephemeral key, audience,
// verifier's key, epoch, issued-at, expiry, nonce]; session id = SHA-256(ticket || signature); MAC key =
// HKDF(X25519, salt = session id, info = label || verifier key || ephemeral key || holder key).
import { concat } from '../bytes.ts';
import { encode, MALFORMED, Reader } from '../cbor/index.ts';
import { hkdfSha256, sha256 } from '../crypto/index.ts';
import { LABELS } from '../labels.ts';
import { LIMITS } from '../limits.ts';

/** The fields of a ticket. Keys are 32 bytes, epoch and nonce 16; times are Unix seconds. */
export interface Ticket {
  readonly holder: Uint8Array;
  readonly ephemeral: Uint8Array;
  readonly audience: string;
  readonly verifier: Uint8Array;
  readonly epoch: Uint8Array;
  readonly issuedAt: number;
  readonly expires: number;
  readonly nonce: Uint8Array;
}

/** The ticket's one encoding: what the holder signs after the label. */
export const encodeTicket = (t: Ticket): Uint8Array =>
  encode([t.holder, t.ephemeral, t.audience, t.verifier, t.epoch, t.issuedAt, t.expires, t.nonce]);

/** Reads a ticket, or null. */
export function readTicket(bytes: Uint8Array): Ticket | null {
  if (bytes.length > LIMITS.ticketBytes) return null;
  try {
    const r = new Reader(bytes);
    r.array(8);
    const ticket: Ticket = {
      holder: r.byteStringCopy(32),
      ephemeral: r.byteStringCopy(32),
      audience: r.text(LIMITS.nameBytes),
      verifier: r.byteStringCopy(32),
      epoch: r.byteStringCopy(16),
      issuedAt: r.uint(),
      expires: r.uint(),
      nonce: r.byteStringCopy(16),
    };
    r.done();
    return ticket;
  } catch (error) {
    if (error === MALFORMED) return null;
    throw error;
  }
}

/** The id of the session that a ticket and its signature open, 32 bytes. */
export const sessionId = (ticket: Uint8Array, signature: Uint8Array): Uint8Array => sha256(ticket, signature);

/** The MAC key of a session, 32 bytes; both sides derive the same. */
export function sessionKey(shared: Uint8Array, session: Uint8Array, t: Ticket): Uint8Array {
  const info = concat(LABELS.sessionKey.bytes, t.verifier, t.ephemeral, t.holder);
  return hkdfSha256(shared, session, info);
}
