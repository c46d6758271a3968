// The sources that the user named (a file, a page, a subject), and for each the only identifier of a kind that it
// holds: a bill with one account names its payee, a bill with two names none.
const SOURCES = 32;
const AMBIGUOUS = -1;

/** The candidates of at most 32 named sources, as hashes. */
export class NamedSources {
  readonly #kinds: number;
  readonly #sources: Map<number, Float64Array> = new Map();

  /** `kinds`: how many kinds of identifiers there are. */
  constructor(kinds: number) {
    this.#kinds = kinds;
  }

  /** The candidates of a source, one place for each kind; undefined when there are too many sources. */
  of(source: number): Float64Array | undefined {
    let candidates = this.#sources.get(source);
    if (candidates === undefined && this.#sources.size < SOURCES) {
      candidates = new Float64Array(this.#kinds);
      this.#sources.set(source, candidates);
    }
    return candidates;
  }

  /** Whether the value is the only one of its kind in one of the sources. */
  single(kind: number, hash: number): boolean {
    let single = false;
    for (const candidates of this.#sources.values()) if (candidates[kind] === hash) single = true;
    return single;
  }
}

/** A source holds this value. */
export function addCandidate(candidates: Float64Array, kind: number, hash: number): void {
  candidates[kind] = only(candidates[kind] ?? 0, hash);
}

/** The only value so far, or the mark for several; `known` is 0 for none. */
export const only = (known: number, hash: number): number =>
  known === 0 || known === hash ? hash : AMBIGUOUS;
