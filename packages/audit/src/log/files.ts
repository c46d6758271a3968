// Writing files so that a reader, or the next start, finds the old content or the new one and nothing between.
// A rename makes it atomic; fdatasync of the file and fsync of its directory make it durable.
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Only the log's own user reads a log's files: records say who did what. */
export const FILE_MODE = 0o600;
export const DIRECTORY_MODE = 0o700;

let serial = 0;

/** Replaces a file in one step. With `durable`, it and its directory entry survive a power cut when this returns. */
export async function replaceFile(path: string, bytes: Uint8Array | string, durable: boolean): Promise<void> {
  const temporary = `${path}.${process.pid}.${serial++}.tmp`;
  const file = await open(temporary, 'wx', FILE_MODE);
  try {
    await file.writeFile(bytes);
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

/** Makes a directory and those above it. */
export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
}
