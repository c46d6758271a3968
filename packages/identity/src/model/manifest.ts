// What a model artifact consists of. A file's digest is its SHA-256, as `sha256sum` prints it. A directory's is
// that of its canonical manifest: the label, then a line `<sha256> <size> <path>\n` for each file, paths with
// `/`, sorted segment by segment in UTF-8 order. That is the order of OpenSSF model signing too, whose own
// root digest (`openssfRoot`) covers the file digests alone, without names; so it is stated, and never trusted.
import { concat, LABELS, sha256, toHex, utf8 } from '@ambit/core';

/** One file: its path below the artifact (`.` when the artifact is that file), bytes, SHA-256. */
export interface ManifestFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: Uint8Array;
}

/** A measured artifact. */
export interface Manifest {
  readonly kind: 'file' | 'directory';
  /** In canonical order. */
  readonly files: readonly ManifestFile[];
  /** What a grant names: 32 bytes. */
  readonly digest: Uint8Array;
}

/** The path of the only entry of an artifact that is a file, as OpenSSF model signing names it. */
export const SELF = '.';

/** Order of paths: segment by segment, each by its UTF-8 bytes. */
export function comparePaths(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compareUtf8(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

// UTF-16 order differs from UTF-8 order where surrogates stand against U+E000 to U+FFFF.
function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const x = utf8(a);
  const y = utf8(b);
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] !== y[i]) return x[i]! - y[i]!;
  }
  return x.length - y.length;
}

/**
 * Whether a path is allowed in a manifest: relative, no empty, `.` or `..` segment, no backslash, control or
 * line-separator character, so that every platform and every reader of the manifest means the same file.
 */
export function isManifestPath(path: string): boolean {
  if (path.length === 0 || utf8(path).length > 4096 || /[\\\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}]/u.test(path))
    return false;
  return path.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}

/** The manifest of files in any order. Throws TypeError for paths that are not allowed or occur twice. */
export function manifest(kind: Manifest['kind'], files: readonly ManifestFile[]): Manifest {
  const sorted = [...files].sort((a, b) => comparePaths(a.path, b.path));
  sorted.forEach((file, i) => {
    if (kind === 'file' ? file.path !== SELF || files.length !== 1 : !isManifestPath(file.path)) {
      throw new TypeError(`manifest: ${JSON.stringify(file.path)} can't stand in a manifest of a ${kind}`);
    }
    if (sorted[i - 1]?.path === file.path)
      throw new TypeError(`manifest: ${JSON.stringify(file.path)} stands twice`);
  });
  if (sorted.length === 0) throw new TypeError('manifest: no files');
  const digest = kind === 'file' ? sorted[0]!.sha256 : sha256(LABELS.model.bytes, manifestLines(sorted));
  return Object.freeze({ kind, files: Object.freeze(sorted), digest });
}

/** The lines of a directory's manifest, without the label before them. */
export const manifestLines = (files: readonly ManifestFile[]): Uint8Array =>
  utf8(files.map((f) => `${toHex(f.sha256)} ${f.size} ${f.path}\n`).join(''));

/** The root digest of OpenSSF model signing 1.0: SHA-256 over the files' digests, in order. */
export const openssfRoot = (files: readonly ManifestFile[]): Uint8Array =>
  sha256(concat(...files.map((f) => f.sha256)));
