// SHA-256 (FIPS 180-4) over `compress.ts`. A running hash is eight words of state, sixteen words of the block
// being filled, and a count; the functions below work on such words that their caller owns, so that HMAC and
// the chain hash without allocating. `Sha256` wraps them for the prefix digests D(i) of docs/design.md section 3.
import { INITIAL, compress } from './compress.ts';

/**
 * Takes bytes [start, end) in. `fill` (0 to 63) says how many bytes `words` holds, and so does the answer;
 * the rest of the word at `fill` is zero, later words are stale.
 */
export function absorb(
  state: Int32Array,
  words: Int32Array,
  fill: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let at = start;
  // A word begun by an earlier part.
  while ((fill & 3) !== 0 && at < end) {
    words[fill >> 2] = words[fill >> 2]! | (bytes[at++]! << (24 - 8 * (fill & 3)));
    fill++;
  }
  if (fill === 64) {
    compress(state, words, state);
    fill = 0;
  }
  let word = fill >> 2;
  const wholeWords = end - 3;
  while (at < wholeWords) {
    words[word++] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    at += 4;
    if (word === 16) {
      compress(state, words, state);
      word = 0;
    }
  }
  if ((fill & 3) !== 0) return fill;
  fill = word << 2;
  if (at < end) {
    let last = 0;
    for (let shift = 24; at < end; shift -= 8, fill++) last |= bytes[at++]! << shift;
    words[word] = last;
  }
  return fill;
}

/** Ends a message of `length` bytes in all (FIPS 180-4, section 5.1.1); the digest's eight words land in `to`. */
export function finish(
  state: Int32Array,
  words: Int32Array,
  fill: number,
  length: number,
  to: Int32Array,
): void {
  let word = fill >> 2;
  words[word] = ((fill & 3) === 0 ? 0 : words[word]!) | (0x80 << (24 - 8 * (fill & 3)));
  word++;
  if (word > 14) {
    if (word === 15) words[15] = 0;
    compress(state, words, state);
    word = 0;
  }
  while (word < 14) words[word++] = 0;
  words[14] = Math.floor(length / 0x2000_0000);
  words[15] = length << 3;
  compress(state, words, to);
}

/** Writes eight words as 32 bytes, big-endian, at the start of `out`. */
export function store(state: Int32Array, out: Uint8Array): void {
  for (let i = 0; i < 8; i++) {
    const word = state[i]!;
    out[4 * i] = word >>> 24;
    out[4 * i + 1] = word >>> 16;
    out[4 * i + 2] = word >>> 8;
    out[4 * i + 3] = word;
  }
}

// Nothing here calls back, so one scratch serves every caller of this module.
const scratchState = new Int32Array(8);
const scratchWords = new Int32Array(16);

function digestOf(words: Int32Array, fill: number, length: number): Uint8Array {
  finish(scratchState, words, fill, length, scratchState);
  // What was hashed may have been a key.
  for (let i = 0; i < 16; i++) words[i] = 0;
  const out = new Uint8Array(32);
  store(scratchState, out);
  return out;
}

/** A running SHA-256: `update` any number of times, `digest` at any point without ending it. */
export class Sha256 {
  readonly #state: Int32Array = new Int32Array(INITIAL);
  readonly #words: Int32Array = new Int32Array(16);
  #fill = 0;
  #length = 0;

  /** Takes bytes [start, end) in; all of them without the two. Throws RangeError when they lie outside. */
  update(bytes: Uint8Array, start = 0, end: number = bytes.length): this {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new RangeError('start, end: expected to lie within bytes');
    }
    this.#fill = absorb(this.#state, this.#words, this.#fill, bytes, start, end);
    this.#length += end - start;
    return this;
  }

  /** The digest of everything so far, 32 bytes. The running hash is not changed. */
  digest(): Uint8Array {
    for (let i = 0; i < 8; i++) scratchState[i] = this.#state[i]!;
    for (let i = 0; i < 16; i++) scratchWords[i] = this.#words[i]!;
    return digestOf(scratchWords, this.#fill, this.#length);
  }

  /** An independent copy of the running hash. */
  clone(): Sha256 {
    const copy = new Sha256();
    copy.#state.set(this.#state);
    copy.#words.set(this.#words);
    copy.#fill = this.#fill;
    copy.#length = this.#length;
    return copy;
  }
}

/** SHA-256 of the first `end` bytes, 32 bytes; for the hot path, which has its input in one scratch. */
export function sha256Range(bytes: Uint8Array, end: number): Uint8Array {
  if (!(end >= 0 && end <= bytes.length)) throw new RangeError('end: expected to lie within bytes');
  for (let i = 0; i < 8; i++) scratchState[i] = INITIAL[i]!;
  return digestOf(scratchWords, absorb(scratchState, scratchWords, 0, bytes, 0, end), end);
}

/** SHA-256 of the parts one after the other, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  for (let i = 0; i < 8; i++) scratchState[i] = INITIAL[i]!;
  let fill = 0;
  let length = 0;
  for (const part of parts) {
    fill = absorb(scratchState, scratchWords, fill, part, 0, part.length);
    length += part.length;
  }
  return digestOf(scratchWords, fill, length);
}
