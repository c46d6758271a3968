// The one pass over a log's entries: recomputes every hash, compares every tile, bundle and partial, meets every
// root that something claims, and where entries and tiles differ lets the next signed root decide.
import { join } from 'node:path';
import { copyOf, equal } from '../core.ts';
import { Edge, TILE_WIDTH, type FullTile } from '../merkle/edge.ts';
import { HASH_BYTES, leafHash } from '../merkle/hash.ts';
import type { SignedCheckpoint } from '../note/checkpoint.ts';
import { tilePath, widthAt } from '../tile/path.ts';
import { readOrNull, type Problems, type RecordClaim } from './problems.ts';
import { publishedClaims } from './published.ts';
import { RecordCheck } from './record-check.ts';
import { StoredTiles } from './stored.ts';
import type { VerifyOptions } from './options.ts';

/** The one pass over all entries. */
export class Scan {
  readonly #options: VerifyOptions;
  readonly #target: SignedCheckpoint;
  readonly #claims: RecordClaim[];
  readonly #stored: StoredTiles;
  readonly #problems: Problems;
  /** From the entries, and from the rows of tiles; one object while they agree. */
  #entries: Edge = new Edge();
  #tiles: Edge = this.#entries;
  /** Where the two differ since they last were known to be right: entry indices. */
  #doubt: number[] = [];
  #checkpoints = 0;

  constructor(
    options: VerifyOptions,
    target: SignedCheckpoint,
    claims: RecordClaim[],
    partials: ReadonlyMap<string, readonly number[]>,
    problems: Problems,
  ) {
    this.#options = options;
    this.#target = target;
    this.#claims = claims;
    this.#stored = new StoredTiles(options.directory, target.size, partials, problems);
    this.#problems = problems;
  }

  async run(): Promise<number> {
    const { size } = this.#target;
    const records =
      this.#options.records === false
        ? null
        : new RecordCheck((what, index) => this.#problems.add(this.#stored.bundleName(index), what, index));
    const history = publishedClaims(this.#options, size, this.#problems, () => this.#checkpoints++);
    let signed = await history.next();
    const meet = async (): Promise<void> => {
      while (this.#claims[0]?.size === this.#entries.size) this.#compare(this.#claims.shift()!);
      while (signed.done !== true && signed.value.size === this.#entries.size) {
        this.#compare(signed.value);
        signed = await history.next();
      }
    };
    await meet();
    const last = Math.ceil(size / TILE_WIDTH);
    let next = last > 0 ? this.#stored.load(0) : null;
    for (let bundle = 0; bundle < last; bundle++) {
      const loaded = await next!;
      next = bundle + 1 < last ? this.#stored.load(bundle + 1) : null;
      const width = widthAt('entries', bundle, size);
      for (let i = 0; i < width; i++) {
        const index = bundle * TILE_WIDTH + i;
        const entry = loaded.entries[i];
        const row = loaded.rows?.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
        const leaf = entry === undefined ? null : leafHash(entry);
        this.#push(index, leaf, row?.length === HASH_BYTES ? row : null);
        if (entry !== undefined && leaf !== null) records?.entry(index, entry, leaf);
        if (this.#claims[0]?.size === index + 1 || (signed.done !== true && signed.value.size === index + 1))
          await meet();
      }
      if (bundle % 40 === 39) this.#options.onProgress?.(Math.min(size, (bundle + 1) * TILE_WIDTH), size);
      await this.#checkFull();
    }
    this.#compare({ size, root: this.#target.root, where: 'checkpoint' });
    await this.#checkPartials();
    for (const claim of this.#claims)
      if (claim.size > size)
        this.#problems.add(claim.where, `speaks of ${claim.size} entries, the checkpoint of ${size}`);
    if (signed.done !== true)
      this.#problems.add(
        'checkpoints',
        `a checkpoint of ${signed.value.size} entries was published, the log shows ${size}`,
      );
    this.#options.onProgress?.(size, size);
    return this.#checkpoints;
  }

  #queued: FullTile[] = [];

  #push(index: number, leaf: Uint8Array | null, row: Uint8Array | null): void {
    const same = leaf !== null && row !== null && equal(leaf, row);
    if (!same && (leaf !== null || row !== null)) {
      if (this.#tiles === this.#entries) this.#tiles = new Edge(this.#entries.state());
      this.#doubt.push(index);
    }
    const hash = leaf ?? row ?? new Uint8Array(HASH_BYTES);
    if (this.#tiles !== this.#entries) this.#queueTiles(this.#tiles.push(row === null ? hash : copyOf(row)));
    const full = this.#entries.push(hash);
    if (this.#tiles === this.#entries) this.#queueTiles(full);
  }

  #queueTiles(full: readonly FullTile[] | null): void {
    // Level 0 has been compared row by row.
    for (const tile of full ?? []) if (tile.level > 0) this.#queued.push(tile);
  }

  /** Full tiles of level 1 and above, against the hashes below them. */
  async #checkFull(): Promise<void> {
    for (const tile of this.#queued.splice(0)) {
      const path = tilePath({ ...tile, width: TILE_WIDTH });
      const bytes = await readOrNull(join(this.#options.directory, path));
      if (bytes === null) this.#problems.add(path, 'missing');
      else if (!bytes.equals(tile.bytes))
        this.#problems.add(path, 'its hashes are not those of the tiles below it');
      await this.#stored.comparePartials(tile.level, tile.index, tile.bytes);
    }
  }

  async #checkPartials(): Promise<void> {
    for (const { level, index, width, bytes } of this.#tiles.partials()) {
      if (level === 0) continue;
      const path = tilePath({ level, index, width });
      const stored = await this.#stored.read(level, index);
      if (stored === null) this.#problems.add(path, 'missing');
      else if (
        stored.bytes.length !== stored.width * HASH_BYTES ||
        !stored.bytes.subarray(0, bytes.length).equals(bytes)
      ) {
        this.#problems.add(stored.path, 'its hashes are not those of the tiles below it');
      }
      await this.#stored.comparePartials(level, index, bytes);
    }
  }

  /** Meets a claimed root; where entries and tiles differ, it decides between them. */
  #compare(claim: RecordClaim): void {
    const entries = equal(this.#entries.root(), claim.root);
    const tiles = this.#tiles === this.#entries ? entries : equal(this.#tiles.root(), claim.root);
    if (this.#doubt.length === 0) {
      if (!entries)
        this.#problems.add(
          claim.where,
          `claims another root for ${claim.size} entries than theirs: entries and tiles were changed together, or it was`,
          claim.size - 1,
        );
      return;
    }
    if (!entries && !tiles && claim.where !== 'checkpoint') return;
    const doubt = this.#doubt.splice(0);
    for (const index of doubt) {
      const tile = tilePath({
        level: 0,
        index: Math.floor(index / TILE_WIDTH),
        width: widthAt(0, Math.floor(index / TILE_WIDTH), this.#target.size),
      });
      if (tiles)
        this.#problems.add(
          this.#stored.bundleName(index),
          `entry ${index} is not the one that was logged`,
          index,
        );
      else if (entries)
        this.#problems.add(
          tile,
          `the hash of entry ${index} was changed; the entry is the one that was logged`,
          index,
        );
      else
        this.#problems.add(
          this.#stored.bundleName(index),
          `entry ${index} and its hash in ${tile} differ, and neither leads to the signed root`,
          index,
        );
    }
    if (entries) this.#tiles = this.#entries;
    else this.#entries = this.#tiles;
  }
}
