// HKDF with SHA-256 (RFC 5869): keys for one audience and one session from a root (docs/design.md sections 3
// and 5).
import { hmacSha256 } from './chain.ts';

/**
 * `length` bytes (0 to 8,160; 32 by default) from the input key, the salt and the info. An absent salt counts
 * as 32 zero bytes, as the RFC says. Throws RangeError on another length.
 */
export function hkdfSha256(
  inputKey: Uint8Array,
  salt: Uint8Array | undefined,
  info: Uint8Array,
  length = 32,
): Uint8Array {
  if (!Number.isInteger(length) || length < 0 || length > 255 * 32) {
    throw new RangeError(`length: expected 0 to 8160, got ${length}`);
  }
  const pseudoRandomKey = hmacSha256(salt ?? new Uint8Array(32), inputKey);
  const out = new Uint8Array(length);
  let block: Uint8Array = new Uint8Array(0);
  for (let at = 0, i = 1; at < length; at += 32, i++) {
    block = hmacSha256(pseudoRandomKey, block, info, Uint8Array.of(i));
    out.set(block.subarray(0, length - at), at);
  }
  pseudoRandomKey.fill(0);
  return out;
}
