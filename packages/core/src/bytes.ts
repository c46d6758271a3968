// Byte work that needs no algorithm: text forms, comparison, joining. Pure, no Buffer, no node: import.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 of a text. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** The text of UTF-8 bytes, or null when they are not well-formed (RFC 3629: overlong, surrogates, truncated). */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * A copy of `text` in memory of its own. V8 gives out a slice of 13 characters or more as a pointer into the text it
 * was cut from, and a concatenation as pointers to its parts: a table that keeps 20 characters of a message keeps the
 * message (law L16, attack K1). Whatever outlives the message it came with is copied by this first.
 */
export const own = (text: string): string => (text.length < 13 ? text : ` ${text}`.slice(1));

/**
 * A copy of `bytes` in memory of its own. Not `slice()`: that of a Node Buffer, which is a Uint8Array as well, is a
 * view of the same memory, so that who handed a key in and wiped his own copy would have wiped ours. Throws TypeError
 * for what is not bytes: of a number, `new Uint8Array` would make so many zeros.
 */
export function copyOf(bytes: Uint8Array): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('expected a Uint8Array');
  return new Uint8Array(bytes);
}

// Of a text in base64url, either way: one native copy to or from a text is cheaper than a step for each character.
let scratch = new Uint8Array(4096);
const CODES = Uint8Array.from(ALPHABET, (c) => c.charCodeAt(0));

/** Characters of `bytes` bytes in base64url without padding. */
export const base64urlLength = (bytes: number): number => Math.ceil((bytes * 4) / 3);

/** base64url without padding (RFC 4648 section 5). */
export function toBase64url(bytes: Uint8Array): string {
  const n = bytes.length;
  const length = base64urlLength(n);
  // Codes first, one text of them at the end: as a sum of characters, a text is a tree that takes four times as long
  // to make, and the time of a copy again from whoever reads it first (measured at 32 and at 120 bytes).
  const out = length > scratch.length ? new Uint8Array(length) : scratch;
  let o = 0;
  let i = 0;
  for (; i + 2 < n; i += 3, o += 4) {
    const v = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
    out[o] = CODES[v >> 18]!;
    out[o + 1] = CODES[(v >> 12) & 63]!;
    out[o + 2] = CODES[(v >> 6) & 63]!;
    out[o + 3] = CODES[v & 63]!;
  }
  if (i + 1 === n) {
    const v = bytes[i]!;
    out[o] = CODES[v >> 2]!;
    out[o + 1] = CODES[(v & 3) << 4]!;
  } else if (i + 2 === n) {
    const v = (bytes[i]! << 8) | bytes[i + 1]!;
    out[o] = CODES[v >> 10]!;
    out[o + 1] = CODES[(v >> 4) & 63]!;
    out[o + 2] = CODES[(v & 15) << 2]!;
  }
  return strictDecoder.decode(out.subarray(0, length));
}

// A character's six bits in each of the four places of a group; -1 for what is not in the alphabet, so that one
// OR over a whole text says at the end whether any of it was wrong.
const PLACES = [18, 12, 6, 0].map((shift) => {
  const table = new Int32Array(256).fill(-1);
  for (let i = 0; i < 64; i++) table[ALPHABET.charCodeAt(i)] = i << shift;
  return table;
});
const [PLACE_0, PLACE_1, PLACE_2, PLACE_3] = PLACES as [Int32Array, Int32Array, Int32Array, Int32Array];

/**
 * Decodes `text` from `start` into `out`, strictly: the URL alphabet only, no padding, no white space, and zero bits
 * at the end, so that one byte string has one text (attack E12). The number of bytes, or -1 for anything else.
 * Throws RangeError when `out` is too small.
 */
export function decodeBase64url(text: string, start: number, out: Uint8Array): number {
  const length = text.length;
  const rest = (length - start) & 3;
  if (start > length || rest === 1) return -1;
  const size = ((length - start) >> 2) * 3 + (rest === 0 ? 0 : rest - 1);
  if (size > out.length) throw new RangeError(`out: expected room for ${size} bytes, got ${out.length}`);
  if (scratch.length < length) scratch = new Uint8Array(2 * length);
  const chars = scratch;
  // More bytes than characters, or a text that did not fit: something outside ASCII.
  const { read, written } = encoder.encodeInto(text, chars);
  if (read !== length || written !== length) return -1;
  let all = 0;
  let o = 0;
  let i = start;
  for (const end = length - rest; i < end; i += 4, o += 3) {
    const v =
      PLACE_0[chars[i]!]! | PLACE_1[chars[i + 1]!]! | PLACE_2[chars[i + 2]!]! | PLACE_3[chars[i + 3]!]!;
    all |= v;
    out[o] = v >> 16;
    out[o + 1] = v >> 8;
    out[o + 2] = v;
  }
  if (rest > 0) {
    const v = PLACE_0[chars[i]!]! | PLACE_1[chars[i + 1]!]! | (rest === 3 ? PLACE_2[chars[i + 2]!]! : 0);
    if ((v & (rest === 3 ? 0xff : 0xffff)) !== 0) return -1;
    all |= v;
    out[o] = v >> 16;
    if (rest === 3) out[o + 1] = v >> 8;
  }
  return all < 0 ? -1 : size;
}

// Arrays of more than 64 bytes cost V8 an allocation outside its heap, about as much as two HMAC compressions; small
// ones are cut from a slab instead, as Node's Buffer does. A slab lives as long as its last piece.
const SLAB = 8192;
let slab = new Uint8Array(0);
let used = 0;

function piece(size: number): Uint8Array {
  if (size > SLAB / 8) return new Uint8Array(size);
  if (used + size > slab.length) {
    slab = new Uint8Array(SLAB);
    used = 0;
  }
  used += size;
  return slab.subarray(used - size, used);
}

/** `decodeBase64url` into an array of its own; null for anything that is not strict. */
export function fromBase64url(text: string, start = 0): Uint8Array | null {
  const chars = text.length - start;
  if (chars < 0 || (chars & 3) === 1) return null;
  const out = new Uint8Array(Math.floor((chars * 3) / 4));
  return decodeBase64url(text, start, out) < 0 ? null : out;
}

/** The same in memory shared with other results: for bytes that this package keeps to itself. */
export function fromBase64urlShared(text: string, start: number): Uint8Array | null {
  const chars = text.length - start;
  if (chars < 0 || (chars & 3) === 1) return null;
  const out = piece(Math.floor((chars * 3) / 4));
  return decodeBase64url(text, start, out) < 0 ? null : out;
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += (byte < 16 ? '0' : '') + byte.toString(16);
  return out;
}

/** Bytes of an even number of hexadecimal digits of either case, or null. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return null;
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/** One array after the other. */
export const concat = (...parts: readonly Uint8Array[]): Uint8Array => join(parts);

/** The same of a list of any length: as arguments, some hundred thousand exceed the stack. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  let n = 0;
  for (const part of parts) n += part.length;
  const out = new Uint8Array(n);
  n = 0;
  for (const part of parts) {
    out.set(part, n);
    n += part.length;
  }
  return out;
}

/** Whether two byte strings are equal, in time that depends on their lengths only (law L12). */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let diff = 0;
  for (let i = 0; i < a.length; i++) diff |= a[i]! ^ b[i]!;
  return diff === 0;
}

/**
 * Map key of 32 bytes, a key or a digest: a text of 16 units of two bytes each. Written out it takes a third of the time
 * of `apply` (38 ns to 132). Throws RangeError for another length: keys of two lengths could be the same text.
 */
export function keyOf32(b: Uint8Array): string {
  if (b.length !== 32) throw new RangeError(`expected 32 bytes, got ${b.length}`);
  return String.fromCharCode(
    (b[0]! << 8) | b[1]!,
    (b[2]! << 8) | b[3]!,
    (b[4]! << 8) | b[5]!,
    (b[6]! << 8) | b[7]!,
    (b[8]! << 8) | b[9]!,
    (b[10]! << 8) | b[11]!,
    (b[12]! << 8) | b[13]!,
    (b[14]! << 8) | b[15]!,
    (b[16]! << 8) | b[17]!,
    (b[18]! << 8) | b[19]!,
    (b[20]! << 8) | b[21]!,
    (b[22]! << 8) | b[23]!,
    (b[24]! << 8) | b[25]!,
    (b[26]! << 8) | b[27]!,
    (b[28]! << 8) | b[29]!,
    (b[30]! << 8) | b[31]!,
  );
}
