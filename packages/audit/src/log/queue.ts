// Entries on their way into the log, in the order they came, bounded in bytes.
import { AmbitError } from '../core.ts';
import { MAX_ENTRY_BYTES } from '../tile/bundle.ts';

/**
 * An entry that is made when its place is known: in the order of the log, just before it is written. `encode` must
 * not throw; `hashed` learns the leaf hash; `undo` is called, in reverse order, when the flush did not succeed.
 */
export interface LateEntry {
  /** An upper bound of the bytes, for the limits of queue and flush. */
  readonly bytes: number;
  encode(index: number): Uint8Array;
  hashed(leaf: Uint8Array): void;
  undo(): void;
}

/** An entry and who waits for it. */
export interface Waiting {
  readonly entry: Buffer | LateEntry;
  readonly resolve: (index: number) => void;
  readonly reject: (error: AmbitError) => void;
}

/** The most bytes an entry takes; in a frame, two more for its length. */
export const bytesOf = ({ entry }: Waiting): number => ('length' in entry ? entry.length : entry.bytes);

/** What waits to be flushed. */
export class Queue {
  readonly #limit: number;
  #waiting: Waiting[] = [];
  #bytes = 0;

  /** `limit`: bytes; beyond it an append is refused. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Resolves with the entry's index; rejects with `audit_refused` or `audit_unavailable`. */
  push(entry: Uint8Array | LateEntry): Promise<number> {
    const length = entry instanceof Uint8Array ? entry.length : entry.bytes;
    if (length > MAX_ENTRY_BYTES) {
      return Promise.reject(
        new AmbitError('audit_refused', `An entry has at most ${MAX_ENTRY_BYTES} bytes.`),
      );
    }
    if (this.#bytes + length > this.#limit) {
      return Promise.reject(new AmbitError('audit_unavailable', 'The audit log cannot keep up.'));
    }
    this.#bytes += length + 2;
    return new Promise<number>((resolve, reject) => {
      this.#waiting.push({
        entry: entry instanceof Uint8Array ? Buffer.from(entry) : entry,
        resolve,
        reject,
      });
    });
  }

  /** The next entries for one frame: at least one, at most `entries` and `bytes`. */
  take(bytes: number, entries: number): Waiting[] {
    let sum = 0;
    let n = 0;
    while (n < this.#waiting.length && n < entries) {
      const next = bytesOf(this.#waiting[n]!);
      if (n > 0 && sum + next > bytes) break;
      sum += next + 2;
      n++;
    }
    this.#bytes -= sum;
    return this.#waiting.splice(0, n);
  }

  rejectAll(error: AmbitError): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
    this.#bytes = 0;
  }
}
