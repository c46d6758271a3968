// What a plain value looks like as CBOR (RFC 8949): one walk over the bytes that allocates next to nothing and stops
// at the first byte that is not allowed. It refuses tags (hence records, dates, sets, references), indefinite
// lengths, whole numbers beyond 53 bits, floats other than finite ones of 64 bits, keys that are no text, nesting
// beyond a bound, and lengths beyond the input. It accepts heads that are longer than need be, which cbor-x writes.

/** Levels of arrays and objects. Our own values need six. */
export const PLAIN_DEPTH = 32;

const utf8 = new TextDecoder('utf-8', { fatal: true });
const PROTO = new TextEncoder().encode('__proto__');

/** Thrown inside, caught by `isPlain`. */
const BAD = Symbol('not a plain value');

/** Whether the bytes are one plain value and nothing after it. */
export function isPlain(bytes: Uint8Array): boolean {
  const walk = new Walk(bytes);
  try {
    walk.value(PLAIN_DEPTH);
    return walk.done;
  } catch (error) {
    if (error === BAD) return false;
    throw error;
  }
}

class Walk {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(depth: number): void {
    const first = this.#take(1);
    const major = this.#bytes[first]! >> 5;
    const info = this.#bytes[first]! & 31;
    if (major === 7) return this.#simple(info);
    const n = this.#argument(info);
    if (major < 2) {
      // -1 - n is the number: its magnitude has at most 53 bits.
      if (n + major > Number.MAX_SAFE_INTEGER) throw BAD;
    } else if (major === 2) this.#take(n);
    else if (major === 3) this.#text(n);
    else if (major === 4) {
      if (depth === 0) throw BAD;
      for (let i = 0; i < n; i++) this.value(depth - 1);
    } else if (major === 5) {
      if (depth === 0) throw BAD;
      for (let i = 0; i < n; i++) {
        this.#key();
        this.value(depth - 1);
      }
    } else throw BAD;
  }

  /** Moves past `n` bytes and returns where they start. */
  #take(n: number): number {
    const start = this.#at;
    if (n > this.#bytes.length - start) throw BAD;
    this.#at = start + n;
    return start;
  }

  #argument(info: number): number {
    if (info < 24) return info;
    if (info === 24) return this.#bytes[this.#take(1)]!;
    if (info === 25) return this.#view.getUint16(this.#take(2));
    if (info === 26) return this.#view.getUint32(this.#take(4));
    if (info > 27) throw BAD;
    const n = Number(this.#view.getBigUint64(this.#take(8)));
    if (!Number.isSafeInteger(n)) throw BAD;
    return n;
  }

  /** False, true, null, undefined, or a float of 64 bits. */
  #simple(info: number): void {
    if (info >= 20 && info <= 23) return;
    if (info !== 27 || !Number.isFinite(this.#view.getFloat64(this.#take(8)))) throw BAD;
  }

  #text(n: number): void {
    const start = this.#take(n);
    const bytes = this.#bytes;
    // cbor-x drops a byte-order mark at the start of a long text: it would not say what was written.
    if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf && n > 2) throw BAD;
    let i = start;
    while (i < this.#at && bytes[i]! < 0x80) i++;
    if (i === this.#at) return;
    try {
      // cbor-x would put U+FFFD in the place of bytes that are no UTF-8.
      utf8.decode(bytes.subarray(i, this.#at));
    } catch {
      throw BAD;
    }
  }

  /** A text, but not `__proto__`, to which cbor-x gives another name. */
  #key(): void {
    const first = this.#take(1);
    if (this.#bytes[first]! >> 5 !== 3) throw BAD;
    const n = this.#argument(this.#bytes[first]! & 31);
    this.#text(n);
    const start = this.#at - n;
    if (n === PROTO.length && PROTO.every((byte, i) => this.#bytes[start + i] === byte)) throw BAD;
  }
}
