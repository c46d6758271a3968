// One flush: entries to one frame of the write-ahead log, one fdatasync, then the tiles that became full. The tree
// is advanced on a copy, so a flush that fails leaves everything as it was.
import { fdatasyncSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Edge, TILE_WIDTH } from '../merkle/edge.ts';
import { leafHash } from '../merkle/hash.ts';
import type { AmbitError } from '../core.ts';
import { LOG_DEFAULTS, unavailable, type Failure, type LogOptions } from './options.ts';
import { bytesOf, type Queue, type Waiting } from './queue.ts';
import { createSegment, cutBundles, type Recovery, type Segment } from './replay.ts';
import { type FullFile, type TileWriter } from './tiles.ts';
import { FRAME_HEADER_BYTES, sealFrame } from './wal.ts';

/** Where writing starts: what `replay` found. */
export interface WriteState {
  readonly edge: Edge;
  readonly segments: Segment[];
  readonly offset: number;
  readonly tail: Buffer;
  readonly recovery: Recovery;
}

/** A frame ready to be written, and what the tree is after it. */
interface Frame {
  readonly out: Buffer;
  readonly edge: Edge;
  readonly first: number;
  readonly full: readonly FullFile[];
}

/** The write-ahead log's open segment, and the tree of what is durable. */
export class WalWriter {
  readonly #options: LogOptions;
  readonly #tiles: TileWriter;
  readonly #failure: Failure;
  readonly segments: Segment[];
  #edge: Edge;
  #file: FileHandle;
  #offset: number;
  #tail: Buffer;
  /** Flushes for which the disk is left to the thread pool, since it was slow. */
  #slow = 0;

  constructor(options: LogOptions, tiles: TileWriter, failure: Failure, file: FileHandle, state: WriteState) {
    this.#options = options;
    this.#tiles = tiles;
    this.#failure = failure;
    this.#file = file;
    this.segments = state.segments;
    this.#edge = state.edge;
    this.#offset = state.offset;
    this.#tail = state.tail;
  }

  /** The tree of everything durable. */
  get edge(): Edge {
    return this.#edge;
  }

  /** Entries of the bundle that is not full yet, as they stand in it. */
  get tail(): Buffer {
    return this.#tail;
  }

  get #full(): boolean {
    return this.#offset >= (this.#options.segmentBytes ?? LOG_DEFAULTS.segmentBytes);
  }

  /** Writes what waits, up to the batch size, and up to a bundle's end when the segment is full. Never rejects. */
  async flush(queue: Queue): Promise<void> {
    if (this.#tiles.backlog > LOG_DEFAULTS.backlogBytes) {
      try {
        await this.#tiles.drain();
      } catch (error) {
        queue.rejectAll(unavailable(error));
        return;
      }
    }
    const most = this.#options.batchBytes ?? LOG_DEFAULTS.batchBytes;
    const batch = queue.take(most, this.#full ? TILE_WIDTH - (this.#edge.size % TILE_WIDTH) : Infinity);
    const frame = this.#encode(batch);
    if (frame === null) return;
    try {
      await this.#write(frame.out, batch.length <= LOG_DEFAULTS.inlineFlushEntries && this.#slow === 0);
    } catch (error) {
      giveUp(batch, batch.length, unavailable(error));
      return;
    }
    this.#advance(frame);
    batch.forEach((waiting, i) => waiting.resolve(frame.first + i));
    if (this.#full && this.#edge.size % TILE_WIDTH === 0) await this.#rotate();
  }

  /** The batch as one frame; null, with everybody told, when a late entry threw: nothing of this flush is written. */
  #encode(batch: readonly Waiting[]): Frame | null {
    const edge = new Edge(this.#edge.state());
    const first = edge.size;
    let room = FRAME_HEADER_BYTES;
    for (const waiting of batch) room += 2 + bytesOf(waiting);
    const whole = Buffer.allocUnsafe(room);
    const full: FullFile[] = [];
    let at = FRAME_HEADER_BYTES;
    let made = 0;
    try {
      for (const { entry } of batch) {
        const bytes = 'length' in entry ? entry : entry.encode(edge.size);
        at = whole.writeUInt16BE(bytes.length, at);
        whole.set(bytes, at);
        at += bytes.length;
        const leaf = leafHash(bytes);
        if (!('length' in entry)) entry.hashed(leaf);
        made++;
        const tiles = edge.push(leaf);
        if (tiles !== null) full.push(...tiles);
      }
    } catch (error) {
      giveUp(batch, made, unavailable(error));
      return null;
    }
    const out = whole.subarray(0, at);
    sealFrame(out, first, batch.length, edge.root());
    return { out, edge, first, full };
  }

  #advance({ out, edge, first, full }: Frame): void {
    this.#edge = edge;
    this.#offset += out.length;
    const cut = cutBundles(this.#tail, out.subarray(FRAME_HEADER_BYTES), first);
    this.#tail = cut.rest;
    this.segments.at(-1)!.end = edge.size;
    if (full.length > 0 || cut.full.length > 0) this.#tiles.add([...cut.full, ...full]);
  }

  /** Writes and syncs a frame. A full disk leaves the file as it was; after a failed sync what is on disk is unknown, so the log ends (it is replayed at the next start). */
  async #write(out: Buffer, quick: boolean): Promise<void> {
    const began = performance.now();
    const { fd } = this.#file;
    try {
      let written = 0;
      while (written < out.length) {
        const place = this.#offset + written;
        const left = out.length - written;
        written += quick
          ? writeSync(fd, out, written, left, place)
          : (await this.#file.write(out, written, left, place)).bytesWritten;
      }
    } catch (error) {
      try {
        await this.#file.truncate(this.#offset);
        await this.#file.datasync();
      } catch (second) {
        this.#failure.set(unavailable(second));
      }
      throw error;
    }
    try {
      if (quick) fdatasyncSync(fd);
      else await this.#file.datasync();
    } catch (error) {
      this.#failure.set(unavailable(error));
      throw error;
    }
    // A disk that takes longer than a thread's way there and back must not stop everything else meanwhile.
    if (quick && performance.now() - began > 1) this.#slow = 256;
    else if (this.#slow > 0) this.#slow -= 1;
  }

  async #rotate(): Promise<void> {
    try {
      const { segment, offset } = await createSegment(this.#options.directory, this.#edge);
      const file = await open(segment.path, 'r+');
      await this.#file.close();
      this.#file = file;
      this.#offset = offset;
      this.segments.push(segment);
    } catch {
      // No room for a new segment: the old one goes on growing, and rotation is tried again a bundle later.
    }
  }

  async close(): Promise<void> {
    await this.#file.close().catch(() => {});
  }
}

/** Rejects a batch of which the first `made` entries were encoded. */
function giveUp(batch: readonly Waiting[], made: number, error: AmbitError): void {
  for (const { entry } of batch.slice(0, made).toReversed()) if (!('length' in entry)) entry.undo();
  for (const waiting of batch) waiting.reject(error);
}
