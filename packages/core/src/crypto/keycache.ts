// What providers remember of keys: importing one costs a native library up to half a verification.
import { copyOf, equal } from '../bytes.ts';

/**
 * Values by key, at most `capacity`, the least recently used dropped first, roughly: two generations, so that a
 * hit costs a look-up and no reordering. Entries that a flood evicts are made again, which costs only time.
 */
export class Recent<V> {
  readonly #half: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  constructor(capacity: number) {
    this.#half = Math.ceil(capacity / 2);
  }

  get(key: string): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const aged = this.#old.get(key);
    if (aged !== undefined) this.set(key, aged);
    return aged;
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}

/**
 * What was made of a secret, for as long as its owner keeps the array. Keyed by the array itself, so no secret
 * becomes a string or outlives its owner here, and compared with a copy, since an array can change.
 */
export class PerSecret<V> {
  readonly #made = new WeakMap<Uint8Array, { readonly copy: Uint8Array; readonly value: V }>();

  get(secret: Uint8Array, make: (secret: Uint8Array) => V): V {
    const known = this.#made.get(secret);
    if (known !== undefined && equal(known.copy, secret)) return known.value;
    const copy = copyOf(secret);
    const value = make(copy);
    this.#made.set(secret, { copy, value });
    return value;
  }
}
