// Standard base64 with padding (RFC 4648 section 4), as signed notes, checkpoints and proofs write it. Strict:
// one byte string has one text, so a changed character is never overlooked (attack A1).

/** base64 with padding. */
export const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** The bytes of a canonical base64 text, or null. */
export function fromBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0) return null;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : null;
}
