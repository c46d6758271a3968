// The bounded strict reader: a pull parser over bytes that accepts the deterministic encoding of the subset and
// nothing else (law L7; attacks E1 to E9). It allocates nothing of its own; what it returns for byte strings
// are views. Malformed input throws MALFORMED, one frozen value without a stack, so that a refusal is cheap.
import { copyOf } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import { compareBytes } from './write.ts';
import type { Cbor } from './value.ts';

/** What the reader throws; callers turn it into a denial. */
export const MALFORMED: Readonly<{ malformed: true }> = Object.freeze({ malformed: true });

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Major types of RFC 8949 section 3.1 as `peek` returns them. */
export const TYPE = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, simple: 7 } as const;

// Texts of tokens recur: tools, labels, audiences, issuers. A direct-mapped table of short ASCII ones gives them
// back without making a string (5 times cheaper than decoding, which verification would do 20 times a token).
const KNOWN_LENGTH = 40;
const KNOWN: string[] = new Array<string>(1024).fill('');
/** The test that the text of a slot has passed last: most texts are asked the same question again. */
const PASSED = new Array<((text: string) => boolean) | null>(1024).fill(null);
let lastSlot = -1;

/** The text of short bytes: a known one, or a new one that takes its place; null when one is not ASCII. */
function knownText(bytes: Uint8Array, start: number, end: number): string | null {
  let hash = end - start;
  for (let i = start; i < end; i++) {
    const c = bytes[i]!;
    if (c > 127) return null;
    hash = (Math.imul(hash, 31) + c) | 0;
  }
  const slot = (hash ^ (hash >>> 10) ^ (hash >>> 20)) & 1023;
  lastSlot = slot;
  const known = KNOWN[slot]!;
  if (known.length === end - start) {
    let i = start;
    while (i < end && known.charCodeAt(i - start) === bytes[i]) i++;
    if (i === end) return known;
  }
  const text = decoder.decode(bytes.subarray(start, end));
  KNOWN[slot] = text;
  PASSED[slot] = null;
  return text;
}

/** Reads `bytes` from `start` up to `end`. */
export class Reader {
  readonly bytes: Uint8Array;
  pos: number;
  end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
  }

  /** The major type of the next item. */
  peek(): number {
    if (this.pos >= this.end) throw MALFORMED;
    return this.bytes[this.pos]! >> 5;
  }

  /** Reads a head of type `major` and returns its argument, refusing every form but the shortest. */
  head(major: number): number {
    const { bytes, pos, end } = this;
    if (pos >= end) throw MALFORMED;
    const first = bytes[pos]!;
    if (first >> 5 !== major) throw MALFORMED;
    const info = first & 31;
    if (info < 24) {
      this.pos = pos + 1;
      return info;
    }
    // 28 to 31 are reserved or stand for an indefinite length (attack E4).
    const size = 1 << (info - 24);
    if (info > 27 || pos + 1 + size > end) throw MALFORMED;
    let n = 0;
    for (let i = 1; i <= size; i++) n = n * 256 + bytes[pos + i]!;
    const least = size === 1 ? 24 : size === 2 ? 0x100 : size === 4 ? 0x10000 : 0x1_0000_0000;
    if (n < least || n > Number.MAX_SAFE_INTEGER) throw MALFORMED;
    this.pos = pos + 1 + size;
    return n;
  }

  /** A whole number from 0 to 2^53-1. */
  uint(): number {
    return this.head(TYPE.uint);
  }

  /** A whole number of either sign. */
  int(): number {
    if (this.peek() === TYPE.uint) return this.head(TYPE.uint);
    const n = -1 - this.head(TYPE.negative);
    if (!Number.isSafeInteger(n)) throw MALFORMED;
    return n;
  }

  /** The content of a byte string, as a view. `size` fixes the length when given. */
  byteString(size?: number): Uint8Array {
    const n = this.head(TYPE.bytes);
    if (n > this.end - this.pos || (size !== undefined && n !== size)) throw MALFORMED;
    this.pos += n;
    return this.bytes.subarray(this.pos - n, this.pos);
  }

  /** The content of a byte string of exactly `out.length` bytes, copied to `out`: for what is looked at only briefly. */
  byteStringInto(out: Uint8Array): Uint8Array {
    const { bytes, end } = this;
    const size = out.length;
    if (this.head(TYPE.bytes) !== size || size > end - this.pos) throw MALFORMED;
    // A loop: a view costs V8 more than 32 bytes do (60 ns and 96 bytes to collect).
    for (let i = 0, from = this.pos; i < size; i++, from++) out[i] = bytes[from]!;
    this.pos += size;
    return out;
  }

  /** A copy of a byte string: what outlives the input must not share its memory. */
  byteStringCopy(size?: number): Uint8Array {
    return copyOf(this.byteString(size));
  }

  /** A well-formed UTF-8 text of at most `max` bytes. */
  text(max: number = LIMITS.textBytes): string {
    const n = this.head(TYPE.text);
    if (n > this.end - this.pos || n > max) throw MALFORMED;
    const { bytes, pos } = this;
    this.pos = pos + n;
    if (n <= KNOWN_LENGTH) {
      const known = knownText(bytes, pos, this.pos);
      if (known !== null) return known;
    }
    try {
      return decoder.decode(bytes.subarray(pos, this.pos));
    } catch {
      throw MALFORMED;
    }
  }

  /** A text of at most `max` bytes that passes `valid`, a pure test; anything else is malformed. */
  textThat(valid: (text: string) => boolean, max: number): string {
    lastSlot = -1;
    const text = this.text(max);
    const slot = lastSlot;
    if (slot >= 0 && PASSED[slot] === valid) return text;
    if (!valid(text)) throw MALFORMED;
    if (slot >= 0) PASSED[slot] = valid;
    return text;
  }

  /** The number of items of an array that is opened; no more than the bytes left can hold. */
  array(size?: number): number {
    const n = this.head(TYPE.array);
    if (n > this.end - this.pos || (size !== undefined && n !== size)) throw MALFORMED;
    return n;
  }

  /** The number of pairs of a map that is opened. The caller checks the order of keys (`mapKey`). */
  map(): number {
    const n = this.head(TYPE.map);
    if (2 * n > this.end - this.pos) throw MALFORMED;
    return n;
  }

  /** An integer key of a map, strictly above `previous` in the bytewise order of encodings (null for the first). */
  mapKey(previous: number | null): number {
    const key = this.int();
    if (previous !== null && !keyAfter(previous, key)) throw MALFORMED;
    return key;
  }

  /** True, false or null. */
  simple(): boolean | null {
    if (this.pos >= this.end) throw MALFORMED;
    const byte = this.bytes[this.pos++]!;
    if (byte === 0xf4) return false;
    if (byte === 0xf5) return true;
    if (byte === 0xf6) return null;
    throw MALFORMED;
  }

  /** Whether the next item is null; if so it is consumed. */
  nothing(): boolean {
    if (this.pos < this.end && this.bytes[this.pos] === 0xf6) {
      this.pos++;
      return true;
    }
    return false;
  }

  /** Throws unless all was read: trailing bytes are refused (attack E7). */
  done(): void {
    if (this.pos !== this.end) throw MALFORMED;
  }

  /** Any value of the subset, with its nesting bounded. Byte strings are copies. */
  value(depth: number = LIMITS.cborDepth): Cbor {
    const type = this.peek();
    if (type === TYPE.uint || type === TYPE.negative) return this.int();
    if (type === TYPE.bytes) return this.byteStringCopy();
    if (type === TYPE.text) return this.text();
    if (type === TYPE.simple) return this.simple();
    if (depth === 0) throw MALFORMED;
    if (type === TYPE.array) {
      const items: Cbor[] = [];
      for (let n = this.array(); n > 0; n--) items.push(this.value(depth - 1));
      return items;
    }
    // What is none of them, a tag, `map` refuses.
    const map = new Map<number | string, Cbor>();
    let previous: Uint8Array | null = null;
    for (let n = this.map(); n > 0; n--) {
      const start = this.pos;
      const key = this.peek() === TYPE.text ? this.text() : this.int();
      const encoded = this.bytes.subarray(start, this.pos);
      if (previous !== null && compareBytes(previous, encoded) >= 0) throw MALFORMED;
      previous = encoded;
      map.set(key, this.value(depth - 1));
    }
    return map;
  }

  /** Skips one value, checking it as `value` does but for the content of texts, and the order and type of keys. */
  skip(depth: number = LIMITS.cborDepth): void {
    const type = this.peek();
    if (type === TYPE.uint || type === TYPE.negative) this.int();
    else if (type === TYPE.bytes || type === TYPE.text) {
      const n = this.head(type);
      if (n > this.end - this.pos || (type === TYPE.text && n > LIMITS.textBytes)) throw MALFORMED;
      this.pos += n;
    } else if (type === TYPE.array || type === TYPE.map) {
      if (depth === 0) throw MALFORMED;
      let n = type === TYPE.array ? this.array() : 2 * this.map();
      for (; n > 0; n--) this.skip(depth - 1);
    } else this.simple();
  }
}

/** Whether integer key `b` comes after `a`: non-negative keys first, each sign by magnitude. */
const keyAfter = (a: number, b: number): boolean => (a >= 0 ? b < 0 || b > a : b < a);

/** The value of exactly these bytes, or null when they are not its one deterministic encoding. */
export function decode(bytes: Uint8Array): { readonly value: Cbor } | null {
  try {
    const reader = new Reader(bytes);
    const value = reader.value();
    reader.done();
    return { value };
  } catch (error) {
    if (error === MALFORMED) return null;
    throw error;
  }
}
