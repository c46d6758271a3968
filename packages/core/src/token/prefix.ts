// Prefix digests: D(i) = SHA-256(label || version || the items as received, heads included, of grant and
// caveats 0 to i-1). Ids, statements, signatures and counters are made of D, never of the tail (law L12).
// One running hash goes over the token once; nothing is computed until something asks (docs/design.md section 3).
import { Sha256 } from '../crypto/index.ts';
import { LABELS } from '../labels.ts';
import { itemStart, VERSION, type Frame } from './frame.ts';

const VERSION_BYTE = Uint8Array.of(VERSION);

/** The prefix digests of one token. */
export class Prefixes {
  readonly #frame: Frame;
  readonly #known: (Uint8Array | undefined)[];
  #running: Sha256 | null = null;
  /** Items already in the running hash. */
  #taken = 0;

  constructor(frame: Frame) {
    this.#frame = frame;
    this.#known = new Array<Uint8Array | undefined>(frame.items);
  }

  /** D(i), 32 bytes, for i from 0 (the grant alone) to the number of caveats (all of them). */
  at(i: number): Uint8Array {
    const known = this.#known[i];
    if (known !== undefined) return known;
    const { bytes, items, spans } = this.#frame;
    if (!(i >= 0 && i < items)) throw new RangeError(`prefix: expected 0 to ${items - 1}, got ${i}`);
    // Asked out of order (rare): start again rather than keep a copy of the state at every caveat.
    if (this.#running === null || this.#taken > i + 1) {
      this.#running = new Sha256().update(LABELS.prefix.bytes).update(VERSION_BYTE);
      this.#taken = 0;
    }
    for (; this.#taken <= i; this.#taken++) {
      this.#running.update(bytes, itemStart(this.#frame, this.#taken), spans[2 * this.#taken + 1]);
    }
    return (this.#known[i] = this.#running.digest());
  }

  /** D over everything: D(n), n the number of caveats. */
  all(): Uint8Array {
    return this.at(this.#frame.items - 1);
  }
}
