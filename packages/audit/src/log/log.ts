// The log: one writer, append-only, durable before it answers, signed every second. Entries are bytes here; what
// they say is `record/`. The layout is C2SP tlog-tiles, so other people's tools read and check it.
//
//   append -> queue -> [one frame, one fdatasync] -> resolved -> tiles -> checkpoint (signed, swapped, published)
//             queue.ts  flush.ts                                          publish.ts
import { open } from 'node:fs/promises';
import { AmbitError } from '../core.ts';
import type { SignedCheckpoint } from '../note/checkpoint.ts';
import { formatProof } from '../note/proof.ts';
import { TreeReader } from '../tile/reader.ts';
import { directorySource } from '../tile/source.ts';
import { signedStart } from './begin.ts';
import { WalWriter } from './flush.ts';
import { History } from './history.ts';
import { lockDirectory, type Lock } from './lock.ts';
import { Failure, LOG_DEFAULTS, type LogOptions } from './options.ts';
import { Publisher } from './publish.ts';
import { Queue, type LateEntry } from './queue.ts';
import { replay, type Recovery } from './replay.ts';
import { TileWriter } from './tiles.ts';

export { LOG_DEFAULTS, type LogOptions } from './options.ts';
export type { LateEntry } from './queue.ts';

interface Parts {
  readonly lock: Lock;
  readonly wal: WalWriter;
  readonly publisher: Publisher;
  readonly failure: Failure;
  readonly recovery: Recovery;
}

/** A log that this process writes. Made by `Log.open`. */
export class Log {
  /** What opening found and repaired. */
  readonly recovery: Recovery;
  readonly #options: LogOptions;
  readonly #lock: Lock;
  readonly #wal: WalWriter;
  readonly #publisher: Publisher;
  readonly #failure: Failure;
  readonly #queue: Queue;
  #flushing: Promise<void> | null = null;
  /** Until when entries without a waiting caller wait for company. */
  #delay: NodeJS.Timeout | null = null;
  #closed = false;
  readonly #timer: NodeJS.Timeout | null;

  private constructor(options: LogOptions, parts: Parts) {
    this.#options = options;
    this.#lock = parts.lock;
    this.#wal = parts.wal;
    this.#publisher = parts.publisher;
    this.#failure = parts.failure;
    this.recovery = parts.recovery;
    this.#queue = new Queue(options.queueBytes ?? LOG_DEFAULTS.queueBytes);
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
    const { directory } = options;
    const lock = await lockDirectory(directory, options.lockWait ?? 0, options.onLockWait);
    try {
      const tiles = new TileWriter(directory);
      await tiles.sweep();
      const signed = await signedStart(options);
      const state = await replay(directory, signed.head, tiles);
      const history = await History.open(directory);
      await history.append(signed.head.note);
      const failure = new Failure(options.onFailure);
      const file = await open(state.segments.at(-1)!.path, 'r+');
      const wal = new WalWriter(options, tiles, failure, file, state);
      const publisher = new Publisher(options, { tiles, history, wal }, failure, signed);
      const log = new Log(options, { lock, wal, publisher, failure, recovery: state.recovery });
      try {
        await log.checkpoint();
      } catch (error) {
        await log.#abandon();
        throw error;
      }
      return log;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Entries that are durable. */
  get size(): number {
    return this.#wal.edge.size;
  }

  /** The last checkpoint that readers can see. */
  get published(): SignedCheckpoint {
    return this.#publisher.published;
  }

  /** Why the log takes no more entries, or null. */
  get failure(): AmbitError | null {
    return this.#failure.error;
  }

  /**
   * Appends an entry of at most 65,535 bytes; resolves with its index when it is durable. Rejects with AmbitError
   * `audit_unavailable`: the entry is then not in the log, unless the process dies before it learns either way.
   * A `patient` entry may wait a few milliseconds for another to share its flush.
   */
  append(entry: Uint8Array | LateEntry, patient = false): Promise<number> {
    if (this.failure !== null) return Promise.reject(this.failure);
    if (this.#closed) return Promise.reject(new AmbitError('audit_unavailable', 'The log is closed.'));
    const promise = this.#queue.push(entry);
    if (patient) this.#delay ??= setTimeout(() => this.#startFlush(), LOG_DEFAULTS.maxDelayMs);
    else this.#startFlush();
    return promise;
  }

  // One turn of the loop later, so that all appends of this turn share the first fdatasync.
  #startFlush(): void {
    if (this.#delay !== null) clearTimeout(this.#delay);
    this.#delay = null;
    this.#flushing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#flushAll());
  }

  async #flushAll(): Promise<void> {
    try {
      while (this.#queue.length > 0 && this.failure === null) await this.#wal.flush(this.#queue);
    } finally {
      this.#flushing = null;
      if (this.failure !== null) this.#queue.rejectAll(this.failure);
    }
  }

  /** Ends the log for good, for instance when a witness has seen another history of it. */
  fail(error: AmbitError): void {
    this.#failure.set(error);
    if (this.#flushing === null) this.#queue.rejectAll(error);
  }

  #tick(): void {
    if (this.failure === null && !this.#publisher.current) {
      // A failure to publish (a full disk) recurs, and is reported, at the next request for a checkpoint or receipt.
      this.checkpoint().catch(() => {});
    }
  }

  /** Signs and publishes a checkpoint over everything durable now. Rejects with `audit_unavailable` or `audit_corrupt`. */
  checkpoint(): Promise<SignedCheckpoint> {
    return this.#publisher.checkpoint();
  }

  /** Reads the log as of the last published checkpoint. */
  reader(): TreeReader {
    return this.#readerOf(this.published);
  }

  #readerOf(checkpoint: SignedCheckpoint): TreeReader {
    return new TreeReader(directorySource(this.#options.directory), checkpoint.size);
  }

  /** A receipt (`c2sp.org/tlog-proof@v1`) for a durable entry; publishes a checkpoint when none covers it yet. Throws RangeError for an index that is not in the log. */
  async receipt(index: number): Promise<string> {
    if (!(Number.isSafeInteger(index) && index >= 0 && index < this.size))
      throw new RangeError(`index: expected 0 to ${this.size - 1}, got ${index}`);
    const checkpoint = index < this.published.size ? this.published : await this.checkpoint();
    const hashes = await this.#readerOf(checkpoint).inclusion(index);
    return formatProof({ index, hashes, checkpoint: checkpoint.note });
  }

  /** Flushes, publishes a last checkpoint and gives the log free. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#delay !== null) this.#startFlush();
    await this.#flushing;
    if (this.#timer !== null) clearInterval(this.#timer);
    try {
      if (this.failure === null) await this.checkpoint();
    } finally {
      await this.#abandon();
    }
  }

  async #abandon(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#publisher.settled();
    await this.#wal.close();
    this.#lock.release();
  }
}
