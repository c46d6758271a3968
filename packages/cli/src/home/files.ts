// Reading and writing files so that nothing is half-written and no secret can be read by others: secrets are
// created exclusively with mode 0600 and refused when group or others may read them.
import { chmodSync, createReadStream, readdirSync, statSync } from 'node:fs';
import { createFile, makeDirectorySync, replaceFile, replaceFileSync } from '@ambit/files';
import { AmbitError, LIMITS, prefixOf } from '@ambit/core';
import { readOpened, type OpenedFile } from '@ambit/core/node';
import type { Cli } from '../cli.ts';
import { badInput, Failure, ioFailure } from '../failure.ts';

/** The most that is read of any input but arguments: generous for keys, tokens and grants. */
const INPUT_BYTES = 1 << 20;

/** Reads a file whole; Failure that names it. With `secret`, only if no other user can read it. */
export function readFile(
  path: string,
  options: {
    readonly secret?: boolean;
    readonly insecure?: boolean;
    readonly limit?: number;
    /** How the secret begins that is asked for; a public key in its place is named first. */
    readonly wanted?: string;
  } = {},
): Buffer {
  const limit = options.limit ?? INPUT_BYTES;
  let opened: OpenedFile;
  try {
    opened = readOpened(path, limit);
  } catch (error) {
    throw ioFailure('read', path, error);
  }
  const { bytes, mode, exposed } = opened;
  // The wrong file, and not one to be hidden: the mode of a public key is right as it is.
  if (options.wanted !== undefined && bytes !== null) secretLines(path, bytes, options.wanted);
  // The command line knows which file is a secret, whatever stands in it; `textOf` of core has to look.
  if (options.secret === true && options.insecure !== true && exposed)
    throw new Failure(
      'key_exposed',
      `${path}: a secret file with mode ${mode.toString(8)} can be read by others`,
      `chmod 600 ${path}`,
    );
  if (bytes === null) throw badInput(`${path}: larger than ${limit} bytes, the limit for this kind of input`);
  return bytes;
}

/** How a file is written. */
export interface WriteOptions {
  readonly mode: number;
  /** Replace what is there; else an existing file is an error (`file_exists`). */
  readonly replace?: boolean;
}

/** Writes a file so that its name leads to all of the content or to none of it. */
export function writeFile(path: string, content: string | Uint8Array, options: WriteOptions): void {
  try {
    if (options.replace === true) replaceFileSync(path, content, options.mode);
    else createFile(path, content, options.mode);
  } catch (error) {
    throw ioFailure('write', path, error);
  }
}

/** The same for what may be long, and comes in pieces; replaces what is there. */
export async function writePieces(path: string, pieces: AsyncIterable<string>, mode: number): Promise<void> {
  try {
    await replaceFile(path, pieces, true, mode);
  } catch (error) {
    throw error instanceof AmbitError ? error : ioFailure('write', path, error);
  }
}

/** Makes a directory for its owner alone, and the ones above it. */
export function makeDirectory(path: string): void {
  try {
    makeDirectorySync(path);
  } catch (error) {
    throw ioFailure('make the directory', path, error);
  }
}

/**
 * Makes sure that a directory for secrets is its owner's alone: a new or empty one becomes so, and one that others
 * can write to is refused, because they could put anything in it.
 */
export function ownDirectory(path: string): void {
  makeDirectory(path);
  try {
    const { mode } = statSync(path);
    if ((mode & 0o077) === 0 || process.platform === 'win32') return;
    if (readdirSync(path).length === 0) chmodSync(path, 0o700);
    else if ((mode & 0o022) !== 0) {
      throw new Failure('key_exposed', `${path}: other users can write to this home`, `chmod 700 ${path}`);
    }
  } catch (error) {
    throw error instanceof Failure ? error : ioFailure('use the directory', path, error);
  }
}

/** The text of an input: `-` is stdin, anything else a path. */
export async function readInput(
  cli: Cli,
  what: string,
  source: string,
  limit: number = INPUT_BYTES,
): Promise<string> {
  const bytes = source === '-' ? await cli.stdin(what, limit) : readFile(source, { limit });
  return bytes.toString('utf8');
}

/** The same in pieces, for what may be long. */
export async function* readPieces(cli: Cli, what: string, source: string): AsyncGenerator<Uint8Array> {
  if (source === '-') return yield* cli.stdinPieces(what);
  try {
    yield* createReadStream(source) as AsyncIterable<Buffer>;
  } catch (error) {
    throw ioFailure('read', source, error);
  }
}

/** One line of text, without white space at its end. */
const line = (text: string): string => text.replace(/(?<![ \t\r\n])[ \t\r\n]+$/, '');

const TEXTS = /^amb[a-z]?1_|^amb(?:pub|sec)_/;

/**
 * A token, proof, offer or public key: the text itself, a path, or `-`. A text that was pasted with a line break
 * in it is refused, not mended: what was lost can't be known.
 */
export async function readText(cli: Cli, what: string, source: string): Promise<string> {
  if (source.startsWith('ambsec_')) {
    throw new Failure(
      'usage',
      `${what}: this is a secret key on the command line; anyone on this machine may have seen it`,
      'make a new key, and name its file instead',
    );
  }
  const given = TEXTS.test(source) ? source : await readInput(cli, what, source, 4 * LIMITS.tokenBytes);
  const text = line(given);
  if (text === '') throw badInput(`${what}: ${source === '-' ? 'stdin' : source} is empty`);
  if (/\s/.test(text)) {
    throw badInput(
      `${what}: it contains white space; it was pasted with a line break or in pieces`,
      'copy it again as one line',
    );
  }
  return text;
}

// A public key of ours, or the verifier key of a signed note (C2SP signed-note: name, hash, key).
const PUBLIC = /^ambpub_|^(?!PRIVATE\+KEY\+)[^\s+]+\+[0-9a-f]{8}\+/;

// The lines of a file for secrets; Failure `key_invalid` for the public half, which is beside it and easily taken for it.
function secretLines(source: string, bytes: Buffer, wanted: string): readonly string[] {
  const lines = bytes
    .toString('utf8')
    .split(/\r?\n/)
    .map((l) => l.trim())
    .filter((l) => l !== '' && !l.startsWith('#'));
  const begins = lines.length > 0 && lines.every((l) => PUBLIC.test(l)) ? prefixOf(lines[0]!) : undefined;
  if (begins === undefined) return lines;
  const kind = begins === null ? '' : ` (${begins}...)`;
  const at = source === '-' ? 'stdin' : source;
  throw new Failure(
    'key_invalid',
    `${at}: holds a public key${kind}, where a secret one is needed (${wanted}...)`,
    /\.(?:pub|vkey)$/.test(source)
      ? `the secret half is in ${source.replace(/\.\w+$/, '')}`
      : 'name the file of the secret key',
  );
}

/**
 * The text of a secret: from a file of mode 0600, or `-`. Comment lines are skipped. Never from the command line.
 * `wanted`: how it begins.
 */
export async function readSecret(
  cli: Cli,
  what: string,
  source: string,
  wanted: string,
): Promise<readonly string[]> {
  if (source.startsWith('ambsec_')) {
    throw new Failure(
      'usage',
      `${what}: this is a secret key on the command line; anyone on this machine may have seen it`,
      'make a new key, and name its file instead',
    );
  }
  const bytes =
    source === '-'
      ? await cli.stdin(what, INPUT_BYTES)
      : readFile(source, { secret: true, insecure: cli.insecurePermissions, wanted });
  const found = secretLines(source, bytes, wanted);
  if (found.length === 0) throw new Failure('key_invalid', `${source}: contains no key`);
  return found;
}
