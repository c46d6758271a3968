// One writer at a time for a small file of the home: the lock that every package uses, in the command line's words.
import { acquireLock, lockHolder } from '@ambit/files';
import type { Cli } from '../cli.ts';
import { Failure, ioFailure } from '../failure.ts';

const WAIT_MS = 10_000;

/** What tells a person for whom a lock is waited. */
export const waitingNote =
  (cli: Pick<Cli, 'warn'>) =>
  (holder: string): void =>
    cli.warn(`waiting for ${holder}`);

/**
 * Runs `job` while holding the lock at `path`; Failure `io_failed` when another process keeps it. A person who waits is
 * told for whom.
 */
export async function underLock<T>(
  waiting: (holder: string) => void,
  path: string,
  job: () => T | Promise<T>,
): Promise<T> {
  const lock = await acquireLock(path, WAIT_MS, waiting).catch((error: unknown) => {
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
