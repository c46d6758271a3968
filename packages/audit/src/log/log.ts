// The log: one writer, append-only, durable before it answers, signed every second. Entries are bytes here; what
// they say is `record/`. The layout is C2SP tlog-tiles, so other people's tools read and check it.
//
//   append -> queue -> [one frame, one fdatasync] -> resolved -> tiles -> checkpoint (signed, swapped, published)
import { fdatasyncSync, writeSync } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { AmbitError, type Provider, nodeProvider } from '../core.ts';
import { Edge, TILE_WIDTH } from '../merkle/edge.ts';
import { EMPTY_ROOT, leafHash } from '../merkle/hash.ts';
import { verifyConsistency } from '../merkle/proof.ts';
import { signCheckpoint, verifyCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts';
import type { SignerKey } from '../note/key.ts';
import { formatProof } from '../note/proof.ts';
import { MAX_ENTRY_BYTES } from '../tile/bundle.ts';
import { tilePath } from '../tile/path.ts';
import { TreeReader } from '../tile/reader.ts';
import { directorySource, isMissing, type Source } from '../tile/source.ts';
import { replaceFile } from './files.ts';
import type { HeadStore } from './head.ts';
import { History } from './history.ts';
import { lockDirectory, type Lock } from './lock.ts';
import { createSegment, cutBundles, removeSegment, replay, type Recovery, type Segment } from './replay.ts';
import { type FullFile, TileWriter } from './tiles.ts';
import { FRAME_HEADER_BYTES, sealFrame } from './wal.ts';

/** Defaults of a log, each with its reason. */
export const LOG_DEFAULTS: {
  readonly checkpointInterval: number;
  readonly segmentBytes: number;
  readonly batchBytes: number;
  readonly queueBytes: number;
  readonly backlogBytes: number;
  readonly maxDelayMs: number;
  readonly inlineFlushEntries: number;
} = Object.freeze({
  /** Milliseconds between checkpoints: how long an entry may be durable and not yet signed for. */
  checkpointInterval: 1000,
  /** Bytes of a write-ahead segment: what a start has to replay at most (64 MiB replay in under a second). */
  segmentBytes: 67_108_864,
  /** Bytes of one flush: bounds the memory and the time of one write. */
  batchBytes: 4_194_304,
  /** Bytes waiting to be flushed: beyond it an append is refused, so a slow disk cannot fill the memory. */
  queueBytes: 67_108_864,
  /** Bytes of full tiles not yet written: beyond it flushing waits. */
  backlogBytes: 67_108_864,
  /** Milliseconds that entries nobody waits for (outcomes) wait to share the fdatasync of the next decision. */
  maxDelayMs: 10,
  /** A flush of at most so many entries is written without the thread pool, whose way there and back costs as much as a fast disk. */
  inlineFlushEntries: 4,
});

/** How a log is opened. */
export interface LogOptions {
  readonly directory: string;
  /** Signs checkpoints; its name is the log's origin. */
  readonly signer: SignerKey;
  /** Where the last signed checkpoint is kept: not in the directory. */
  readonly head: HeadStore;
  /** Begin a new log where there is none (default false: a log that has vanished is an alarm, not an occasion). */
  readonly create?: boolean;
  /** Milliseconds; 0 signs on demand and at the end only. */
  readonly checkpointInterval?: number;
  readonly segmentBytes?: number;
  readonly batchBytes?: number;
  readonly queueBytes?: number;
  /** Milliseconds to wait for another writer to finish. */
  readonly lockWait?: number;
  readonly provider?: Provider;
  /** Called after each published checkpoint; must not throw. Witnesses are asked from here. */
  readonly onCheckpoint?: (checkpoint: SignedCheckpoint) => void;
  /** Called when the log stops taking entries for good; must not throw. */
  readonly onFailure?: (error: AmbitError) => void;
}

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

interface Waiting {
  readonly entry: Buffer | LateEntry;
  readonly resolve: (index: number) => void;
  readonly reject: (error: AmbitError) => void;
}

const bytesOf = ({ entry }: Waiting): number => ('length' in entry ? entry.length : entry.bytes);

const unavailable = (cause: unknown): AmbitError =>
  cause instanceof AmbitError
    ? cause
    : new AmbitError(
        'audit_unavailable',
        `The audit log cannot write: ${cause instanceof Error ? cause.message : 'unknown'}.`,
        { cause },
      );

/** A log that this process writes. Made by `Log.open`. */
export class Log {
  /** What opening found and repaired. */
  readonly recovery: Recovery;
  readonly #options: LogOptions;
  readonly #lock: Lock;
  readonly #tiles: TileWriter;
  readonly #history: History;
  /** The tree of what is durable; a flush works on a copy. */
  #edge: Edge;
  readonly #segments: Segment[];
  #file: FileHandle;
  #offset: number;
  #tail: Buffer;
  #head: SignedCheckpoint;
  /** The last checkpoint readers can see; behind `#head` only while a publication has not finished. */
  #published: SignedCheckpoint | null;
  /** Signed, and perhaps stored: the swap was begun and its end was not seen. */
  #attempted: SignedCheckpoint | null = null;
  #queue: Waiting[] = [];
  #queued = 0;
  #flushing: Promise<void> | null = null;
  /** Until when entries that nobody waits for wait for company. */
  #patience: NodeJS.Timeout | null = null;
  /** Flushes for which the disk is left to the thread pool, since it was slow. */
  #slow = 0;
  #publishing: Promise<unknown> = Promise.resolve();
  #compacting: Promise<void> | null = null;
  #failure: AmbitError | null = null;
  #closed = false;
  readonly #timer: NodeJS.Timeout | null;

  private constructor(
    options: LogOptions,
    lock: Lock,
    tiles: TileWriter,
    history: History,
    file: FileHandle,
    head: SignedCheckpoint,
    published: SignedCheckpoint | null,
    state: { edge: Edge; segments: Segment[]; offset: number; tail: Buffer; recovery: Recovery },
  ) {
    this.#options = options;
    this.#lock = lock;
    this.#tiles = tiles;
    this.#history = history;
    this.#file = file;
    this.#head = head;
    this.#published = published;
    this.#edge = state.edge;
    this.#segments = state.segments;
    this.#offset = state.offset;
    this.#tail = state.tail;
    this.recovery = state.recovery;
    const interval = options.checkpointInterval ?? LOG_DEFAULTS.checkpointInterval;
    this.#timer = interval > 0 ? setInterval(() => this.#tick(), interval) : null;
    this.#timer?.unref();
  }

  /**
   * Opens a log for writing and replays what a killed process left. Throws AmbitError: `audit_unavailable` when it
   * has another writer, `audit_corrupt` when it does not fit its last signed checkpoint, `file_missing` when there
   * is none and `create` is not set.
   */
  static async open(options: LogOptions): Promise<Log> {
    const { directory, signer, head: store } = options;
    const provider = options.provider ?? nodeProvider;
    const lock = await lockDirectory(directory, options.lockWait ?? 0);
    try {
      const tiles = new TileWriter(directory);
      await tiles.sweep();
      const read = (note: string): SignedCheckpoint | null =>
        verifyCheckpoint(note, signer.verifier, [], provider);
      let note = await store.read();
      const shown = await readFile(join(directory, 'checkpoint'), 'utf8').catch((error: unknown) => {
        if (isMissing(error)) return null;
        throw error;
      });
      if (note === null) {
        if (shown !== null)
          throw new AmbitError(
            'audit_corrupt',
            'There is a log but no signed checkpoint in the head store: it was removed or rolled back.',
          );
        if (options.create !== true) throw new AmbitError('file_missing', 'There is no audit log here.');
        await createSegment(directory, new Edge());
        note = signCheckpoint(signer, 0, EMPTY_ROOT);
        if (!(await store.swap(null, note)))
          throw new AmbitError('audit_unavailable', 'Another writer has begun this log.');
      }
      const head = read(note);
      if (head === null)
        throw new AmbitError('audit_corrupt', 'The last signed checkpoint is damaged or by another key.');
      const published = shown === null ? null : read(shown);
      if (published !== null && published.size > head.size) {
        throw new AmbitError(
          'audit_corrupt',
          `The head store was rolled back: it says ${head.size}, the published checkpoint ${published.size}.`,
        );
      }
      const state = await replay(directory, head, tiles);
      const history = await History.open(directory);
      await history.append(head.note);
      const file = await open(state.segments.at(-1)!.path, 'r+');
      const log = new Log(
        options,
        lock,
        tiles,
        history,
        file,
        head,
        published?.note === head.note ? published : null,
        state,
      );
      try {
        await log.checkpoint();
      } catch (error) {
        await log.#abandon();
        throw error;
      }
      return log;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Entries that are durable. */
  get size(): number {
    return this.#edge.size;
  }

  /** The last checkpoint that readers can see. */
  get published(): SignedCheckpoint {
    return this.#published ?? this.#head;
  }

  /** Why the log takes no more entries, or null. */
  get failure(): AmbitError | null {
    return this.#failure;
  }

  /**
   * Appends an entry of at most 65,535 bytes; resolves with its index when it is durable. Rejects with AmbitError
   * `audit_unavailable`: the entry is then not in the log, unless the process dies before it learns either way.
   * A `patient` entry may wait a few milliseconds for another to share its flush.
   */
  append(entry: Uint8Array | LateEntry, patient = false): Promise<number> {
    const length = entry instanceof Uint8Array ? entry.length : entry.bytes;
    if (length > MAX_ENTRY_BYTES) {
      return Promise.reject(
        new AmbitError('audit_refused', `An entry has at most ${MAX_ENTRY_BYTES} bytes.`),
      );
    }
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#closed) return Promise.reject(new AmbitError('audit_unavailable', 'The log is closed.'));
    if (this.#queued + length > (this.#options.queueBytes ?? LOG_DEFAULTS.queueBytes)) {
      return Promise.reject(new AmbitError('audit_unavailable', 'The audit log cannot keep up.'));
    }
    const promise = new Promise<number>((resolve, reject) => {
      this.#queue.push({ entry: entry instanceof Uint8Array ? Buffer.from(entry) : entry, resolve, reject });
    });
    this.#queued += length + 2;
    if (patient) this.#patience ??= setTimeout(() => this.#startFlush(), LOG_DEFAULTS.maxDelayMs);
    else this.#startFlush();
    return promise;
  }

  // One turn of the loop later, so that all appends of this turn share the first fdatasync.
  #startFlush(): void {
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#patience = null;
    this.#flushing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#flushAll());
  }

  async #flushAll(): Promise<void> {
    try {
      while (this.#queue.length > 0 && this.#failure === null) await this.#flush();
    } finally {
      this.#flushing = null;
      if (this.#failure !== null) this.#rejectAll(this.#failure);
    }
  }

  #rejectAll(error: AmbitError): void {
    for (const waiting of this.#queue.splice(0)) waiting.reject(error);
    this.#queued = 0;
  }

  /** How many waiting entries go into the next frame: up to the batch size, and up to a bundle's end when the segment is full. */
  #take(): Waiting[] {
    const most = this.#options.batchBytes ?? LOG_DEFAULTS.batchBytes;
    const full = this.#offset >= (this.#options.segmentBytes ?? LOG_DEFAULTS.segmentBytes);
    const stop = full ? TILE_WIDTH - (this.#edge.size % TILE_WIDTH) : Infinity;
    let bytes = 0;
    let n = 0;
    while (n < this.#queue.length && n < stop && (n === 0 || bytes + bytesOf(this.#queue[n]!) <= most)) {
      bytes += bytesOf(this.#queue[n++]!) + 2;
    }
    this.#queued -= bytes;
    return this.#queue.splice(0, n);
  }

  async #flush(): Promise<void> {
    if (this.#tiles.backlog > LOG_DEFAULTS.backlogBytes) {
      try {
        await this.#tiles.drain();
      } catch (error) {
        this.#rejectAll(unavailable(error));
        return;
      }
    }
    const batch = this.#take();
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
      // A late entry broke its promise: nothing of this flush is written.
      this.#giveUp(batch, made, unavailable(error));
      return;
    }
    const out = whole.subarray(0, at);
    sealFrame(out, first, batch.length, edge.root());
    try {
      await this.#write(out, batch.length <= LOG_DEFAULTS.inlineFlushEntries && this.#slow === 0);
    } catch (error) {
      this.#giveUp(batch, batch.length, unavailable(error));
      return;
    }
    this.#edge = edge;
    this.#offset += out.length;
    const cut = cutBundles(this.#tail, out.subarray(FRAME_HEADER_BYTES), first);
    this.#tail = cut.rest;
    const segment = this.#segments.at(-1)!;
    segment.end = this.#edge.size;
    if (full.length > 0 || cut.full.length > 0) this.#tiles.add([...cut.full, ...full]);
    batch.forEach((waiting, i) => waiting.resolve(first + i));
    if (
      this.#offset >= (this.#options.segmentBytes ?? LOG_DEFAULTS.segmentBytes) &&
      this.#edge.size % TILE_WIDTH === 0
    ) {
      await this.#rotate();
    }
  }

  /** Rejects a batch of which the first `made` entries were encoded. */
  #giveUp(batch: readonly Waiting[], made: number, error: AmbitError): void {
    for (const { entry } of batch.slice(0, made).toReversed()) if (!('length' in entry)) entry.undo();
    for (const waiting of batch) waiting.reject(error);
  }

  /** Writes and syncs a frame. A full disk leaves the file as it was; a failed sync ends the log, for nobody knows what is on disk (it is replayed at the next start). */
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
        this.#fail(unavailable(second));
      }
      throw error;
    }
    try {
      if (quick) fdatasyncSync(fd);
      else await this.#file.datasync();
    } catch (error) {
      this.#fail(unavailable(error));
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
      this.#segments.push(segment);
    } catch {
      // No room for a new segment: the old one goes on growing, and rotation is tried again a bundle later.
    }
  }

  #fail(error: AmbitError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#options.onFailure?.(error);
  }

  /** Ends the log for good, for instance when a witness has seen another history of it. */
  fail(error: AmbitError): void {
    this.#fail(error);
    if (this.#flushing === null) this.#rejectAll(error);
  }

  #tick(): void {
    if (this.#failure === null && this.#edge.size !== this.#published?.size) {
      // A failure to publish (a full disk) is met again, and told, by whoever asks for a checkpoint or a receipt.
      this.checkpoint().catch(() => {});
    }
  }

  /** Signs and publishes a checkpoint over everything durable now. Rejects with `audit_unavailable` or `audit_corrupt`. */
  checkpoint(): Promise<SignedCheckpoint> {
    const next = this.#publishing.then(() => this.#publish());
    this.#publishing = next.catch(() => {});
    return next;
  }

  async #publish(): Promise<SignedCheckpoint> {
    if (this.#failure !== null) throw this.#failure;
    // One consistent picture, taken without a pause in between.
    const { size } = this.#edge;
    const root = this.#edge.root();
    const partials = this.#edge.partials();
    const tail = Buffer.from(this.#tail);
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
    const fresh = new Map(partials.map((partial) => [tilePath(partial), partial.bytes]));
    const disk = directorySource(this.#options.directory);
    const source: Source = (path) =>
      Promise.resolve(fresh.get(path) ?? null).then((bytes) => bytes ?? disk(path));
    if (this.#attempted !== null && (await this.#options.head.read()) === this.#attempted.note) {
      this.#head = this.#attempted;
      this.#attempted = null;
      if (this.#head.size === size) return;
    }
    const last = this.#head;
    const proof = await new TreeReader(source, size).consistency(last.size);
    if (!verifyConsistency(last.size, size, proof, last.root, root)) {
      const error = new AmbitError(
        'audit_corrupt',
        `The tree of ${size} is not a continuation of the signed tree of ${last.size}; nothing was signed.`,
      );
      this.#fail(error);
      throw error;
    }
    const note = signCheckpoint(this.#options.signer, size, root);
    const head = verifyCheckpoint(note, this.#options.signer.verifier, [], this.#options.provider);
    this.#attempted = head;
    if (head === null || !(await this.#options.head.swap(last.note, note))) {
      const error = new AmbitError(
        'audit_corrupt',
        'The last signed checkpoint is not ours: another writer has signed for this log.',
      );
      this.#fail(error);
      throw error;
    }
    this.#head = head;
    this.#attempted = null;
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
    while (
      this.#segments.length > 1 &&
      this.#segments[0]!.end <= this.published.size &&
      this.#failure === null
    ) {
      const segment = this.#segments[0]!;
      try {
        await this.#tiles.syncRange(segment.start, segment.end);
        await removeSegment(segment);
      } catch {
        return; // Kept, and tried again after the next checkpoint.
      }
      this.#segments.shift();
    }
  }

  /** Reads the log as of the last published checkpoint. */
  reader(): TreeReader {
    return new TreeReader(directorySource(this.#options.directory), this.published.size);
  }

  /** A receipt (`c2sp.org/tlog-proof@v1`) for a durable entry; publishes a checkpoint when none covers it yet. Throws RangeError for an index that is not in the log. */
  async receipt(index: number): Promise<string> {
    if (!(Number.isSafeInteger(index) && index >= 0 && index < this.size))
      throw new RangeError(`index: expected 0 to ${this.size - 1}, got ${index}`);
    const checkpoint = index < this.published.size ? this.published : await this.checkpoint();
    const reader = new TreeReader(directorySource(this.#options.directory), checkpoint.size);
    return formatProof({ index, hashes: await reader.inclusion(index), checkpoint: checkpoint.note });
  }

  /** Flushes, publishes a last checkpoint and gives the log free. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#patience !== null) this.#startFlush();
    await this.#flushing;
    if (this.#timer !== null) clearInterval(this.#timer);
    try {
      if (this.#failure === null) await this.checkpoint();
    } finally {
      await this.#abandon();
    }
  }

  async #abandon(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#compacting;
    await this.#file.close().catch(() => {});
    await this.#lock.release();
  }
}
