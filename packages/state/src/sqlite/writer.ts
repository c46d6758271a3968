// One writing connection, and the grouping that makes durability cheap: everything that is asked for during one
// turn of the event loop goes into one transaction, so that 200 concurrent calls pay for one fsync. Between
// processes the write lock is SQLite's; who finds it taken tries again, a little later each time, until the
// deadline, and then answers `store_unavailable`.
//
// Checkpoints are our own. SQLite before 3.51.3 (libsql carries 3.45.1) can damage a file when a commit resets
// the log while a second checkpoint is under way (sqlite.org/wal.html, "WAL-reset bug"). Here a checkpoint runs
// on a connection of its own while this one holds the write lock, so that no commit can fall into it.
import { statSync } from 'node:fs';
import { AmbitError } from '@ambit/core';
import { performance } from 'node:perf_hooks';
import Database from 'libsql';
import { faultOf, isBusy } from './schema.ts';

export type Connection = InstanceType<typeof Database>;
export type Statement = ReturnType<Connection['prepare']>;

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

/** Requests in one transaction at most: bounds how long the event loop stands still (about 10 ms). */
const GROUP = 512;
/** Bytes of the log after which it is copied into the file. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/** Transactions between two looks at the log's size. */
const CHECKPOINT_EVERY = 32;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

export class Writer {
  readonly #path: string;
  readonly #db: Connection;
  readonly #checkpointer: Connection;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #timeout: number;
  readonly #hooks: Hooks;
  readonly #file: { readonly dev: number; readonly ino: number };
  #queue: Queued[] = [];
  #scheduled: NodeJS.Immediate | NodeJS.Timeout | null = null;
  #attempts = 0;
  #commits = 0;
  #broken: AmbitError | null = null;

  /** `timeout` is milliseconds. */
  constructor(path: string, db: Connection, checkpointer: Connection, timeout: number, hooks: Hooks) {
    this.#path = path;
    this.#db = db;
    this.#checkpointer = checkpointer;
    this.#timeout = timeout;
    this.#hooks = hooks;
    this.#begin = db.prepare('begin immediate');
    this.#commit = db.prepare('commit');
    const { dev, ino } = statSync(path);
    this.#file = { dev, ino };
  }

  /** Runs `job` in the next transaction. Rejects with AmbitError: a store code. */
  submit<T>(job: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== null) return reject(this.#broken);
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
    if (this.#broken !== null) throw this.#broken;
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
      this.#begin.run([]);
      return true;
    } catch (error) {
      if (isBusy(error)) return false;
      throw this.#fault(error);
    }
  }

  #inside<T>(job: () => T): T {
    let value: T;
    try {
      this.#hooks.begin();
      value = job();
      this.#hooks.end();
      this.#commit.run([]);
    } catch (error) {
      if (this.#db.inTransaction) {
        try {
          this.#db.exec('rollback');
        } catch (second) {
          // A connection that can't roll back would hold the lock, or commit later what was refused now.
          this.#broken = this.#fault(second);
        }
      }
      throw this.#fault(error);
    }
    this.#hooks.committed();
    if (++this.#commits % CHECKPOINT_EVERY === 0) this.#checkpoint();
    return value;
  }

  #checkpoint(): void {
    try {
      const wal = statSync(`${this.#path}-wal`, { throwIfNoEntry: false });
      if (wal === undefined || wal.size < CHECKPOINT_BYTES || !this.#tryBegin()) return;
      try {
        this.#checkpointer.prepare('pragma wal_checkpoint(passive)').all();
      } finally {
        this.#db.exec('rollback');
      }
    } catch {
      // The commit is done and durable; a log that can't be copied grows until the disk says so.
    }
  }

  /** Whether the file is still the one at the path: a file moved away would split the state in two. */
  checkFile(): void {
    const now = statSync(this.#path, { throwIfNoEntry: false });
    if (now?.dev === this.#file.dev && now.ino === this.#file.ino) return;
    this.#broken = new AmbitError(
      'store_corrupt',
      'The state file was moved, replaced or removed while it was open.',
    );
    throw this.#broken;
  }

  #fault(error: unknown): AmbitError {
    if (error instanceof AmbitError) return error;
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    return new AmbitError(faultOf(error), undefined, { cause: error });
  }

  #failAll(group: readonly Queued[], error: unknown): void {
    const fault =
      error instanceof AmbitError ? error : new AmbitError(faultOf(error), undefined, { cause: error });
    for (const queued of group) queued.fail(fault);
  }

  /** Waits for what is queued, then closes both connections. */
  async close(): Promise<void> {
    while (this.#queue.length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    this.#broken ??= new AmbitError('store_unavailable', 'The state store was closed.');
    this.#checkpointer.close();
    this.#db.close();
  }
}
