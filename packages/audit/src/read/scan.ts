// The one pass over a log's entries: recomputes every hash, compares every tile, bundle and partial, meets every
// root that something claims, and where entries and tiles differ lets the next signed root decide.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equal } from '../core.ts';
import { historyFiles, parseHistory } from '../log/history.ts';
import { Edge, TILE_WIDTH, type FullTile } from '../merkle/edge.ts';
import { HASH_BYTES, leafHash } from '../merkle/hash.ts';
import { verifyCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts';
import { parseBundle } from '../tile/bundle.ts';
import { tilePath, widthAt, type TileLevel } from '../tile/path.ts';
import { isMissing } from '../tile/source.ts';
import { RecordCheck } from './record-check.ts';
import type { VerifyOptions } from './verify.ts';

/** One thing that is wrong. */
export interface LogProblem {
  /** File, relative to the log's directory, or `head`. */
  readonly where: string;
  /** The entry concerned, where one can be named. */
  readonly index?: number;
  readonly what: string;
}

const MOST_PROBLEMS = 1000;

/** A root that some file claims for a size. */
export interface RecordClaim {
  readonly size: number;
  readonly root: Uint8Array;
  readonly where: string;
}

/** What was found; a thousand at most. */
export class Problems {
  readonly list: LogProblem[] = [];
  truncated = false;
  add(where: string, what: string, index?: number): void {
    if (this.list.length >= MOST_PROBLEMS) this.truncated = true;
    else this.list.push(index === undefined ? { where, what } : { where, what, index });
  }
}

export const readOrNull = async (path: string): Promise<Buffer | null> => {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
};

/** The one pass over all entries. */
export class Scan {
  readonly #options: VerifyOptions;
  readonly #target: SignedCheckpoint;
  readonly #claims: RecordClaim[];
  readonly #partials: ReadonlyMap<string, readonly number[]>;
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
    this.#partials = partials;
    this.#problems = problems;
  }

  async run(): Promise<number> {
    const { size } = this.#target;
    const records =
      this.#options.records === false
        ? null
        : new RecordCheck((what, index) => this.#problems.add(this.#bundleName(index), what, index));
    const history = this.#history();
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
    let next = last > 0 ? this.#load(0) : null;
    for (let bundle = 0; bundle < last; bundle++) {
      const loaded = await next!;
      next = bundle + 1 < last ? this.#load(bundle + 1) : null;
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

  #bundleName(index: number): string {
    const bundle = Math.floor(index / TILE_WIDTH);
    return tilePath({
      level: 'entries',
      index: bundle,
      width: widthAt('entries', bundle, this.#target.size),
    });
  }

  /** Published checkpoints in order, each with a good signature. */
  async *#history(): AsyncGenerator<RecordClaim> {
    let digest: Uint8Array = new Uint8Array(HASH_BYTES);
    let before = -1;
    let last: SignedCheckpoint | null = null;
    for (const name of await historyFiles(this.#options.directory)) {
      const where = `checkpoints/${name}`;
      const part = parseHistory(await readFile(join(this.#options.directory, where)), digest);
      digest = part.digest;
      for (const [i, note] of part.notes.entries()) {
        const checkpoint = verifyCheckpoint(note, this.#options.log);
        if (checkpoint === null) this.#problems.add(where, `note ${i} is not signed by the log`);
        else if (checkpoint.size < before)
          this.#problems.add(where, `note ${i} goes back from ${before} to ${checkpoint.size} entries`);
        else {
          before = checkpoint.size;
          last = checkpoint;
          this.#checkpoints++;
          // The writer may have published more since we began.
          if (checkpoint.size <= this.#target.size)
            yield { size: checkpoint.size, root: checkpoint.root, where: `${where} note ${i}` };
        }
      }
      if (part.state !== 'whole') {
        this.#problems.add(
          where,
          `${part.state === 'torn' ? 'an unfinished note' : 'damaged'} at byte ${part.end}`,
        );
        break;
      }
    }
    if (last === null || last.size < this.#target.size)
      this.#problems.add('checkpoints', 'the last published checkpoint is missing from the history');
  }

  async #load(bundle: number): Promise<{ entries: readonly Uint8Array[]; rows: Uint8Array | null }> {
    const [bytes, rows] = await Promise.all([this.#readTile('entries', bundle), this.#readTile(0, bundle)]);
    const width = widthAt('entries', bundle, this.#target.size);
    const parsed = bytes === null ? [] : (parseBundle(bytes.bytes) ?? null);
    const where = bytes?.path ?? this.#bundleName(bundle * TILE_WIDTH);
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
      await this.#comparePartials(level, bundle, level === 0 ? rows?.bytes : bytes?.bytes);
    // A bundle that does not divide into entries has none: the tile's hashes take their places.
    return { entries: parsed ?? [], rows: rows?.bytes ?? null };
  }

  async #readTile(
    level: TileLevel,
    index: number,
  ): Promise<{ bytes: Buffer; path: string; width: number } | null> {
    const width = widthAt(level, index, this.#target.size);
    for (const w of width === TILE_WIDTH ? [width] : [width, TILE_WIDTH]) {
      const path = tilePath({ level, index, width: w });
      const bytes = await readOrNull(join(this.#options.directory, path));
      if (bytes !== null) return { bytes, path, width: w };
    }
    return null;
  }

  /** Partial files of sizes published before must be prefixes of what there is now. */
  async #comparePartials(level: TileLevel, index: number, whole: Uint8Array | undefined): Promise<void> {
    for (const width of this.#partials.get(tilePath({ level, index, width: TILE_WIDTH })) ?? []) {
      const path = tilePath({ level, index, width });
      const bytes = await readOrNull(join(this.#options.directory, path));
      if (bytes === null || whole === undefined) continue;
      const shape =
        level === 'entries' ? parseBundle(bytes)?.length === width : bytes.length === width * HASH_BYTES;
      const prefix = Buffer.from(whole.buffer, whole.byteOffset, Math.min(whole.length, bytes.length));
      if (!shape || !bytes.equals(prefix))
        this.#problems.add(path, 'differs from the tile that continues it');
    }
  }

  #queued: FullTile[] = [];

  #push(index: number, leaf: Uint8Array | null, row: Uint8Array | null): void {
    const same = leaf !== null && row !== null && equal(leaf, row);
    if (!same && (leaf !== null || row !== null)) {
      if (this.#tiles === this.#entries) this.#tiles = new Edge(this.#entries.state());
      this.#doubt.push(index);
    }
    const hash = leaf ?? row ?? new Uint8Array(HASH_BYTES);
    if (this.#tiles !== this.#entries) this.#queueTiles(this.#tiles.push(row === null ? hash : row.slice()));
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
      await this.#comparePartials(tile.level, tile.index, tile.bytes);
    }
  }

  async #checkPartials(): Promise<void> {
    for (const { level, index, width, bytes } of this.#tiles.partials()) {
      if (level === 0) continue;
      const path = tilePath({ level, index, width });
      const stored = await this.#readTile(level, index);
      if (stored === null) this.#problems.add(path, 'missing');
      else if (
        stored.bytes.length !== stored.width * HASH_BYTES ||
        !stored.bytes.subarray(0, bytes.length).equals(bytes)
      ) {
        this.#problems.add(stored.path, 'its hashes are not those of the tiles below it');
      }
      await this.#comparePartials(level, index, bytes);
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
        this.#problems.add(this.#bundleName(index), `entry ${index} is not the one that was logged`, index);
      else if (entries)
        this.#problems.add(
          tile,
          `the hash of entry ${index} was changed; the entry is the one that was logged`,
          index,
        );
      else
        this.#problems.add(
          this.#bundleName(index),
          `entry ${index} and its hash in ${tile} differ, and neither leads to the signed root`,
          index,
        );
    }
    if (entries) this.#tiles = this.#entries;
    else this.#entries = this.#tiles;
  }
}
