// Measures an artifact on disk: streams every file through SHA-256, so that size is no limit and memory stays
// flat. Symbolic links and special files are refused: what is attested are bytes, not where a link points
// today. A file that changes while it is read is refused too.
import { constants, lstat, open, readdir, type FileHandle } from 'node:fs/promises';
import { AmbitError, fromUtf8 } from '@ambit/core';
import { nativeHasher } from '@ambit/core/node';
import { isManifestPath, manifest, SELF, type Manifest, type ManifestFile } from './manifest.ts';

/** Options of a measurement. */
export interface MeasureOptions {
  /** Called after each piece that was read: bytes so far. */
  readonly onProgress?: (bytes: number) => void;
}

const CHUNK = 1 << 20;
/** Files an artifact may have; a limit against walking a whole disk by mistake. */
const FILES = 100_000;

/**
 * The manifest of the file or directory at `path`. AmbitError `file_missing` if it is missing, `input_invalid`
 * for links, special files, names no manifest can hold and empty directories, `io_failed` for what can't be read.
 */
export async function measure(path: string, options: MeasureOptions = {}): Promise<Manifest> {
  const progress = { bytes: 0, options, buffer: Buffer.allocUnsafe(CHUNK) };
  const kind = await kindOf(path);
  if (kind === 'file') {
    return manifest('file', [{ path: SELF, ...(await hash(path, progress)) }]);
  }
  const files: ManifestFile[] = [];
  const walk = async (directory: string, prefix: string): Promise<void> => {
    const names = await readdir(directory, { encoding: 'buffer' }).catch((e: unknown) =>
      failed(directory, e),
    );
    for (const bytes of names) {
      const name = fromUtf8(bytes);
      const relative = prefix + (name ?? '');
      if (name === null || !isManifestPath(relative)) {
        throw new AmbitError(
          'input_invalid',
          `${directory} holds a name that no manifest can hold: ${JSON.stringify(bytes.toString('latin1'))}.`,
        );
      }
      const full = `${directory}/${name}`;
      if ((await kindOf(full)) === 'directory') await walk(full, `${relative}/`);
      else files.push({ path: relative, ...(await hash(full, progress)) });
      if (files.length > FILES)
        throw new AmbitError('input_invalid', `${path} holds more than ${FILES} files.`);
    }
  };
  await walk(path.length > 1 ? path.replace(/(?<!\/)\/+$/, '') : path, '');
  if (files.length === 0) throw new AmbitError('input_invalid', `${path} holds no files.`);
  return manifest('directory', files);
}

async function kindOf(path: string): Promise<'file' | 'directory'> {
  const stat = await lstat(path).catch((e: unknown) => failed(path, e));
  if (stat.isSymbolicLink()) {
    throw new AmbitError('input_invalid', `${path} is a symbolic link; a model artifact holds files only.`);
  }
  if (stat.isDirectory()) return 'directory';
  if (stat.isFile()) return 'file';
  throw new AmbitError('input_invalid', `${path} is neither a file nor a directory.`);
}

interface Progress {
  bytes: number;
  readonly options: MeasureOptions;
  readonly buffer: Buffer;
}

async function hash(
  path: string,
  progress: Progress,
): Promise<{ readonly size: number; readonly sha256: Uint8Array }> {
  // O_NOFOLLOW: a link put here after it was looked at is not followed.
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch((e: unknown) =>
    failed(path, e),
  );
  try {
    const before = await file.stat();
    const hasher = nativeHasher();
    let size = 0;
    for (;;) {
      const { bytesRead } = await file
        .read(progress.buffer, 0, CHUNK, null)
        .catch((e: unknown) => failed(path, e));
      if (bytesRead === 0) break;
      hasher.update(progress.buffer.subarray(0, bytesRead));
      size += bytesRead;
      progress.bytes += bytesRead;
      progress.options.onProgress?.(progress.bytes);
    }
    await requireSame(path, file, before, size);
    return { size, sha256: hasher.digest() };
  } finally {
    await file.close();
  }
}

async function requireSame(
  path: string,
  file: FileHandle,
  before: { readonly size: number; readonly mtimeMs: number },
  size: number,
): Promise<void> {
  const after = await file.stat();
  if (before.size !== size || after.size !== size || after.mtimeMs !== before.mtimeMs) {
    throw new AmbitError('io_failed', `${path} changed while it was read; measure it again.`);
  }
}

function failed(path: string, cause: unknown): never {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  if (code === 'ENOENT' || code === 'ENOTDIR')
    throw new AmbitError('file_missing', `${path} does not exist.`, { cause });
  if (code === 'ELOOP') throw new AmbitError('input_invalid', `${path} is a symbolic link.`, { cause });
  throw new AmbitError('io_failed', `${path} can't be read (${code}).`, { cause });
}
