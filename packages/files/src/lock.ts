// One holder a lock file: a POSIX record lock that SQLite takes on it for us, since Node has no flock. The system
// gives it back however the process ends (kill -9, out of memory), so no lock goes stale; it is seen across
// containers and network namespaces that share the file; and only who may open the file, which is its owner, can
// take it. Nothing is written into it: the file stays empty. Who holds it stands in a file beside, as a hint to whoever
// finds it taken; nothing depends on it.
import { closeSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { FILE_MODE } from './atomic.ts';

/** A lock that is held. */
export interface Lock {
  /** Gives it back; a second call does nothing. */
  release(): void;
}

// SQLITE_BUSY: another connection, of this or another process, holds it.
const BUSY = 5;
/** Milliseconds between two tries. */
const PAUSE = 20;
/** Milliseconds of waiting before a person is told: longer than commands hold a lock, shorter than patience. */
const SILENCE = 1000;

// A connection that is not referred to is closed by the garbage collector, and its lock with it.
const held = new Set<InstanceType<typeof DatabaseSync>>();

/**
 * The lock at `path`, trying for `wait` milliseconds; null when another holder keeps it. `waiting` is told once, after a
 * second, who has it. The directory must be there. Rejects with the system's error when the file can't be opened.
 */
export async function acquireLock(
  path: string,
  wait: number = 0,
  waiting?: (holder: string) => void,
): Promise<Lock | null> {
  const begun = performance.now();
  let tell = waiting;
  for (;;) {
    const lock = tryLock(path);
    const waited = performance.now() - begun;
    if (lock !== null || waited >= wait) return lock;
    if (waited >= SILENCE) {
      tell?.(lockHolder(path) ?? 'another process');
      tell = undefined;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

function tryLock(path: string): Lock | null {
  makeOnce(path);
  const before = statSync(path);
  const database = new DatabaseSync(path);
  try {
    // Nothing is ever written; without this SQLite would put an empty journal beside the file.
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === BUSY) return null;
    throw error;
  }
  // A lock on a file that was removed meanwhile locks nothing: the next one would lock a new file.
  const after = statSync(path, { throwIfNoEntry: false });
  if (after === undefined || after.ino !== before.ino || after.dev !== before.dev) {
    database.close();
    return null;
  }
  held.add(database);
  quietly(() => writeFileSync(noteAt(path), ours(), { mode: FILE_MODE }));
  return {
    release: () => {
      if (!held.delete(database)) return;
      // Before the lock is free: after it the note is the next holder's.
      quietly(() => rmSync(noteAt(path), { force: true }));
      database.close();
    },
  };
}

const noteAt = (path: string): string => `${path}.holder`;

function ours(): string {
  const program = process.argv[1];
  const name = program === undefined ? 'node' : basename(program);
  return `${name}, process ${process.pid} on ${hostname()}, since ${new Date().toISOString()}`;
}

/** Who says to hold the lock at `path`, in words; null when nobody has said so. For messages only. */
export function lockHolder(path: string): string | null {
  let note: string | null = null;
  quietly(() => (note = readFileSync(noteAt(path), 'utf8').slice(0, 256)));
  return note === null || note === '' ? null : (note as string).replaceAll(/[^\x20-\x7e]/g, '?');
}

// A full disk or a directory that is read-only now: the lock counts, its note does not.
function quietly(job: () => void): void {
  try {
    job();
  } catch {
    // As above.
  }
}

// Made by us, so that it has our mode; SQLite would take the umask's. An existing file is not opened: closing any
// descriptor of it would drop the record lock that this process may hold on it.
function makeOnce(path: string): void {
  try {
    closeSync(openSync(path, 'wx', FILE_MODE));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}
