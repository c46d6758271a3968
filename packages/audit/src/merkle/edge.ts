// The right edge of a growing tree: all the writer has to remember. Per height at most one pending perfect
// subtree (the binary counter of RFC 9162 section 2.1.2), and per tile level the rows of the tile that is not
// full yet (tlog-tiles: height 8, width 256). One leaf hash and on average one node hash an entry.
import { EMPTY_ROOT, HASH_BYTES, nodeHash } from './hash.ts';

/** Rows of a full tile. */
export const TILE_WIDTH = 256;
/** Levels of the binary tree in one tile. */
export const TILE_HEIGHT = 8;

/** A tile that became full: 256 hashes, 8,192 bytes. */
export interface FullTile {
  readonly level: number;
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** A copy of an edge's state; immutable. */
export interface EdgeState {
  readonly size: number;
  readonly pending: readonly (Uint8Array | undefined)[];
  readonly rows: readonly (readonly Uint8Array[])[];
}

const join = (hashes: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(hashes.length * HASH_BYTES);
  hashes.forEach((hash, i) => out.set(hash, i * HASH_BYTES));
  return out;
};

/** The right edge; starts empty, or from a state taken by `state()`. */
export class Edge {
  #size: number;
  #pending: (Uint8Array | undefined)[];
  #rows: Uint8Array[][];

  constructor(state?: EdgeState) {
    this.#size = state?.size ?? 0;
    this.#pending = [...(state?.pending ?? [])];
    this.#rows = (state?.rows ?? []).map((row) => [...row]);
  }

  /** Entries in the tree. */
  get size(): number {
    return this.#size;
  }

  /** Adds a leaf by its hash, and returns the tiles that it filled, lowest level first (usually none). */
  push(leaf: Uint8Array): readonly FullTile[] | null {
    let full: FullTile[] | null = null;
    let hash = leaf;
    let height = 0;
    this.#row(0, hash);
    for (let n = this.#size; n % 2 === 1; n = (n - 1) / 2) {
      hash = nodeHash(this.#pending[height]!, hash);
      this.#pending[height++] = undefined;
      if (height % TILE_HEIGHT === 0) {
        const level = height / TILE_HEIGHT - 1;
        const index = Math.floor(this.#size / TILE_WIDTH ** (level + 1));
        (full ??= []).push({ level, index, bytes: join(this.#rows[level]!) });
        this.#rows[level] = [];
        this.#row(level + 1, hash);
      }
    }
    this.#pending[height] = hash;
    this.#size++;
    return full;
  }

  #row(level: number, hash: Uint8Array): void {
    (this.#rows[level] ??= []).push(hash);
  }

  /** The root of the current tree: at most 53 hashes. */
  root(): Uint8Array {
    let root: Uint8Array | undefined;
    for (const hash of this.#pending) {
      if (hash !== undefined) root = root === undefined ? hash : nodeHash(hash, root);
    }
    return root ?? EMPTY_ROOT;
  }

  /** The partial tiles of this size, lowest level first; none where a level ends in a full tile. */
  partials(): readonly {
    readonly level: number;
    readonly index: number;
    readonly width: number;
    readonly bytes: Uint8Array;
  }[] {
    return this.#rows.flatMap((rows, level) =>
      rows.length === 0
        ? []
        : [
            {
              level,
              index: Math.floor(this.#size / TILE_WIDTH ** (level + 1)),
              width: rows.length,
              bytes: join(rows),
            },
          ],
    );
  }

  /** The state, to start another edge from. */
  state(): EdgeState {
    return { size: this.#size, pending: [...this.#pending], rows: this.#rows.map((row) => [...row]) };
  }
}
