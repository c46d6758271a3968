// cosignature/v1 (C2SP tlog-cosignature, type 0x04): a witness's Ed25519 signature over a time and a whole
// checkpoint text. On the line: eight bytes of Unix seconds, big-endian, and the signature.
import { copyOf } from '../core.ts';

/** The bytes a witness signs: two header lines, then the checkpoint text without its signatures. */
export const cosignatureMessage = (text: string, time: number): Uint8Array =>
  Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);

/** Splits a cosignature (72 bytes after the key id) into time and signature; null for another length or time. */
export function readCosignature(
  bytes: Uint8Array,
): { readonly time: number; readonly signature: Uint8Array } | null {
  if (bytes.length !== 72) return null;
  const time = Number(Buffer.from(bytes.buffer, bytes.byteOffset, 8).readBigUInt64BE());
  return Number.isSafeInteger(time) ? { time, signature: copyOf(bytes.subarray(8)) } : null;
}
