// One writer a log: the lock file inside the log's own directory, which only the log's user can open.
import { join } from 'node:path';
import { acquireLock, makeDirectory, type Lock } from '@ambit/files';
import { AmbitError } from '../core.ts';

export type { Lock } from '@ambit/files';

/** Takes the lock of a directory, trying for `wait` milliseconds. Throws AmbitError `audit_unavailable` when another writer holds it. */
export async function lockDirectory(directory: string, wait: number = 0): Promise<Lock> {
  await makeDirectory(directory);
  const lock = await acquireLock(join(directory, 'writer.lock'), wait);
  if (lock === null)
    throw new AmbitError(
      'audit_unavailable',
      'The log has a writer already: another process holds its lock.',
    );
  return lock;
}
