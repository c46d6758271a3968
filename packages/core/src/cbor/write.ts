// The deterministic encoder (RFC 8949 section 4.2.1): shortest heads, definite lengths, map keys in the
// bytewise order of their encodings. One value has one encoding.
import { concat } from '../bytes.ts';
import type { Cbor, CborMap } from './value.ts';
import { CborWriter, MAJOR } from './writer.ts';

const LONE_SURROGATE = /\p{Surrogate}/u;

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

function write(value: Cbor, out: CborWriter): void {
  if (value === null || typeof value === 'boolean') out.simple(value);
  else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      throw new RangeError(`CBOR number: expected a whole number of at most 53 bits, got ${value}`);
    }
    out.integer(value);
  } else if (typeof value === 'string') {
    if (out.ascii(value)) return;
    if (LONE_SURROGATE.test(value))
      throw new RangeError('CBOR text: expected well-formed Unicode, got a lone surrogate');
    out.text(value);
  } else if (value instanceof Uint8Array) out.byteString(value);
  else if (Array.isArray(value)) {
    out.head(MAJOR.array, value.length);
    for (const item of value as readonly Cbor[]) write(item, out);
  } else if (value instanceof Map) {
    const entries = [...(value as CborMap)].map(([k, v]) => ({ key: encoded(k, out), v }));
    entries.sort((a, b) => compareBytes(a.key, b.key));
    out.head(MAJOR.map, entries.length);
    for (const { key, v } of entries) {
      out.raw(key);
      write(v, out);
    }
  } else throw new TypeError(`CBOR value: expected a value of the token subset, got ${typeof value}`);
}

/** The encoding of a key, written where the map will stand and taken back. */
function encoded(key: Cbor, out: CborWriter): Uint8Array {
  const start = out.at;
  write(key, out);
  const bytes = out.bytes.slice(start, out.at);
  out.at = start;
  return bytes;
}

/** A buffer that has grown beyond this is not kept. */
const KEPT_BYTES = 65_536;
// Taken by who encodes and put back afterwards: a value that encodes another while it is read gets a second one.
let spare: CborWriter | null = null;

/** The one encoding of `value`. Throws RangeError or TypeError for what the subset does not hold. */
export function encode(value: Cbor): Uint8Array {
  const out = spare ?? new CborWriter(1024);
  spare = null;
  try {
    write(value, out);
    return out.copy();
  } finally {
    out.clear();
    if (out.bytes.length <= KEPT_BYTES) spare = out;
  }
}
