// Tiles and bundles as they lie on disk, each shape checked; partial files are compared with what continues them.
import { join } from 'node:path';
import { HASH_BYTES } from '../merkle/hash.ts';
import { TILE_WIDTH } from '../merkle/edge.ts';
import { parseBundle } from '../tile/bundle.ts';
import { tilePath, widthAt, type TileLevel } from '../tile/path.ts';
import { readOrNull, type Problems } from './problems.ts';

/** The files of a log of `size` entries. */
export class StoredTiles {
  readonly #directory: string;
  readonly #size: number;
  readonly #partials: ReadonlyMap<string, readonly number[]>;
  readonly #problems: Problems;

  /** `partials`: widths of partial files, by the path of the full tile. */
  constructor(
    directory: string,
    size: number,
    partials: ReadonlyMap<string, readonly number[]>,
    problems: Problems,
  ) {
    this.#directory = directory;
    this.#size = size;
    this.#partials = partials;
    this.#problems = problems;
  }

  /** The file in which entry `index` stands. */
  bundleName(index: number): string {
    const bundle = Math.floor(index / TILE_WIDTH);
    return tilePath({
      level: 'entries',
      index: bundle,
      width: widthAt('entries', bundle, this.#size),
    });
  }

  /** A bundle's entries and its level-0 hashes; what is missing or misshapen is a problem. */
  async load(bundle: number): Promise<{ entries: readonly Uint8Array[]; rows: Uint8Array | null }> {
    const [bytes, rows] = await Promise.all([this.read('entries', bundle), this.read(0, bundle)]);
    const width = widthAt('entries', bundle, this.#size);
    const parsed = bytes === null ? [] : (parseBundle(bytes.bytes) ?? null);
    const where = bytes?.path ?? this.bundleName(bundle * TILE_WIDTH);
    if (bytes === null)
      this.#problems.add(
        where,
        `missing: entries ${bundle * TILE_WIDTH} to ${bundle * TILE_WIDTH + width - 1}`,
        bundle * TILE_WIDTH,
      );
    else if (parsed?.length !== bytes.width) {
      this.#problems.add(
        where,
        `does not divide into ${bytes.width} entries: one was removed, inserted or cut off`,
        bundle * TILE_WIDTH,
      );
    }
    if (rows === null) this.#problems.add(tilePath({ level: 0, index: bundle, width }), 'missing');
    else if (rows.bytes.length !== rows.width * HASH_BYTES)
      this.#problems.add(rows.path, `expected ${rows.width} hashes, found ${rows.bytes.length} bytes`);
    for (const level of ['entries', 0] as const)
      await this.comparePartials(level, bundle, level === 0 ? rows?.bytes : bytes?.bytes);
    // A bundle that does not divide into entries has none: the tile's hashes take their places.
    return { entries: parsed ?? [], rows: rows?.bytes ?? null };
  }

  async read(
    level: TileLevel,
    index: number,
  ): Promise<{ bytes: Buffer; path: string; width: number } | null> {
    const width = widthAt(level, index, this.#size);
    for (const w of width === TILE_WIDTH ? [width] : [width, TILE_WIDTH]) {
      const path = tilePath({ level, index, width: w });
      const bytes = await readOrNull(join(this.#directory, path));
      if (bytes !== null) return { bytes, path, width: w };
    }
    return null;
  }

  /** Partial files of sizes published before must be prefixes of what there is now. */
  async comparePartials(level: TileLevel, index: number, whole: Uint8Array | undefined): Promise<void> {
    for (const width of this.#partials.get(tilePath({ level, index, width: TILE_WIDTH })) ?? []) {
      const path = tilePath({ level, index, width });
      const bytes = await readOrNull(join(this.#directory, path));
      if (bytes === null || whole === undefined) continue;
      const shape =
        level === 'entries' ? parseBundle(bytes)?.length === width : bytes.length === width * HASH_BYTES;
      const prefix = Buffer.from(whole.buffer, whole.byteOffset, Math.min(whole.length, bytes.length));
      if (!shape || !bytes.equals(prefix))
        this.#problems.add(path, 'differs from the tile that continues it');
    }
  }
}
