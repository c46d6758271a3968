// One writing connection, and the grouping that makes durability cheap: everything that is asked for during one
// turn of the event loop goes into one transaction, so that 200 concurrent calls pay for one fsync. Between
// processes the write lock is SQLite's; who finds it taken tries again, a little later each time, until the
// deadline, and then answers `store_unavailable`.
//
// The log is copied into the file by this class alone, by its size: at the end of a transaction and when the
// connection closes, so that neither an idle process nor many short ones let it grow. One that a reader holds
// open grows on to a bound, and then writing denies (`store_full`) until the reader has gone.
import { performance } from 'node:perf_hooks';
import { AmbitError } from '@ambit/core';
import { faultError } from '../faults.ts';
import { faultOf, isBusy, type Connection, type Statement } from './binding.ts';
import type { OpenFile } from './file.ts';

/** Called first in every transaction, last before its commit, and after it. */
export interface Hooks {
  begin(): void;
  end(): void;
  committed(): void;
}

interface Queued {
  run(): void;
  done(): void;
  fail(error: AmbitError): void;
  readonly deadline: number;
}

/** Requests in one transaction at most: bounds how long the event loop is blocked (about 10 ms). */
const GROUP = 512;
/** Bytes of the log after which it is copied into the file. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/** The same when a connection closes: short ones leave little behind. */
const CHECKPOINT_AT_CLOSE = 1024 * 1024;
/** Transactions between two looks at the log's size. */
const CHECKPOINT_EVERY = 32;
/** Bytes of the log above which nothing more is written: an open reader keeps it from being copied. */
const MAX_LOG_BYTES = 512 * 1024 * 1024;

const LOG_FULL =
  'The log of the state file is above its bound, because a reader keeps it open. Close other programs that read the file.';

const sleeper = new Int32Array(new SharedArrayBuffer(4));

export class Writer {
  readonly #db: Connection;
  readonly #file: OpenFile;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #checkpoint: Statement;
  readonly #timeout: number;
  readonly #maxLog: number;
  readonly #hooks: Hooks;
  #queue: Queued[] = [];
  #scheduled: NodeJS.Immediate | NodeJS.Timeout | null = null;
  #attempts = 0;
  #commits = 0;
  /** Set while the log is above its bound. */
  #full = false;
  #closed: AmbitError | null = null;

  /** `timeout` is milliseconds; `maxLog` bytes. */
  constructor(db: Connection, file: OpenFile, timeout: number, hooks: Hooks, maxLog: number = MAX_LOG_BYTES) {
    this.#db = db;
    this.#file = file;
    this.#timeout = timeout;
    this.#maxLog = maxLog;
    this.#hooks = hooks;
    this.#begin = db.prepare('begin immediate');
    this.#commit = db.prepare('commit');
    this.#checkpoint = db.prepare('pragma wal_checkpoint(passive)');
  }

  /** Runs `job` in the next transaction. Rejects with AmbitError: a store code. */
  submit<T>(job: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = this.#closed ?? this.#file.broken;
      if (stop !== null) return reject(stop);
      let value: T;
      this.#queue.push({
        run: () => void (value = job()),
        done: () => resolve(value),
        fail: reject,
        deadline: performance.now() + this.#timeout,
      });
      if (this.#scheduled === null) this.#scheduled = setImmediate(this.#flush);
    });
  }

  /** Runs `job` in a transaction of its own, now, waiting for the lock. Throws AmbitError. */
  now<T>(job: () => T): T {
    const stop = this.#closed ?? this.#file.broken;
    if (stop !== null) throw stop;
    const deadline = performance.now() + this.#timeout;
    for (let wait = 0.2; !this.#tryBegin(); wait = Math.min(5, wait * 1.5)) {
      if (performance.now() > deadline) throw new AmbitError('store_unavailable');
      Atomics.wait(sleeper, 0, 0, wait * (0.5 + Math.random()));
    }
    return this.#inside(job);
  }

  readonly #flush = (): void => {
    this.#scheduled = null;
    try {
      if (!this.#tryBegin()) return this.#later();
    } catch (error) {
      return this.#failAll(this.#queue.splice(0), error);
    }
    this.#attempts = 0;
    const group = this.#queue.splice(0, GROUP);
    try {
      this.#inside(() => {
        for (const queued of group) queued.run();
      });
    } catch (error) {
      return this.#failAll(group, error);
    } finally {
      if (this.#queue.length > 0 && this.#scheduled === null) this.#scheduled = setImmediate(this.#flush);
    }
    for (const queued of group) queued.done();
  };

  /** Another process holds the lock: those past their deadline are refused, the rest wait. */
  #later(): void {
    const now = performance.now();
    const late = this.#queue.filter((queued) => queued.deadline <= now);
    this.#queue = this.#queue.filter((queued) => queued.deadline > now);
    for (const queued of late) queued.fail(new AmbitError('store_unavailable'));
    if (this.#queue.length === 0) return;
    // Spread out, so that waiting processes don't meet again; a timer is a millisecond at least.
    this.#attempts++;
    this.#scheduled = setTimeout(this.#flush, Math.random() * Math.min(8, this.#attempts));
  }

  #tryBegin(): boolean {
    try {
      this.#begin.run();
      return true;
    } catch (error) {
      if (isBusy(error)) return false;
      throw this.#fault(error);
    }
  }

  #inside<T>(job: () => T): T {
    let value: T;
    try {
      this.#file.check();
      if (this.#full) throw new AmbitError('store_full', LOG_FULL);
      this.#hooks.begin();
      value = job();
      this.#hooks.end();
      this.#commit.run();
    } catch (error) {
      if (this.#db.inTransaction) {
        try {
          this.#db.exec('rollback');
        } catch (second) {
          // A connection that can't roll back would hold the lock, or commit later what was refused now.
          this.#file.breaks(this.#fault(second));
        }
      }
      const fault = this.#fault(error);
      if (this.#full) this.#copyLog(0);
      throw fault;
    }
    this.#hooks.committed();
    if (++this.#commits % CHECKPOINT_EVERY === 0) this.#copyLog(CHECKPOINT_BYTES);
    return value;
  }

  #logAbove(bytes: number): boolean {
    return this.#file.logSize() > bytes;
  }

  /** Copies the log into the file when it has more bytes than this, as far as no reader holds it. */
  #copyLog(above: number): void {
    try {
      if (!this.#logAbove(above)) return;
      const [, frames, copied] = this.#checkpoint.get() as [number, number, number];
      // A log that was copied whole starts again with the next write, for any size of its file.
      this.#full = copied < frames && this.#logAbove(this.#maxLog);
    } catch {
      // The commit is done and durable; what was not copied now is copied next time.
    }
  }

  #fault(error: unknown): AmbitError {
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    return faultError(error, faultOf);
  }

  #failAll(group: readonly Queued[], error: unknown): void {
    const fault = faultError(error, faultOf);
    for (const queued of group) queued.fail(fault);
  }

  /** Waits for what is queued, then closes the connection. */
  async close(): Promise<void> {
    while (this.#queue.length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    if (this.#closed !== null) return;
    this.#closed = new AmbitError('store_unavailable', 'The state store was closed.');
    if (this.#file.broken === null) this.#copyLog(CHECKPOINT_AT_CLOSE);
    this.#db.close();
  }
}
