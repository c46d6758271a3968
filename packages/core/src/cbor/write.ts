// The deterministic encoder (RFC 8949 section 4.2.1): shortest heads, definite lengths, map keys in the
// bytewise order of their encodings. One value has one encoding.
import { concat, join, utf8 } from '../bytes.ts';
import type { Cbor, CborMap } from './value.ts';

const LONE_SURROGATE = /\p{Surrogate}/u;
const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5 } as const;

/** The head of an item: major type and argument, in its shortest form. */
export function head(major: number, n: number): Uint8Array {
  const m = major << 5;
  if (n < 24) return Uint8Array.of(m | n);
  if (n < 0x100) return Uint8Array.of(m | 24, n);
  if (n < 0x10000) return Uint8Array.of(m | 25, n >> 8, n & 0xff);
  if (n < 0x1_0000_0000)
    return Uint8Array.of(m | 26, n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff);
  const out = new Uint8Array(9);
  out[0] = m | 27;
  new DataView(out.buffer).setBigUint64(1, BigInt(n));
  return out;
}

/** Head and content of a byte string. */
export const byteString = (bytes: Uint8Array): Uint8Array => concat(head(MAJOR.bytes, bytes.length), bytes);

/** Orders two encodings bytewise; a shorter one that is a prefix of a longer one comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

function write(value: Cbor, out: Uint8Array[]): void {
  if (value === null) out.push(Uint8Array.of(0xf6));
  else if (typeof value === 'boolean') out.push(Uint8Array.of(value ? 0xf5 : 0xf4));
  else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      throw new RangeError(`CBOR number: expected a whole number of at most 53 bits, got ${value}`);
    }
    out.push(value >= 0 ? head(MAJOR.uint, value) : head(MAJOR.negative, -1 - value));
  } else if (typeof value === 'string') {
    if (LONE_SURROGATE.test(value))
      throw new RangeError('CBOR text: expected well-formed Unicode, got a lone surrogate');
    const bytes = utf8(value);
    out.push(head(MAJOR.text, bytes.length), bytes);
  } else if (value instanceof Uint8Array) out.push(head(MAJOR.bytes, value.length), value);
  else if (Array.isArray(value)) {
    out.push(head(MAJOR.array, value.length));
    for (const item of value as readonly Cbor[]) write(item, out);
  } else if (value instanceof Map) {
    const entries = [...(value as CborMap)].map(([k, v]) => ({ key: encode(k), v }));
    entries.sort((a, b) => compareBytes(a.key, b.key));
    out.push(head(MAJOR.map, entries.length));
    for (const { key, v } of entries) {
      out.push(key);
      write(v, out);
    }
  } else throw new TypeError(`CBOR value: expected a value of the token subset, got ${typeof value}`);
}

/** The one encoding of `value`. Throws RangeError or TypeError for what the subset does not hold. */
export function encode(value: Cbor): Uint8Array {
  const parts: Uint8Array[] = [];
  write(value, parts);
  return join(parts);
}
