// One writer at a time for a small file of the home: the lock that every package uses, in the command line's words.
import { acquireLock, lockHolder } from '@ambit/files';
import { Failure, ioFailure } from '../failure.ts';

const WAIT_MS = 10_000;

/** Runs `job` while holding the lock at `path`; Failure `io_failed` when another process keeps it. */
export async function underLock<T>(path: string, job: () => T | Promise<T>): Promise<T> {
  const lock = await acquireLock(path, WAIT_MS).catch((error: unknown) => {
    throw ioFailure('lock', path, error);
  });
  if (lock === null)
    throw new Failure(
      'io_failed',
      `${path}: ${lockHolder(path) ?? 'another ambit'} has held this lock for 10 s`,
      'wait for it to end, or end it',
    );
  try {
    return await job();
  } finally {
    lock.release();
  }
}
