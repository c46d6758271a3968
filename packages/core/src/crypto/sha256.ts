// SHA-256 (FIPS 180-4) in plain TypeScript.

const K = new Int32Array(64);
const INITIAL = new Int32Array(8);
{
  // The constants are the fractional bits of the cube and square roots of the first primes.
  let n = 0;
  for (let candidate = 2; n < 64; candidate++) {
    let prime = true;
    for (let d = 2; d * d <= candidate; d++) if (candidate % d === 0) prime = false;
    if (!prime) continue;
    if (n < 8) INITIAL[n] = Math.trunc((Math.sqrt(candidate) % 1) * 2 ** 32);
    K[n++] = Math.trunc((Math.cbrt(candidate) % 1) * 2 ** 32);
  }
}
const W = new Int32Array(64);

function compress(state: Int32Array, block: Uint8Array, at: number): void {
  for (let i = 0; i < 16; i++, at += 4) {
    W[i] = (block[at]! << 24) | (block[at + 1]! << 16) | (block[at + 2]! << 8) | block[at + 3]!;
  }
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15]!;
    const y = W[i - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16]! + s0 + W[i - 7]! + s1) | 0;
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let i = 0; i < 64; i++) {
    const S1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + S1 + ((e & f) ^ (~e & g)) + K[i]! + W[i]!) | 0;
    const S0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
  state[4] = state[4]! + e;
  state[5] = state[5]! + f;
  state[6] = state[6]! + g;
  state[7] = state[7]! + h;
}

/** A running SHA-256: `update` any number of times, `digest` at any point without ending it. */
export class Sha256 {
  readonly #state = new Int32Array(INITIAL);
  readonly #block = new Uint8Array(64);
  #fill = 0;
  #length = 0;

  /** Takes `bytes` from `start` to `end` in. */
  update(bytes: Uint8Array, start = 0, end: number = bytes.length): this {
    this.#length += end - start;
    while (start < end) {
      this.#block[this.#fill++] = bytes[start++]!;
      if (this.#fill === 64) {
        compress(this.#state, this.#block, 0);
        this.#fill = 0;
      }
    }
    return this;
  }

  /** The digest of everything so far, 32 bytes. The running state goes on unchanged. */
  digest(): Uint8Array {
    const last = this.clone();
    const bits = this.#length * 8;
    last.update(Uint8Array.of(0x80));
    while (last.#fill !== 56) last.update(Uint8Array.of(0));
    const size = new Uint8Array(8);
    const view = new DataView(size.buffer);
    view.setUint32(0, Math.floor(bits / 2 ** 32));
    view.setUint32(4, bits >>> 0);
    last.update(size);
    const out = new Uint8Array(32);
    const words = new DataView(out.buffer);
    for (let i = 0; i < 8; i++) words.setInt32(4 * i, last.#state[i]!);
    return out;
  }

  /** An independent copy of the running state. */
  clone(): Sha256 {
    const copy = new Sha256();
    copy.#state.set(this.#state);
    copy.#block.set(this.#block);
    copy.#fill = this.#fill;
    copy.#length = this.#length;
    return copy;
  }
}

/** SHA-256 of the parts one after the other, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = new Sha256();
  for (const part of parts) hash.update(part);
  return hash.digest();
}
