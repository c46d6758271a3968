// Where a log's files are read from: a directory, or a web server that serves one (tlog-tiles allows both). The
// source is not trusted: its readers check hashes.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AmbitError } from '../core.ts';

/** Reads the file at a path relative to the log's prefix; null if it is missing. */
export type Source = (path: string) => Promise<Uint8Array | null>;

/** The error of a system call that says the file does not exist. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

/** A log in a directory. */
export function directorySource(directory: string): Source {
  return async (path) => {
    try {
      return await readFile(join(directory, path));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  };
}

/** A log behind `prefix` (http or https). `timeout` in milliseconds; no file of a log is larger than `maxBytes`. */
export function httpSource(prefix: string, timeout: number = 10_000, maxBytes: number = 33_554_432): Source {
  const base = prefix.endsWith('/') ? prefix : `${prefix}/`;
  return async (path) => {
    const response = await fetch(new URL(path, base), {
      signal: AbortSignal.timeout(timeout),
      redirect: 'error',
    });
    if (response.status === 404) return null;
    if (!response.ok)
      throw new AmbitError('io_failed', `${path}: the log's server answered ${response.status}.`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (bytes.length > maxBytes)
      throw new AmbitError('io_failed', `${path}: longer than a file of a log can be.`);
    return bytes;
  };
}

/** A log by its address: `http:` and `https:` URLs, anything else is a directory. */
export const openSource = (address: string): Source =>
  /^https?:\/\//.test(address) ? httpSource(address) : directorySource(address);
