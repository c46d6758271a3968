// The last signed checkpoint, in a store of its own with compare-and-swap. The log's directory can then be
// anything: a log that was changed or rolled back does not lead up to this checkpoint, and no second history is
// ever signed. Other stores (a database row, an object with If-Match) implement the same two methods.
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isMissing } from '../tile/source.ts';
import { acquireLock, makeDirectory, replaceFile } from '@ambit/files';
import { AmbitError } from '../core.ts';

/** Keeps one note. */
export interface HeadStore {
  /** The last signed checkpoint note, or null when none was ever signed. */
  read(): Promise<string | null>;
  /** Replaces `expected` by `next`, durably, if and only if `expected` is what is stored; says whether it did. */
  swap(expected: string | null, next: string): Promise<boolean>;
}

/** A file. It belongs outside the log's directory, at best on another file system or under another user. */
export function fileHead(path: string): HeadStore {
  const read = async (): Promise<string | null> => {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  };
  return {
    read,
    async swap(expected, next) {
      await makeDirectory(dirname(path));
      const lock = await acquireLock(join(dirname(path), `.${basename(path)}.lock`), 5_000);
      if (lock === null)
        throw new AmbitError('audit_unavailable', 'The head store is locked by another process.');
      try {
        if ((await read()) !== expected) return false;
        await replaceFile(path, next, true);
        return true;
      } finally {
        lock.release();
      }
    },
  };
}

/** In memory, for logs that live as long as a process. */
export function memoryHead(): HeadStore {
  let stored: string | null = null;
  return {
    read: () => Promise.resolve(stored),
    swap: (expected, next) => {
      if (stored !== expected) return Promise.resolve(false);
      stored = next;
      return Promise.resolve(true);
    },
  };
}
