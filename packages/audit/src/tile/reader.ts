// Reads the hashes and entries of one tree size out of tiles. Partial tiles are asked for first, and the full
// tile where the partial one has been removed meanwhile, as tlog-tiles tells clients to.
import { AmbitError, copyOf } from '../core.ts';
import { HASH_BYTES, nodeHash } from '../merkle/hash.ts';
import { TILE_HEIGHT, TILE_WIDTH } from '../merkle/edge.ts';
import { consistencyProof, inclusionProof, subtreeHash, type NodeSource } from '../merkle/range.ts';
import { parseBundle } from './bundle.ts';
import { tilePath, widthAt, type TileLevel } from './path.ts';
import type { Source } from './source.ts';

/** Tiles kept in memory: 8 KiB each. A proof at 10^9 entries touches ten. */
const CACHED_TILES = 128;
/** Bundles kept in memory: about 150 KiB each. */
const CACHED_BUNDLES = 8;

/** A tree of a fixed size, read from tiles. What it returns is as trustworthy as the tiles: check proofs against a signed root. */
export class TreeReader implements NodeSource {
  readonly size: number;
  readonly #source: Source;
  readonly #tiles = new Map<string, Promise<Uint8Array>>();
  readonly #bundles = new Map<number, Promise<readonly Uint8Array[]>>();

  constructor(source: Source, size: number) {
    this.#source = source;
    this.size = size;
  }

  async #read(level: TileLevel, index: number): Promise<Uint8Array> {
    const width = widthAt(level, index, this.size);
    if (width === 0) throw new RangeError(`tile ${level}/${index}: outside a tree of ${this.size}`);
    const path = tilePath({ level, index, width });
    let bytes = await this.#source(path);
    if (bytes === null && width < TILE_WIDTH)
      bytes = await this.#source(tilePath({ level, index, width: TILE_WIDTH }));
    if (bytes === null) throw new AmbitError('audit_corrupt', `${path}: missing from the log.`);
    return bytes;
  }

  async #tile(level: number, index: number): Promise<Uint8Array> {
    const width = widthAt(level, index, this.size);
    const bytes = await this.#read(level, index);
    if (bytes.length < width * HASH_BYTES || bytes.length % HASH_BYTES !== 0) {
      throw new AmbitError(
        'audit_corrupt',
        `${tilePath({ level, index, width })}: expected ${width} hashes.`,
      );
    }
    return bytes.subarray(0, width * HASH_BYTES);
  }

  /** The hash of a perfect subtree. */
  async node(height: number, index: number): Promise<Uint8Array> {
    const level = Math.floor(height / TILE_HEIGHT);
    const span = 2 ** (height % TILE_HEIGHT);
    const first = index * span;
    const tileIndex = Math.floor(first / TILE_WIDTH);
    const tile = await cached(this.#tiles, `${level}/${tileIndex}`, CACHED_TILES, () =>
      this.#tile(level, tileIndex),
    );
    const at = first - tileIndex * TILE_WIDTH;
    if ((at + span) * HASH_BYTES > tile.length)
      throw new RangeError(`node ${height}/${index}: outside a tree of ${this.size}`);
    let rows: Uint8Array[] = [];
    for (let i = at; i < at + span; i++)
      rows.push(copyOf(tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)));
    while (rows.length > 1) {
      const next: Uint8Array[] = [];
      for (let i = 0; i < rows.length; i += 2) next.push(nodeHash(rows[i]!, rows[i + 1]!));
      rows = next;
    }
    return rows[0]!;
  }

  /** The root of the first `size` entries (all of them by default). */
  root(size: number = this.size): Promise<Uint8Array> {
    return subtreeHash(this, 0, size);
  }

  inclusion(index: number): Promise<Uint8Array[]> {
    return inclusionProof(this, index, this.size);
  }

  /** The proof that the first `size` entries are a prefix of this tree. */
  consistency(size: number): Promise<Uint8Array[]> {
    return consistencyProof(this, size, this.size);
  }

  /** The entries of bundle `index` that belong to this size. Throws AmbitError `audit_corrupt`. */
  bundle(index: number): Promise<readonly Uint8Array[]> {
    return cached(this.#bundles, index, CACHED_BUNDLES, async () => {
      const width = widthAt('entries', index, this.size);
      const entries = parseBundle(await this.#read('entries', index));
      if (entries === null || entries.length < width) {
        throw new AmbitError(
          'audit_corrupt',
          `${tilePath({ level: 'entries', index, width })}: expected ${width} entries.`,
        );
      }
      return entries.slice(0, width);
    });
  }

  /** The bytes of one entry. Throws RangeError outside the tree. */
  async entry(index: number): Promise<Uint8Array> {
    if (!(index >= 0 && index < this.size))
      throw new RangeError(`index: expected 0 to ${this.size - 1}, got ${index}`);
    const bundle = await this.bundle(Math.floor(index / TILE_WIDTH));
    return bundle[index % TILE_WIDTH]!;
  }
}

/** A small cache that forgets the oldest; a failed read is not kept. */
function cached<K, V>(cache: Map<K, Promise<V>>, key: K, most: number, read: () => Promise<V>): Promise<V> {
  const hit = cache.get(key);
  if (hit !== undefined) return hit;
  const value = read();
  cache.set(key, value);
  value.catch(() => cache.delete(key));
  if (cache.size > most) cache.delete(cache.keys().next().value!);
  return value;
}
