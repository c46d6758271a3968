// One writer at a time for a small file: a lock file beside it, made exclusively, with the pid of its owner. A
// lock whose owner is dead is broken under a second lock, and looked at again there, so that two who both see a
// dead owner can't remove each other's new lock.
import { closeSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { Failure, ioFailure } from '../failure.ts';

const WAIT_MS = 10_000;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

function create(path: string): boolean {
  try {
    const fd = openSync(path, 'wx', 0o600);
    writeSync(fd, `${process.pid}\n`);
    closeSync(fd);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw ioFailure('lock', path, error);
  }
}

/** The owner's pid; null when the lock is gone, 0 while its owner is still writing it. */
function ownerOf(path: string): number | null {
  try {
    return Number(readFileSync(path, 'utf8').trim()) || 0;
  } catch {
    return null;
  }
}

function isDead(pid: number | null): boolean {
  if (pid === null || pid === 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

function breakStale(path: string): void {
  const breaking = `${path}.breaking`;
  if (!create(breaking)) return;
  try {
    if (isDead(ownerOf(path))) unlinkSync(path);
  } finally {
    unlinkSync(breaking);
  }
}

/** Runs `job` while holding the lock at `path`; Failure `io_failed` when another process keeps it. */
export async function underLock<T>(path: string, job: () => T | Promise<T>): Promise<T> {
  const deadline = Date.now() + WAIT_MS;
  while (!create(path)) {
    const owner = ownerOf(path);
    if (isDead(owner)) breakStale(path);
    else if (Date.now() > deadline) {
      throw new Failure(
        'io_failed',
        `${path}: held by process ${owner ?? 'unknown'} for too long`,
        `remove ${path} if no ambit is running`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 20));
  }
  try {
    return await job();
  } finally {
    unlinkSync(path);
  }
}
