// HMAC-SHA-256 under a key that is used again: the states behind its two pads are computed once, which saves two
// of the seven compressions that a session proof costs. The key itself is not kept.
import { INITIAL, compress } from './compress.ts';
import { absorb, finish, store } from './sha256.ts';

const state = new Int32Array(8);
const words = new Int32Array(16);
const last = new Int32Array(16);
last[8] = 0x80000000;
last[15] = 8 * (64 + 32);

function padState(key: Uint8Array, pad: number): Int32Array {
  const block = new Int32Array(16);
  for (let i = 0; i < 32; i++) block[i >> 2] = block[i >> 2]! | (key[i]! << (24 - 8 * (i & 3)));
  for (let i = 0; i < 16; i++) block[i] = block[i]! ^ pad;
  const out = new Int32Array(8);
  compress(INITIAL, block, out);
  block.fill(0);
  return out;
}

/** HMAC-SHA-256 under one key of 32 bytes. */
export class HmacKey {
  readonly #inner: Int32Array;
  readonly #outer: Int32Array;

  /** Throws RangeError for a key of another length. */
  constructor(key: Uint8Array) {
    if (key.length !== 32) throw new RangeError(`key: expected 32 bytes, got ${key.length}`);
    this.#inner = padState(key, 0x36363636);
    this.#outer = padState(key, 0x5c5c5c5c);
  }

  #run(message: Uint8Array, end: number): void {
    // A byte read from outside would count as zero.
    if (!(end >= 0 && end <= message.length)) throw new RangeError('end: expected to lie within message');
    const inner = this.#inner;
    for (let i = 0; i < 8; i++) state[i] = inner[i]!;
    finish(state, words, absorb(state, words, 0, message, 0, end), 64 + end, last);
    compress(this.#outer, last, state);
  }

  /** The MAC of the first `end` bytes of `message`, 32 bytes. */
  mac(message: Uint8Array, end: number = message.length): Uint8Array {
    this.#run(message, end);
    const out = new Uint8Array(32);
    store(state, out);
    return out;
  }

  /** Whether `mac` is that of the first `end` bytes of `message`; in constant time. */
  verify(message: Uint8Array, end: number, mac: Uint8Array): boolean {
    if (mac.length !== 32) return false;
    this.#run(message, end);
    let diff = 0;
    for (let i = 0; i < 8; i++) {
      const k = 4 * i;
      diff |= state[i]! ^ ((mac[k]! << 24) | (mac[k + 1]! << 16) | (mac[k + 2]! << 8) | mac[k + 3]!);
    }
    return diff === 0;
  }
}
