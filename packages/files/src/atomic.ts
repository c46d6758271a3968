// Writing files so that a reader, or the next start, finds the old content or the new one and nothing between.
// A temporary file beside the target takes its name in one step (rename replaces, link creates); fdatasync of the
// file and fsync of its directory make it durable. The synchronous forms are for commands, which do one thing.
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';

/** Owner alone: what is kept says who did what, or is a secret. */
export const FILE_MODE = 0o600;
export const DIRECTORY_MODE = 0o700;

// Beside the target, since a name can only be taken within one file system; hidden; random, so that two processes
// with the same pid (containers) can't meet.
const temporaryFor = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);

/**
 * Replaces a file in one step, with mode 0600 unless another is given. With `durable`, it and its directory entry
 * survive a power cut when this returns. Rejects with the system's error, or that of the pieces of what is written,
 * and leaves nothing behind.
 */
export async function replaceFile(
  path: string,
  content: Uint8Array | string | AsyncIterable<string>,
  durable: boolean,
  mode: number = FILE_MODE,
): Promise<void> {
  const temporary = temporaryFor(path);
  const file = await open(temporary, 'wx', mode);
  try {
    // The umask may have taken bits away from a public file; the log's own, of which there are many, need no asking.
    if (mode !== FILE_MODE) await file.chmod(mode);
    if (typeof content === 'string' || content instanceof Uint8Array) await file.writeFile(content);
    else for await (const piece of content) await file.appendFile(piece);
    if (durable) await file.datasync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => {});
    await unlink(temporary).catch(() => {});
    throw error;
  }
  if (durable) await syncDirectory(dirname(path));
}

/** Replaces a file, durably, in one step. Throws the system's error. */
export function replaceFileSync(path: string, content: string | Uint8Array, mode: number): void {
  writeBeside(path, content, mode, renameSync);
}

/** Makes a file, durably, in one step; one that is there is an error (`EEXIST`). Throws the system's error. */
export function createFile(path: string, content: string | Uint8Array, mode: number): void {
  writeBeside(path, content, mode, linkSync);
}

function writeBeside(
  path: string,
  content: string | Uint8Array,
  mode: number,
  take: (temporary: string, path: string) => void,
): void {
  const temporary = temporaryFor(path);
  const fd = openSync(temporary, 'wx', mode);
  try {
    try {
      // The umask may have taken bits away from a public file; it never adds any to a secret one.
      fchmodSync(fd, mode);
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    take(temporary, path);
  } finally {
    try {
      unlinkSync(temporary);
    } catch {
      // Renamed; or another process removed it.
    }
  }
  try {
    const directory = openSync(dirname(path), 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  } catch {
    // Not every system lets a directory be synced; the file itself is.
  }
}

/** Makes the entries of a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Makes a file's content durable that was written without. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Makes a directory for its owner alone, and those above it. */
export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
}

/** The same. Step by step: Node's own `recursive` never returns where the system says "no such file" to any name (/proc). */
export function makeDirectorySync(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectorySync(parent);
  try {
    mkdirSync(path, { mode: DIRECTORY_MODE });
  } catch (error) {
    if (!existsSync(path)) throw error;
  }
}
