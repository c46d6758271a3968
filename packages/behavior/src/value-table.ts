// A table of fixed size from normalized values to bits, for one session: 2,048 slots of a keyed 53-bit hash, its
// bits and the event it first came with (26 KB). No text is kept, so a result can't be held alive by a slice of
// it, and a store of sessions can't be read for what was in them. What doesn't fit pushes out the oldest value
// in reach that the user did not write: forgetting makes a value unnamed, which can only refuse.

const SLOTS = 2048;
const PROBES = 12;

/** Hashes with a seed of its own, so that two colliding values can't be prepared. */
export class ValueTable {
  readonly #keys: Float64Array = new Float64Array(SLOTS);
  readonly #bits: Uint8Array = new Uint8Array(SLOTS);
  readonly #first: Uint16Array = new Uint16Array(SLOTS);
  readonly #last: Uint16Array = new Uint16Array(SLOTS);
  readonly #seed: number;
  readonly #pinned: number;

  /** `seed`: 32 random bits. `pinned`: values with one of these bits are never pushed out. */
  constructor(seed: number, pinned: number) {
    this.#seed = seed >>> 0;
    this.#pinned = pinned;
  }

  /** The hash of a text in a name space (a small number): never 0, at most 2^53 - 2. */
  hash(space: number, text: string): number {
    let low = this.#seed ^ 0x9e3779b9;
    let high = Math.imul(this.#seed, 0x85ebca6b) ^ space;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      low = Math.imul(low ^ code, 0x01000193) ^ (high >>> 13);
      high = Math.imul(high + code, 0xc2b2ae35) ^ (low >>> 15);
    }
    low = Math.imul(low ^ (low >>> 16), 0x85ebca6b);
    high = Math.imul(high ^ (high >>> 16) ^ low, 0xc2b2ae35);
    return ((high >>> 11) * 4_294_967_296 + (low >>> 0)) % 9_007_199_254_740_991 || 1;
  }

  /** Adds bits to a value; `event` is the session's event number. */
  add(hash: number, bits: number, event: number): void {
    let slot = this.#find(hash);
    if (slot < 0) {
      slot = this.#room(hash);
      if (slot < 0) return;
      this.#keys[slot] = hash;
      this.#bits[slot] = 0;
      this.#first[slot] = Math.min(event, 65_535);
    }
    this.#bits[slot] = (this.#bits[slot] ?? 0) | bits;
    this.#last[slot] = Math.min(event, 65_535);
  }

  /** The bits of a value; 0 if it isn't there. */
  bits(hash: number): number {
    const slot = this.#find(hash);
    return slot < 0 ? 0 : (this.#bits[slot] ?? 0);
  }

  /** The event with which a value first came; -1 if it isn't there. */
  first(hash: number): number {
    const slot = this.#find(hash);
    return slot < 0 ? -1 : (this.#first[slot] ?? 0);
  }

  #find(hash: number): number {
    const home = hash % SLOTS;
    for (let probe = 0; probe < PROBES; probe += 1) {
      const slot = (home + probe) % SLOTS;
      if (this.#keys[slot] === hash) return slot;
    }
    return -1;
  }

  #room(hash: number): number {
    const home = hash % SLOTS;
    let best = -1;
    let age = Number.POSITIVE_INFINITY;
    for (let probe = 0; probe < PROBES; probe += 1) {
      const slot = (home + probe) % SLOTS;
      if (this.#keys[slot] === 0) return slot;
      const last = this.#last[slot] ?? 0;
      if (((this.#bits[slot] ?? 0) & this.#pinned) === 0 && last < age) {
        age = last;
        best = slot;
      }
    }
    return best;
  }
}
