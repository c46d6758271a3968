// HMAC-SHA-256 (RFC 2104, FIPS 198-1) and the chain of docs/design.md section 3: link 0 is HMAC(key, label ||
// version || grant), link i+1 is HMAC(link i, caveat i). The whole chain is one call over words that this
// module owns: nothing is allocated, a link is its four or more compressions and little else, and no
// intermediate link leaves (laws L4 and L12): only the last one is written out, and the scratch is cleared
// behind it.
import { INITIAL, compress } from './compress.ts';
import { absorb, finish, sha256, store } from './sha256.ts';

// The key under its two pads: one block each. Nothing here calls back, so one scratch serves every caller.
const innerPad = new Int32Array(16);
const outerPad = new Int32Array(16);
const IPAD = 0x36363636;
const OPAD = 0x5c5c5c5c;

const inner = new Int32Array(8);
const outer = new Int32Array(8);
const words = new Int32Array(16);
/** The block that ends every HMAC: the inner digest, and the padding of a message of 64 + 32 bytes. */
const last = new Int32Array(16);
last[8] = 0x80000000;
last[15] = 8 * (64 + 32);
/** The latest link. */
const link = new Int32Array(8);

/** Takes a key of at most 64 bytes and starts the inner hash. */
function open(secret: Uint8Array): void {
  for (let i = 0; i < 16; i++) innerPad[i] = 0;
  for (let i = 0; i < secret.length; i++) {
    innerPad[i >> 2] = innerPad[i >> 2]! | (secret[i]! << (24 - 8 * (i & 3)));
  }
  for (let i = 0; i < 16; i++) {
    outerPad[i] = innerPad[i]! ^ OPAD;
    innerPad[i] = innerPad[i]! ^ IPAD;
  }
  compress(INITIAL, innerPad, inner);
}

/** Ends the inner hash, which has taken in `length` bytes after the pad and holds `fill` pending; MAC in `link`. */
function close(fill: number, length: number): void {
  finish(inner, words, fill, 64 + length, last);
  compress(INITIAL, outerPad, outer);
  compress(outer, last, link);
}

/** Links `from` to `count` - 1, each under the one before it, the first under what `link` holds. */
function run(bytes: Uint8Array, spans: ArrayLike<number>, from: number, count: number): void {
  for (let i = 8; i < 16; i++) {
    innerPad[i] = IPAD;
    outerPad[i] = OPAD;
  }
  for (let i = from; i < count; i++) {
    for (let j = 0; j < 8; j++) {
      innerPad[j] = link[j]! ^ IPAD;
      outerPad[j] = link[j]! ^ OPAD;
    }
    compress(INITIAL, innerPad, inner);
    const start = spans[2 * i]!;
    const stop = spans[2 * i + 1]!;
    close(absorb(inner, words, 0, bytes, start, stop), stop - start);
  }
}

function wipe(): void {
  for (let i = 0; i < 16; i++) innerPad[i] = outerPad[i] = words[i] = 0;
  for (let i = 0; i < 8; i++) inner[i] = outer[i] = last[i] = link[i] = 0;
}

// Everything is checked before the first secret is touched: a byte read from outside would count as zero.
function check32(name: string, bytes: Uint8Array): void {
  if (bytes.length !== 32) throw new RangeError(`${name}: expected 32 bytes, got ${bytes.length}`);
}
function checkSpan(bytes: Uint8Array, start: number, stop: number): void {
  if (!(start >= 0 && start <= stop && stop <= bytes.length))
    throw new RangeError('span: expected to lie within bytes');
}
function checkSpans(bytes: Uint8Array, spans: ArrayLike<number>, from: number, count: number): void {
  if (!(from >= 0 && from <= count && 2 * count <= spans.length))
    throw new RangeError('count: expected pairs in spans');
  for (let i = from; i < count; i++) checkSpan(bytes, spans[2 * i]!, spans[2 * i + 1]!);
}

/** HMAC-SHA-256 of the parts one after the other, 32 bytes; `secret` has any length. */
export function hmacSha256(secret: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  open(secret.length > 64 ? sha256(secret) : secret);
  let fill = 0;
  let length = 0;
  for (const part of parts) {
    fill = absorb(inner, words, fill, part, 0, part.length);
    length += part.length;
  }
  close(fill, length);
  const out = new Uint8Array(32);
  store(link, out);
  wipe();
  return out;
}

function first(secret: Uint8Array, prefix: Uint8Array, bytes: Uint8Array, start: number, stop: number): void {
  open(secret);
  const fill = absorb(inner, words, 0, prefix, 0, prefix.length);
  close(absorb(inner, words, fill, bytes, start, stop), prefix.length + stop - start);
}

/** The first link: `out` (32 bytes) = HMAC-SHA-256(secret, prefix || bytes[start, stop)), for a secret of 32 bytes. */
export function chainStart(
  secret: Uint8Array,
  prefix: Uint8Array,
  bytes: Uint8Array,
  start: number,
  stop: number,
  out: Uint8Array,
): void {
  check32('secret', secret);
  check32('out', out);
  checkSpan(bytes, start, stop);
  first(secret, prefix, bytes, start, stop);
  store(link, out);
  wipe();
}

/**
 * The tail of a whole chain. `spans` holds `count` pairs (start, stop) into `bytes`, at least one: link 0 is
 * HMAC(secret, prefix || span 0), link i is HMAC(link i-1, span i). Only the last link lands in `out`. Secret
 * and `out` are 32 bytes. Throws RangeError on other lengths and on spans outside `bytes`, before any work.
 */
export function chain(
  secret: Uint8Array,
  prefix: Uint8Array,
  bytes: Uint8Array,
  spans: ArrayLike<number>,
  count: number,
  out: Uint8Array,
): void {
  if (!(count >= 1)) throw new RangeError(`count: expected 1 or more, got ${count}`);
  check32('secret', secret);
  check32('out', out);
  checkSpans(bytes, spans, 0, count);
  first(secret, prefix, bytes, spans[0]!, spans[1]!);
  run(bytes, spans, 1, count);
  store(link, out);
  wipe();
}

/**
 * Goes on from `tail`, the link of a chain that has taken in the spans before `from`, up to span `count` - 1;
 * with `from` = `count` that is the tail itself. `out` may be `tail`. Checks as `chain` does.
 */
export function chainFrom(
  tail: Uint8Array,
  bytes: Uint8Array,
  spans: ArrayLike<number>,
  from: number,
  count: number,
  out: Uint8Array,
): void {
  check32('tail', tail);
  check32('out', out);
  checkSpans(bytes, spans, from, count);
  for (let i = 0; i < 8; i++) {
    link[i] = (tail[4 * i]! << 24) | (tail[4 * i + 1]! << 16) | (tail[4 * i + 2]! << 8) | tail[4 * i + 3]!;
  }
  run(bytes, spans, from, count);
  store(link, out);
  wipe();
}
