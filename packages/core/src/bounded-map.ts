// A table that can't outgrow its budget, in entries and in bytes (law L16, attack K1): what every cache of this
// package is made of. Two generations instead of a linked list: a hit in the young one costs one look-up and no
// write; what was not used for a whole generation goes. Keys are copied, since a caller's text may be a slice of its
// message.
import { own } from './bytes.ts';

/** What an entry costs beside its key and its value's own weight: slots of the map, object heads. Measured: 80 to 120. */
const ENTRY_BYTES = 128;

/** At most so many entries and so many bytes, by the weights that `set` is told. */
export interface Budget {
  readonly entries: number;
  readonly bytes: number;
}

/** A map within a budget; those not used for a while go first. */
export class BoundedMap<V> {
  readonly #entries: number;
  readonly #bytes: number;
  #young = new Map<string, Kept<V>>();
  #old = new Map<string, Kept<V>>();
  #weight = 0;
  #oldWeight = 0;

  constructor({ entries, bytes }: Budget) {
    this.#entries = Math.ceil(entries / 2);
    this.#bytes = Math.floor(bytes / 2);
  }

  get(key: string): V | undefined {
    const kept = this.#young.get(key);
    if (kept !== undefined) return kept.value;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#oldWeight -= old.weight;
    this.#put(own(key), old);
    return old.value;
  }

  /** Keeps `value`, which holds `weight` bytes of its own; what is heavier than half of the budget is not kept. */
  set(key: string, value: V, weight = 0): void {
    const kept = { value, weight: ENTRY_BYTES + 2 * key.length + weight };
    if (this.#entries === 0 || kept.weight > this.#bytes) return;
    this.#put(own(key), kept);
  }

  /** Entries kept. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Bytes kept, by the weights told. */
  get weight(): number {
    return this.#weight + this.#oldWeight;
  }

  #put(key: string, kept: Kept<V>): void {
    const before = this.#young.get(key);
    if (before !== undefined) this.#weight -= before.weight;
    else if (this.#young.size >= this.#entries || this.#weight + kept.weight > this.#bytes) {
      this.#old = this.#young;
      this.#oldWeight = this.#weight;
      this.#young = new Map();
      this.#weight = 0;
    }
    this.#young.set(key, kept);
    this.#weight += kept.weight;
  }
}

interface Kept<V> {
  readonly value: V;
  readonly weight: number;
}
