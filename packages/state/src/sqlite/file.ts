// The file as it was opened, looked at again before every write and every read (law L15, attacks W2). SQLite
// itself notices nothing of this: a connection goes on with the file it has open, regardless of the
// path. A file that was moved, replaced or removed would split the state in two; so would a second name for it
// (each name has a log of its own), and a log (`-wal`) that was removed takes what is not yet copied with it.
// Not noticed: a copy of an earlier state put in place while no process has the file open, and locks that the file
// system grants but does not keep.
import { statSync, statfsSync } from 'node:fs';
import { AmbitError } from '@ambit/core';

interface Identity {
  readonly dev: number;
  readonly ino: number;
}

/** File systems of other machines, by `statfs` type (Linux): their locks are not to be relied on. */
const REMOTE: ReadonlySet<number> = new Set([0x6969, 0x517b, 0xfe534d42, 0xff534d42]);

const corrupt = (message: string): AmbitError => new AmbitError('store_corrupt', message);

const same = (a: Identity | undefined, b: Identity): boolean => a?.dev === b.dev && a.ino === b.ino;

export class OpenFile {
  readonly #path: string;
  readonly #file: Identity;
  #log: Identity | null = null;
  #broken: AmbitError | null = null;

  /** Throws AmbitError: `store_corrupt` for a second name, `store_unavailable` for another machine's disk. */
  constructor(path: string) {
    this.#path = path;
    const { dev, ino, nlink } = statSync(path);
    this.#file = { dev, ino };
    if (nlink > 1)
      throw corrupt('The state file has a second name (a hard link). Remove it: each name has its own log.');
    if (REMOTE.has(Number(statfsSync(path).type)))
      throw new AmbitError(
        'store_unavailable',
        'The state file is on a network file system, whose locks do not hold. Use a local disk, Redis or PostgreSQL.',
      );
  }

  /** What was found wrong, for good. */
  get broken(): AmbitError | null {
    return this.#broken;
  }

  /** From now on every answer is this. */
  breaks(error: AmbitError): AmbitError {
    this.#broken ??= error;
    return this.#broken;
  }

  /** Throws unless file and log are the ones that were opened. Two calls of `stat`, a few microseconds. */
  check(): void {
    if (this.#broken !== null) throw this.#broken;
    const now = statSync(this.#path, { throwIfNoEntry: false });
    if (!same(now, this.#file))
      throw this.breaks(corrupt('The state file was moved, replaced or removed while it was open.'));
    if (now!.nlink > 1)
      throw this.breaks(corrupt('The state file was given a second name (a hard link) while it was open.'));
    const log = statSync(`${this.#path}-wal`, { throwIfNoEntry: false });
    // The log is there from the first transaction until the last connection closes.
    if (this.#log === null) this.#log = log === undefined ? null : { dev: log.dev, ino: log.ino };
    else if (!same(log, this.#log))
      throw this.breaks(
        corrupt('The log of the state file (-wal) was removed or replaced while it was open.'),
      );
  }

  /** Bytes of the log. */
  logSize(): number {
    return statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }
}
