// Byte work that needs no algorithm: text forms, comparison, joining. Pure, no Buffer, no node: import.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const DECODE = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i++) DECODE[ALPHABET.charCodeAt(i)] = i;

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

/** base64url without padding (RFC 4648 section 5). */
export function toBase64url(bytes: Uint8Array): string {
  let out = '';
  const n = bytes.length;
  let i = 0;
  for (; i + 2 < n; i += 3) {
    const v = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!;
    out += ALPHABET[v >> 18]! + ALPHABET[(v >> 12) & 63]! + ALPHABET[(v >> 6) & 63]! + ALPHABET[v & 63]!;
  }
  if (i + 1 === n) {
    const v = bytes[i]!;
    out += ALPHABET[v >> 2]! + ALPHABET[(v & 3) << 4]!;
  } else if (i + 2 === n) {
    const v = (bytes[i]! << 8) | bytes[i + 1]!;
    out += ALPHABET[v >> 10]! + ALPHABET[(v >> 4) & 63]! + ALPHABET[(v & 15) << 2]!;
  }
  return out;
}

/**
 * Decodes `text` from `start`, strictly: the URL alphabet only, no padding, no white space, and zero bits at
 * the end, so that one byte string has one text (attack E12). Null for anything else.
 */
export function fromBase64url(text: string, start = 0): Uint8Array | null {
  const chars = text.length - start;
  const rest = chars & 3;
  if (chars < 0 || rest === 1) return null;
  const out = new Uint8Array((chars >> 2) * 3 + (rest === 0 ? 0 : rest - 1));
  let bad = 0;
  let i = start;
  let o = 0;
  for (const end = text.length - rest; i < end; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    // Out of range of the table: the high bits are collected and refused at the end, without a branch each.
    bad |= a | b | c | d;
    const v = (DECODE[a & 127]! << 18) | (DECODE[b & 127]! << 12) | (DECODE[c & 127]! << 6) | DECODE[d & 127]!;
    if (v < 0) return null;
    out[o++] = v >> 16;
    out[o++] = v >> 8;
    out[o++] = v;
  }
  if (bad > 127) return null;
  if (rest > 0) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = rest === 3 ? text.charCodeAt(i + 2) : 65;
    if ((a | b | c) > 127) return null;
    const v = (DECODE[a]! << 18) | (DECODE[b]! << 12) | (DECODE[c]! << 6);
    if (v < 0) return null;
    out[o++] = v >> 16;
    if (rest === 3) {
      out[o] = v >> 8;
      if ((v & 0xff) !== 0) return null;
    } else if ((v & 0xffff) !== 0) return null;
  }
  return out;
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
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
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
