// One writer a log: the lock file inside the log's own directory, which only the log's user can open.
import { join } from 'node:path';
import { acquireLock, lockHolder, makeDirectory, type Lock } from '@ambit/files';
import { AmbitError } from '../core.ts';

export type { Lock } from '@ambit/files';

/**
 * Takes the lock of a directory, trying for `wait` milliseconds; `waiting` is told after a second who has it. Throws
 * AmbitError `audit_unavailable` when another writer holds it.
 */
export async function lockDirectory(
  directory: string,
  wait: number = 0,
  waiting?: (holder: string) => void,
): Promise<Lock> {
  await makeDirectory(directory);
  const path = join(directory, 'writer.lock');
  const lock = await acquireLock(path, wait, waiting);
  if (lock !== null) return lock;
  const holder = lockHolder(path) ?? 'another process';
  throw new AmbitError(
    'audit_unavailable',
    `The log in ${directory} has a writer already (${holder}): end it, use another directory, or write through its socket.`,
  );
}
