// The sequence window of a session (SPEC section 8): every number is accepted once; numbers up to `size` behind the
// highest may come late (parallel calls), and a step ahead is at most `size`, so that one odd number can't close
// the rest. This is the one policy in JavaScript: the table of open sessions and the stores that share windows
// between replicas use it; the Redis and PostgreSQL back ends of `@ambit/state` say the same in Lua and PL/pgSQL.

/** What became of a number: claimed, claimed before, or outside the window. */
export type WindowAnswer = 'ok' | 'taken' | 'outside';

/** A sliding bitmap over the last `size` numbers; `size` is a multiple of 32. */
export class SequenceWindow {
  readonly #size: number;
  /** Bit `n mod size` tells whether the number n, of the last `size` up to the highest, was claimed. */
  readonly bits: Uint8Array;
  #highest: number;

  /** An empty window, or one that was kept: its `highest` and `bits` (`size / 8` bytes, which it takes over). */
  constructor(size: number, kept?: { readonly highest: number; readonly bits: Uint8Array }) {
    if (!(size > 0 && size % 32 === 0)) throw new RangeError('window: expected a multiple of 32');
    if (kept !== undefined && kept.bits.length !== size / 8)
      throw new RangeError(`window: expected ${size / 8} bytes, got ${kept.bits.length}`);
    this.#size = size;
    this.#highest = kept?.highest ?? -1;
    this.bits = kept?.bits ?? new Uint8Array(size / 8);
  }

  /** The highest number accepted; -1 before the first. */
  get highest(): number {
    return this.#highest;
  }

  /** Claims a number from 0 to 2^53-1, once. */
  claim(n: number): WindowAnswer {
    const size = this.#size;
    const bits = this.bits;
    if (!Number.isSafeInteger(n) || n < 0 || n > this.#highest + size || n <= this.#highest - size)
      return 'outside';
    // The slots between the old and the new highest are of numbers not seen yet.
    for (let i = this.#highest + 1; i <= n; i++) bits[(i % size) >>> 3]! &= ~(1 << ((i % size) & 7));
    const slot = (n % size) >>> 3;
    const bit = 1 << ((n % size) & 7);
    if ((bits[slot]! & bit) !== 0) return 'taken';
    bits[slot]! |= bit;
    if (n > this.#highest) this.#highest = n;
    return 'ok';
  }
}
