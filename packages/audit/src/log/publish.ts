// Signing and publishing: a checkpoint over everything durable, once the tiles prove that the last signed tree is a
// prefix of it. Then partial tiles and write-ahead segments that nothing needs any more go.
import { join } from 'node:path';
import { AmbitError } from '../core.ts';
import { TILE_WIDTH, type Edge } from '../merkle/edge.ts';
import { verifyConsistency } from '../merkle/proof.ts';
import { signCheckpoint, verifyCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts';
import { tilePath } from '../tile/path.ts';
import { TreeReader } from '../tile/reader.ts';
import { directorySource, type Source } from '../tile/source.ts';
import { replaceFile } from '@ambit/files';
import type { WalWriter } from './flush.ts';
import type { History } from './history.ts';
import { unavailable, type Failure, type LogOptions } from './options.ts';
import { removeSegment } from './replay.ts';
import type { TileWriter } from './tiles.ts';

/** The signed side of a log. */
export class Publisher {
  readonly #options: LogOptions;
  readonly #tiles: TileWriter;
  readonly #history: History;
  readonly #wal: WalWriter;
  readonly #failure: Failure;
  #head: SignedCheckpoint;
  /** The last checkpoint readers can see; behind `#head` only while a publication has not finished. */
  #published: SignedCheckpoint | null;
  /** Signed, and perhaps stored: the swap was begun and its end was not seen. */
  #attempted: SignedCheckpoint | null = null;
  #publishing: Promise<unknown> = Promise.resolve();
  #compacting: Promise<void> | null = null;

  constructor(
    options: LogOptions,
    parts: { readonly tiles: TileWriter; readonly history: History; readonly wal: WalWriter },
    failure: Failure,
    signed: { readonly head: SignedCheckpoint; readonly published: SignedCheckpoint | null },
  ) {
    this.#options = options;
    this.#tiles = parts.tiles;
    this.#history = parts.history;
    this.#wal = parts.wal;
    this.#failure = failure;
    this.#head = signed.head;
    this.#published = signed.published;
  }

  /** The last checkpoint that readers can see. */
  get published(): SignedCheckpoint {
    return this.#published ?? this.#head;
  }

  /** Whether readers see everything durable. */
  get current(): boolean {
    return this.#wal.edge.size === this.#published?.size;
  }

  /** Signs and publishes a checkpoint over everything durable now. Rejects with `audit_unavailable` or `audit_corrupt`. */
  checkpoint(): Promise<SignedCheckpoint> {
    const next = this.#publishing.then(() => this.#publish());
    this.#publishing = next.catch(() => {});
    return next;
  }

  /** Resolves when no old segment is being removed. */
  async settled(): Promise<void> {
    await this.#compacting;
  }

  async #publish(): Promise<SignedCheckpoint> {
    if (this.#failure.error !== null) throw this.#failure.error;
    // One consistent picture, taken without a pause in between.
    const { edge } = this.#wal;
    const { size } = edge;
    const root = edge.root();
    const partials = edge.partials();
    const tail = Buffer.from(this.#wal.tail);
    if (this.#published?.size === size) return this.#published;
    try {
      await this.#tiles.drain();
      if (size !== this.#head.size) await this.#sign(size, root, partials);
      for (const { level, index, width, bytes } of partials)
        await this.#tiles.write(level, index, width, bytes);
      if (tail.length > 0)
        await this.#tiles.write('entries', Math.floor(size / TILE_WIDTH), size % TILE_WIDTH, tail);
      await this.#history.append(this.#head.note);
      await replaceFile(join(this.#options.directory, 'checkpoint'), this.#head.note, true);
    } catch (error) {
      throw unavailable(error);
    }
    const last = this.#published?.size ?? 0;
    this.#published = this.#head;
    await this.#removePartials(last, size);
    this.#options.onCheckpoint?.(this.#head);
    this.#compacting ??= this.#compact().finally(() => (this.#compacting = null));
    return this.#head;
  }

  /** Signs (size, root) after proving, from the tiles on disk, that the last signed tree is a prefix of it. */
  async #sign(size: number, root: Uint8Array, partials: ReturnType<Edge['partials']>): Promise<void> {
    if (this.#attempted !== null && (await this.#options.head.read()) === this.#attempted.note) {
      this.#head = this.#attempted;
      this.#attempted = null;
      if (this.#head.size === size) return;
    }
    const last = this.#head;
    const proof = await this.#readerOf(size, partials).consistency(last.size);
    if (!verifyConsistency(last.size, size, proof, last.root, root)) {
      throw this.#corrupt(
        `The tree of ${size} is not a continuation of the signed tree of ${last.size}; nothing was signed.`,
      );
    }
    const note = signCheckpoint(this.#options.signer, size, root);
    const head = verifyCheckpoint(note, this.#options.signer.verifier, [], this.#options.provider);
    this.#attempted = head;
    if (head === null || !(await this.#options.head.swap(last.note, note))) {
      throw this.#corrupt('The last signed checkpoint is not ours: another writer has signed for this log.');
    }
    this.#head = head;
    this.#attempted = null;
  }

  /** The tree of `size`: its partial tiles are not on disk yet. */
  #readerOf(size: number, partials: ReturnType<Edge['partials']>): TreeReader {
    const fresh = new Map(partials.map((partial) => [tilePath(partial), partial.bytes]));
    const disk = directorySource(this.#options.directory);
    const source: Source = (path) =>
      Promise.resolve(fresh.get(path) ?? null).then((bytes) => bytes ?? disk(path));
    return new TreeReader(source, size);
  }

  #corrupt(message: string): AmbitError {
    const error = new AmbitError('audit_corrupt', message);
    this.#failure.set(error);
    return error;
  }

  /** Partial tiles must stay for every published size until the full tile is there. */
  async #removePartials(last: number, size: number): Promise<void> {
    for (let level = 0, span = TILE_WIDTH; span <= size; level++, span *= TILE_WIDTH) {
      const first = Math.floor(last / span);
      // Only the tile that was partial at the last publication can have partial files.
      if ((first + 1) * span > size) continue;
      await this.#tiles.removePartials(level, first).catch(() => {});
      if (level === 0) await this.#tiles.removePartials('entries', first).catch(() => {});
    }
  }

  /** Drops write-ahead segments whose entries are signed for and durable in tiles. */
  async #compact(): Promise<void> {
    const { segments } = this.#wal;
    while (segments.length > 1 && segments[0]!.end <= this.published.size && this.#failure.error === null) {
      const segment = segments[0]!;
      try {
        await this.#tiles.syncRange(segment.start, segment.end);
        await removeSegment(segment);
      } catch {
        return; // Kept, and tried again after the next checkpoint.
      }
      segments.shift();
    }
  }
}
