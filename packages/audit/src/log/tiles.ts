// Writes what readers see: full tiles and bundles as they fill, partial ones when a checkpoint is published. Files
// are replaced in one step but not synced one by one: until they are (`syncRange`), the write-ahead log holds
// everything they say, and the next start writes them again.
import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TILE_WIDTH, type FullTile } from '../merkle/edge.ts';
import { tilePath, type TileLevel } from '../tile/path.ts';
import { isMissing } from '../tile/source.ts';
import { makeDirectory, replaceFile, syncDirectory, syncFile } from '@ambit/files';

/** A tile or bundle that became full. */
export type FullFile =
  FullTile | { readonly level: 'entries'; readonly index: number; readonly bytes: Uint8Array };

/** Files written at the same time: leaves threads of the pool of four for the write-ahead log. */
const CONCURRENCY = 2;

export class TileWriter {
  readonly #directory: string;
  readonly #made = new Set<string>();
  #queue: FullFile[] = [];
  #bytes = 0;
  #running: Promise<void> | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Bytes that are not written yet. */
  get backlog(): number {
    return this.#bytes;
  }

  /** Takes files to be written; starts writing. Errors show in `drain`. */
  add(files: readonly FullFile[]): void {
    for (const file of files) {
      this.#queue.push(file);
      this.#bytes += file.bytes.length;
    }
    void this.drain().catch(() => {});
  }

  /** Resolves when all that was added is written; rejects when a write failed, and tries again when called again. */
  async drain(): Promise<void> {
    while (this.#running !== null || this.#queue.length > 0) {
      this.#running ??= this.#work().finally(() => (this.#running = null));
      await this.#running;
    }
  }

  async #work(): Promise<void> {
    const worker = async (): Promise<void> => {
      for (let file = this.#queue.shift(); file !== undefined; file = this.#queue.shift()) {
        try {
          await this.write(file.level, file.index, TILE_WIDTH, file.bytes);
          this.#bytes -= file.bytes.length;
        } catch (error) {
          this.#queue.unshift(file);
          throw error;
        }
      }
    };
    const results = await Promise.allSettled(Array.from({ length: CONCURRENCY }, worker));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Writes one file, full or partial. */
  async write(level: TileLevel, index: number, width: number, bytes: Uint8Array): Promise<void> {
    const path = join(this.#directory, tilePath({ level, index, width }));
    const parent = dirname(path);
    if (!this.#made.has(parent)) {
      await makeDirectory(parent);
      if (this.#made.size > 4096) this.#made.clear();
      if (width === TILE_WIDTH) this.#made.add(parent);
    }
    await replaceFile(path, bytes, false);
  }

  /** Whether a full file is there with exactly these bytes: `'same'`, `'missing'`, or `'different'`. */
  async compare(file: FullFile): Promise<'same' | 'missing' | 'different'> {
    const path = join(this.#directory, tilePath({ ...file, width: TILE_WIDTH }));
    try {
      return (await readFile(path)).equals(file.bytes) ? 'same' : 'different';
    } catch (error) {
      if (isMissing(error)) return 'missing';
      throw error;
    }
  }

  /** Removes the partial files of a tile that is full now (tlog-tiles: a client falls back to the full one). */
  async removePartials(level: TileLevel, index: number): Promise<void> {
    await rm(join(this.#directory, `${tilePath({ level, index, width: TILE_WIDTH })}.p`), {
      recursive: true,
      force: true,
    });
  }

  /** Makes every full file that begins in [start, end) durable: what a segment must wait for before it goes. */
  async syncRange(start: number, end: number): Promise<void> {
    const directories = new Set<string>();
    const sync = async (level: TileLevel, index: number): Promise<void> => {
      const path = join(this.#directory, tilePath({ level, index, width: TILE_WIDTH }));
      await syncFile(path);
      for (let at = dirname(path); at.startsWith(join(this.#directory, 'tile')); at = dirname(at))
        directories.add(at);
    };
    for (let index = start / TILE_WIDTH; index < end / TILE_WIDTH; index++) {
      await sync('entries', index);
      await sync(0, index);
    }
    for (let level = 1, span = TILE_WIDTH ** 2; span <= end; level++, span *= TILE_WIDTH) {
      for (let index = Math.floor(start / span); (index + 1) * span <= end; index++) await sync(level, index);
    }
    for (const path of directories) await syncDirectory(path);
  }

  /** The temporary files that a killed process left behind are removed. */
  async sweep(): Promise<void> {
    const names = await readdir(this.#directory, { recursive: true }).catch(() => []);
    for (const name of names)
      if (name.endsWith('.tmp')) await rm(join(this.#directory, name), { force: true });
  }
}
