// The sequence window of a session: every number is accepted once; numbers up to `size` behind the highest may
// come late (parallel calls), and a step ahead is at most `size`, so that one odd number can't close the rest.

/** What became of a number: claimed, claimed before, or outside the window. */
export type WindowAnswer = 'ok' | 'taken' | 'outside';

/** A sliding bitmap over the last `size` numbers; `size` is a multiple of 32. */
export class SequenceWindow {
  readonly #size: number;
  readonly #bits: Uint32Array;
  /** The highest number accepted; -1 before the first. */
  #highest = -1;

  constructor(size: number) {
    if (!(size > 0 && size % 32 === 0)) throw new RangeError('window: expected a multiple of 32');
    this.#size = size;
    this.#bits = new Uint32Array(size / 32);
  }

  /** Claims a number from 0 to 2^53-1, once. */
  claim(n: number): WindowAnswer {
    const size = this.#size;
    if (!Number.isSafeInteger(n) || n < 0 || n > this.#highest + size || n <= this.#highest - size)
      return 'outside';
    // The slots between the old and the new highest are of numbers not seen yet.
    for (let i = this.#highest + 1; i <= n; i++) this.#bits[(i % size) >>> 5]! &= ~(1 << ((i % size) & 31));
    const slot = (n % size) >>> 5;
    const bit = 1 << ((n % size) & 31);
    if ((this.#bits[slot]! & bit) !== 0) return 'taken';
    this.#bits[slot]! |= bit;
    if (n > this.#highest) this.#highest = n;
    return 'ok';
  }
}
