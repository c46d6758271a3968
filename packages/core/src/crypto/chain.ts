// HMAC-SHA-256 (RFC 2104), HKDF (RFC 5869) and the token's chain (DESIGN section 3).
import { sha256 } from './sha256.ts';

const NOTHING = new Uint8Array(0);

/** HMAC-SHA-256 of the parts one after the other, 32 bytes; a key of any length. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const short = key.length > 64 ? sha256(key) : key;
  const ipad = new Uint8Array(64).fill(0x36);
  const opad = new Uint8Array(64).fill(0x5c);
  for (let i = 0; i < short.length; i++) {
    ipad[i]! ^= short[i]!;
    opad[i]! ^= short[i]!;
  }
  return sha256(opad, sha256(ipad, ...parts));
}

/** HKDF-SHA-256 (RFC 5869): `length` bytes, at most 8,160. An absent salt is 32 zero bytes. */
export function hkdfSha256(
  key: Uint8Array,
  salt: Uint8Array | undefined,
  info: Uint8Array,
  length = 32,
): Uint8Array {
  if (!Number.isInteger(length) || length < 0 || length > 255 * 32)
    throw new RangeError('length: expected 0 to 8160');
  const prk = hmacSha256(salt ?? new Uint8Array(32), key);
  const out = new Uint8Array(length);
  let block: Uint8Array = NOTHING;
  for (let i = 0; i * 32 < length; i++) {
    block = hmacSha256(prk, block, info, Uint8Array.of(i + 1));
    out.set(block.subarray(0, Math.min(32, length - 32 * i)), 32 * i);
  }
  return out;
}

/** `out` = HMAC-SHA-256(key, prefix || bytes[start, end)). */
export function chainStart(
  key: Uint8Array,
  prefix: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
): void {
  out.set(hmacSha256(key, prefix, bytes.subarray(start, end)));
}

/**
 * The tail of a chain: link 0 is HMAC(key, prefix || span 0), link i is HMAC(link i-1, span i). `spans` holds
 * `count` pairs (start, end) into `bytes`. Only the last link lands in `out` (32 bytes, law L12).
 */
export function chain(
  key: Uint8Array,
  prefix: Uint8Array,
  bytes: Uint8Array,
  spans: Int32Array,
  count: number,
  out: Uint8Array,
): void {
  chainStart(key, prefix, bytes, spans[0]!, spans[1]!, out);
  chainFrom(out, bytes, spans, 1, count, out);
}

/** Goes on from `tail`, which has taken in the spans before `from`; `out` may be `tail`. */
export function chainFrom(
  tail: Uint8Array,
  bytes: Uint8Array,
  spans: Int32Array,
  from: number,
  count: number,
  out: Uint8Array,
): void {
  let link = tail;
  for (let i = from; i < count; i++)
    link = hmacSha256(link, bytes.subarray(spans[2 * i]!, spans[2 * i + 1]!));
  out.set(link);
}
